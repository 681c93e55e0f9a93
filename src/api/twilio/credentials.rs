//! Who asks, as Twilio's clients say it: Basic credentials whose password is the key.

use std::sync::Arc;

use actix_web::HttpRequest;

use crate::api::basic_credentials::BasicCredentials;
use crate::api::caller::{Door, ask_about};
use crate::api::gate::presented_key::PresentedKey;
use crate::api::sms::messages::SERVICE;
use crate::domain::callback::account_sid;
use crate::error::{Error, Result};
use crate::gate::{Code, KeyRecord};
use crate::http::State;

/// The key of a request about the account `sid`, for what needs `scope`. The user name is
/// the account's sid, or that of an API key of Twilio's, of which all are taken: the
/// password alone says which key it is.
///
/// # Errors
/// [`Error::KeyRefused`]; [`Error::NotFound`] for another account than the key's.
pub(super) async fn caller(state: &State, request: &HttpRequest, sid: &str, scope: &str) -> Result<Arc<KeyRecord>> {
    let credentials = BasicCredentials::of(request.headers());
    let is_of_key = |user: &str| user.starts_with("SK");
    let presented = match &credentials {
        None => PresentedKey::Missing,
        Some(basic) if is_of_key(basic.user()) || basic.user() == sid => PresentedKey::One(basic.password().trim()),
        // No key has an account's sid that the request is not about.
        Some(_) => PresentedKey::One(""),
    };
    let door = Door { service: Some(SERVICE), scopes: &[scope], ..Door::default() };
    let key = ask_about(state, request.head(), &presented, door).await?.map_err(Error::KeyRefused)?;
    match account_sid(&key.account_id) == sid {
        true => Ok(key),
        false if credentials.is_some_and(|basic| is_of_key(basic.user())) => Err(Error::NotFound),
        false => Err(Error::KeyRefused(Code::NotFound.denial())),
    }
}
