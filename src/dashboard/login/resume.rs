//! A change that was asked for after the session had ended, or too long after the login:
//! the password comes first, and then the page that the change was asked for on.

use actix_session::Session;
use actix_web::HttpResponse;

use super::confirmation::ask_to_confirm;
use super::password::{MAX_DRAFT_BYTES, ask_to_log_in};
use crate::dashboard::frame::htmx;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session;
use crate::error::{Error, Result};

/// Answers a form whose sender is not logged in, or has to give the password again: with
/// the page that asks for it, which leads to `page`, the form's own, and has it filled in
/// again with `body`.
///
/// # Errors
/// Every error that no login mends.
pub fn keep_form(error: Error, page: &NextPath, body: &[u8]) -> Result<HttpResponse> {
    match error {
        Error::Unauthenticated => ask_to_log_in(page, String::from_utf8_lossy(body).into_owned()),
        Error::StaleLogin => ask_to_confirm(page, String::from_utf8_lossy(body).into_owned()),
        error => Err(error),
    }
}

/// Answers the same when htmx sent the form. Who is not logged in does so in a new tab, and
/// what was typed stays in the pop-up; the page that asks for the password again takes the
/// place of the one with the pop-up, and `page` is filled in afterwards.
///
/// # Errors
/// Every error but that of a login that is not recent enough.
pub fn keep_part(session: &Session, error: Error, page: &NextPath, body: &[u8]) -> Result<HttpResponse> {
    if !matches!(error, Error::StaleLogin) {
        return Err(error);
    }
    if body.len() <= MAX_DRAFT_BYTES {
        session::keep_draft(session, page.as_str(), &String::from_utf8_lossy(body))?;
    }
    Ok(HttpResponse::Ok().insert_header((htmx::REDIRECT, page.confirmation_url())).finish())
}

/// Answers a button whose presser is not logged in, or has to give the password again:
/// with the page that asks for it, which leads to `page`, where it can be pressed again.
///
/// # Errors
/// Every error that no login mends.
pub fn ask_again(error: Error, page: &str) -> Result<HttpResponse> {
    match error {
        Error::Unauthenticated => Ok(see_other(&NextPath::parse(page).login_url())),
        Error::StaleLogin => Ok(see_other(&NextPath::parse(page).confirmation_url())),
        error => Err(error),
    }
}
