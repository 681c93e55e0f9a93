//! `POST /v1/keys/lookup`: which key is this? By the key itself, or by its digest, which says
//! less to whoever reads along.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::manager::Manager;
use crate::api::answer_traced;
use crate::api::json_body::{check_length, parse};
use crate::domain::api_key::{self, KeyView};
use crate::domain::key_import::parse_digest;
use crate::domain::management::ManagementScope;
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;
use crate::store::{Digest, Tx};

/// The longest question, as for one about whether a key is valid.
pub const MAX_BODY_BYTES: usize = 40 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupRequest {
    key: Option<Zeroizing<String>>,
    sha256: Option<String>,
}

impl LookupRequest {
    const FORM: &str = "{\"key\": \"…\"} or {\"sha256\": \"…\"}";

    fn digest(&self) -> Result<Digest> {
        match (&self.key, &self.sha256) {
            (Some(key), None) => Ok(Digest::of(key.trim_ascii().as_bytes())),
            (None, Some(text)) => parse_digest(text),
            _ => Err(Error::Malformed(format!("Send {}, and one of them alone.", Self::FORM))),
        }
    }
}

#[derive(Serialize)]
struct LookedUpView<'a> {
    /// Which of the key's secrets it is.
    secret_id: &'a str,
    #[serde(flatten)]
    key: KeyView<'a>,
}

/// `POST /v1/keys/lookup`: 200 with the key, or 404.
pub async fn look_up_key(
    state: Data<State>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let look_up = async {
        check_length(&body)?;
        let manager = Manager::of(&state, &request, ManagementScope::KeysRead).await?;
        let asked: LookupRequest = parse(request.headers(), body, LookupRequest::FORM)?;
        let digest = asked.digest()?;
        let (account, services) = (manager.remit.account.clone(), manager.remit.bounds.services.clone());
        // Read first: what is not found costs no write.
        let known = state.store.read({
            let (account, services) = (account.clone(), services.clone());
            move |conn| api_key::find_by_digest_within(conn, &account, &services, digest).map(drop)
        });
        known.await?;
        let work = move |tx: &mut Tx<'_>| api_key::look_up_within(tx, &account, &services, digest);
        let found = state.store.change(manager.actor(&state, &request), state.clock.now(), work).await?;
        let key = KeyView::from(&found.entry);
        Ok(manager.answer(HttpResponse::Ok().json(LookedUpView { secret_id: found.secret_id.as_str(), key })))
    };
    answer_traced(&state, &request, look_up).await
}
