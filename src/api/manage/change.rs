//! `PATCH /v1/keys/{id}`: what a key is called, and its rules.

use std::collections::BTreeMap;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::if_match::condition;
use super::manager::Manager;
use super::members::{allowed_ips, expiry, nullable, scopes};
use super::parse_id;
use crate::api::answer_traced;
use crate::api::json_body::{check_length, parse};
use crate::domain::api_key::{ExternalId, Metadata};
use crate::domain::management::{self, KeyChanges, ManagementScope};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::http::problem::ApiError;

/// The request body: what is not there stays, and `null` clears.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyPatch {
    #[serde(default, deserialize_with = "nullable")]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    external_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    metadata: Option<Option<BTreeMap<String, String>>>,
    #[serde(default, deserialize_with = "nullable")]
    scopes: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "nullable")]
    allowed_ips: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "nullable")]
    expires_at: Option<Option<String>>,
    expires_in_days: Option<i64>,
}

impl KeyPatch {
    const FORM: &str = "{\"name\": \"…\"}, or what else is to change";

    fn validate(self) -> Result<KeyChanges> {
        let mut errors = FieldErrors::default();
        let external_id = self.external_id.map(|id| id.as_deref().map(ExternalId::parse).transpose()).transpose();
        let external_id = errors.collect(external_id)?;
        let metadata = self.metadata.map(|metadata| Metadata::parse(&metadata.unwrap_or_default())).transpose();
        let metadata = errors.collect(metadata)?;
        let scopes = self.scopes.map(|names| scopes(&names.unwrap_or_default())).transpose();
        let scopes = errors.collect(scopes)?;
        let allowed_ips = self.allowed_ips.map(|entries| allowed_ips(&entries.unwrap_or_default())).transpose();
        let allowed_ips = errors.collect(allowed_ips)?;
        let expiry = errors.collect(expiry(self.expires_at.as_ref(), self.expires_in_days))?;
        match (external_id, metadata, scopes, allowed_ips, expiry) {
            (Some(external_id), Some(metadata), Some(scopes), Some(allowed_ips), Some(expiry)) => Ok(KeyChanges {
                name: self.name.map(Option::unwrap_or_default),
                description: self.description.map(Option::unwrap_or_default),
                external_id,
                metadata,
                scopes,
                allowed_ips,
                expiry,
            }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// `PATCH /v1/keys/{id}`: the key as it is from then on.
pub async fn change_key(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let change = async {
        check_length(&body)?;
        let manager = Manager::of(&state, &request, ManagementScope::KeysUpdate).await?;
        let id = parse_id(&id)?;
        let changes = parse::<KeyPatch>(request.headers(), body, KeyPatch::FORM)?.validate()?;
        let (key, condition) = (id.clone(), condition(&request)?);
        let work =
            manager.change(&state, &request, move |tx, remit| management::change(tx, remit, &key, &condition, changes));
        let entry = work.await?;
        tracing::info!(key = %id, by = %manager.key.id, "an API key was changed over the API");
        Ok(manager.tell(&entry))
    };
    answer_traced(&state, &request, change).await
}
