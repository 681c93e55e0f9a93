//! The page that names the keys in a text. The text is not stored, not logged and not
//! shown again, since it may hold secrets: of this installation's or of others'.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::PATH;
use super::pasted::PastedSecret;
use super::view::{Answer, LeaksPage};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::login::resume::ask_again;
use crate::domain::api_key::secret_scan::{FoundSecrets, find_secrets};
use crate::domain::api_key::{self, Identification};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

/// The longest text.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// The longest request body: forms write a byte as up to three, and a text that is somewhat
/// too long gets an answer that says so.
pub const MAX_BODY_BYTES: usize = 4 * MAX_TEXT_BYTES;

/// What is pasted.
#[derive(Deserialize)]
pub struct LookUpForm {
    text: Zeroizing<String>,
}

/// `GET /leaks`
pub async fn show_leaks(session: Session, who: SignedIn) -> Result<HttpResponse> {
    html(StatusCode::OK, &LeaksPage::new(Shell::new("api-keys", &who, &session)))
}

/// `POST /leaks`
pub async fn look_up_keys(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        // The text is no draft to be kept: sessions are stored.
        Ok(who) => who,
        Err(error) => return ask_again(error, PATH),
    };
    let LookUpForm { text } = parse_form(&body)?;
    let page = LeaksPage::new(Shell::new("api-keys", &who, &session));
    match find(&state, &who, &text).await {
        Ok(answer) => html(StatusCode::OK, &LeaksPage { answer: Some(answer), ..page }),
        Err(error) => {
            let rejection = FormRejection::of(error, "Nothing was looked up. Paste it again in a moment.")?;
            let (rejected, errors, alert) = rejection.into_parts();
            rejected.respond(&LeaksPage { errors, alert, ..page })
        }
    }
}

async fn find(state: &State, who: &SignedIn, text: &str) -> Result<Answer> {
    check(text)?;
    let FoundSecrets { secrets, mistyped, is_cut } = find_secrets(text);
    let mut pasted: Vec<PastedSecret> = secrets.iter().map(PastedSecret::own).collect();
    if pasted.is_empty() {
        pasted.extend(PastedSecret::foreign(text));
    }
    let (account, digests) = (who.account.clone(), pasted.iter().map(|pasted| pasted.digest).collect::<Vec<_>>());
    let found = if pasted.is_empty() {
        Identification::default()
    } else {
        who.change(state, move |tx| api_key::identify(tx, &account, &digests)).await?
    };
    let count = found.known.len() + found.in_trash.len();
    // Keys of other systems may look like mistyped ones of ours.
    let mistyped = if count > 0 && secrets.is_empty() { 0 } else { mistyped };
    tracing::info!(operator = %who.operator.id, found = count, "keys were looked up by their secrets");
    Ok(Answer::new(pasted, found, mistyped, is_cut, state.clock.now()))
}

fn check(text: &str) -> Result<()> {
    let mut errors = FieldErrors::default();
    if text.len() > MAX_TEXT_BYTES {
        errors.add("text", "This text is longer than 64 KiB. Paste it in parts.");
    } else if text.trim().is_empty() {
        errors.add("text", "Paste a key, or a text that may hold one.");
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
