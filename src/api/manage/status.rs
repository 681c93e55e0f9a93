//! `PUT /v1/keys/{id}/status`: a key's switch.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::manager::Manager;
use super::parse_id;
use crate::api::answer_traced;
use crate::api::json_body::{check_length, parse};
use crate::domain::api_key::{KeyStatus, StatusReason, StatusRequest};
use crate::domain::management::{self, ManagementScope};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::http::problem::ApiError;

/// The request body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyStatusBody {
    status: String,
    reason: Option<String>,
    note: Option<String>,
}

impl KeyStatusBody {
    const FORM: &str = "{\"status\": \"disabled\"}, and \"reason\" and \"note\" if you like";

    fn validate(self) -> Result<StatusRequest> {
        let mut errors = FieldErrors::default();
        let wrong = |()| Error::invalid("status", "Write enabled or disabled.");
        let status = errors.collect(self.status.parse().map_err(wrong))?;
        let reason = errors.collect(self.reason.as_deref().map(|text| reason(text, status)).transpose())?;
        match (status, reason) {
            (Some(status), Some(reason)) => Ok(StatusRequest { status, reason, note: self.note }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

fn reason(text: &str, status: Option<KeyStatus>) -> Result<StatusReason> {
    if status == Some(KeyStatus::Enabled) {
        return Err(Error::invalid("reason", "Only a key that is switched off has a reason."));
    }
    let chosen: Option<StatusReason> = text.parse().ok();
    let chosen = chosen.filter(|reason| StatusReason::CHOSEN.contains(reason));
    let known = || StatusReason::CHOSEN.map(StatusReason::as_str).join(", ");
    chosen.ok_or_else(|| Error::invalid("reason", format!("Write one of {}.", known())))
}

/// `PUT /v1/keys/{id}/status`: the key with its new status, which holds from then on.
pub async fn set_key_status(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let set = async {
        check_length(&body)?;
        let wanted = parse(request.headers(), body, KeyStatusBody::FORM).and_then(KeyStatusBody::validate);
        // What is wanted says which scope it needs; who may do neither learns nothing of the body.
        let scope = match &wanted {
            Ok(StatusRequest { status: KeyStatus::Enabled, .. }) => ManagementScope::KeysEnable,
            _ => ManagementScope::KeysDisable,
        };
        let manager = Manager::of(&state, &request, scope).await?;
        let (id, wanted) = (parse_id(&id)?, wanted?);
        let (key, status) = (id.clone(), wanted.status);
        let work = manager.change(&state, &request, move |tx, remit| management::set_status(tx, remit, &key, wanted));
        let entry = work.await?;
        tracing::info!(key = %id, by = %manager.key.id, status = status.as_str(), "an API key was switched over the API");
        Ok(manager.tell(&entry))
    };
    answer_traced(&state, &request, set).await
}
