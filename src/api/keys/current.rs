//! `DELETE /v1/keys/current`: the holder of a key switches it off, for example after it
//! leaked. The key stays, for an operator to look at.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::api::answer_traced;
use crate::api::caller::holder;
use crate::api::client::{actor_of, described};
use crate::domain::api_key::{self, KeyStatus, StatusReason, StatusRequest};
use crate::domain::service::{self, SelfRevocation};
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;
use crate::store::Tx;

/// `DELETE /v1/keys/current`: 204, and from then on the key is refused, with each of its
/// secrets.
pub async fn disable_current_key(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let disable = async {
        let key = holder(&state, &request).await?;
        let (account, id, slug) = (key.account_id.clone(), key.id.clone(), key.service().to_owned());
        let actor = described(actor_of(&key), &state, &request);
        let work = move |tx: &mut Tx<'_>| {
            if service::find(tx, &slug)?.self_revocation == SelfRevocation::Refused {
                return Err(Error::SelfRevocationRefused);
            }
            let reason = Some(StatusReason::Holder);
            let request = StatusRequest { status: KeyStatus::Disabled, reason, note: None };
            api_key::set_status(tx, &account, &id, request).map(drop)
        };
        state.store.change(actor, state.clock.now(), work).await?;
        tracing::info!(key = %key.id, "an API key was switched off by its holder");
        Ok(HttpResponse::NoContent().finish())
    };
    answer_traced(&state, &request, disable).await
}
