//! A change that was asked for after the session had ended, or too long after the login:
//! the password comes first, and then the page that the change was asked for on.

use actix_web::HttpResponse;

use super::confirmation::ask_to_confirm;
use super::password::ask_to_log_in;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::next_path::NextPath;
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
