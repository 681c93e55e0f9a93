//! `POST /v1/keys`: a new key, whose secret is told once.

use std::collections::BTreeMap;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::manager::{Manager, with_version};
use super::members::{allowed_ips, expiry, nullable, scopes};
use crate::api::answer_traced;
use crate::api::idempotency_key::idempotent_request;
use crate::api::json_body::{check_length, parse};
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{
    AllowedIps, ApiKeyId, Expiry, ExternalId, KeyRules, KeyView, Metadata, NewApiKey, Scopes, sent_list,
};
use crate::domain::idempotency::{self, IdempotentRequest};
use crate::domain::management::{self, ManagedCreation, ManagementScope, MintedKey};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::http::problem::ApiError;

/// The endpoint of idempotency keys.
const ENDPOINT: &str = "POST /v1/keys";

/// The request body, and what is compared when it is repeated.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CreateKeyRequest {
    service: String,
    name: String,
    mode: Option<String>,
    description: Option<String>,
    external_id: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "nullable")]
    scopes: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "nullable")]
    allowed_ips: Option<Option<Vec<String>>>,
    /// Left out of what is compared where it is not there: `null`, which is never, is another request.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    expires_at: Option<Option<String>>,
    expires_in_days: Option<i64>,
}

impl CreateKeyRequest {
    const FORM: &str = "{\"service\": \"sms\", \"name\": \"…\"}, and what else the key is to have";

    fn validate(&self) -> Result<NewApiKey> {
        let mut errors = FieldErrors::default();
        let mode = self.mode.as_deref().map_or(Ok(Mode::Live), str::parse);
        let mode = errors.collect(mode.map_err(|()| Error::invalid("mode", "Write live or test.")))?;
        let (id, mode) = (ApiKeyId::mint(), mode.unwrap_or(Mode::Live).as_str());
        let description = self.description.as_deref().unwrap_or_default();
        let new = errors.collect(NewApiKey::parse(id.as_str(), &self.service, mode, &self.name, description))?;
        let external_id = errors.collect(self.external_id.as_deref().map(ExternalId::parse).transpose())?;
        let metadata = errors.collect(self.metadata.as_ref().map(Metadata::parse).transpose())?;
        let scopes = errors.collect(self.scopes())?;
        let allowed_ips = errors.collect(self.allowed_ips())?;
        let expiry = errors.collect(expiry(self.expires_at.as_ref(), self.expires_in_days))?;
        match (new, external_id, metadata, scopes, allowed_ips, expiry) {
            (Some(new), Some(external_id), Some(metadata), Some(scopes), Some(allowed_ips), Some(expiry))
                if errors.is_empty() =>
            {
                let rules = KeyRules { expiry: expiry.unwrap_or(Expiry::Default), scopes, allowed_ips };
                Ok(new.with_rules(rules).with_reference(external_id, metadata.unwrap_or_default()))
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn scopes(&self) -> Result<Scopes> {
        sent_list("scopes", self.scopes.as_ref())?.map_or_else(|| Ok(Scopes::full()), scopes)
    }

    fn allowed_ips(&self) -> Result<AllowedIps> {
        sent_list("allowed_ips", self.allowed_ips.as_ref())?.map_or_else(|| Ok(AllowedIps::anywhere()), allowed_ips)
    }
}

/// The response body. It has no `Debug`, which would show the secret.
#[derive(Serialize)]
struct CreatedKeyView<'a> {
    key_id: &'a str,
    key: Option<&'a str>,
    replayed: bool,
    others_with_external_id: usize,
    #[serde(flatten)]
    view: KeyView<'a>,
}

impl<'a> CreatedKeyView<'a> {
    fn new(minted: &'a MintedKey) -> Self {
        Self {
            key_id: minted.entry.key.id.as_str(),
            key: Some(minted.secret.expose()),
            replayed: false,
            others_with_external_id: minted.others_with_external_id,
            view: KeyView::from(&minted.entry),
        }
    }
}

/// What repetitions are answered.
fn without_secret(minted: &MintedKey) -> Result<String> {
    let view = CreatedKeyView { key: None, replayed: true, ..CreatedKeyView::new(minted) };
    serde_json::to_string(&view).map_err(Error::internal)
}

/// What the headers of an answer need of its body.
#[derive(Deserialize)]
struct StoredKey {
    key_id: String,
    version: i64,
}

/// `POST /v1/keys`: 201, once the key can be used.
pub async fn create_key(
    state: Data<State>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let create = async {
        check_length(&body)?;
        let manager = Manager::of(&state, &request, ManagementScope::KeysCreate).await?;
        let parsed: CreateKeyRequest = parse(request.headers(), body, CreateKeyRequest::FORM)?;
        let idempotent = idempotent_request(&request, &manager.key, ENDPOINT, &parsed)?;
        let response = match create_once(&state, &request, &manager, parsed.validate()?, idempotent).await? {
            ManagedCreation::Made(minted) => {
                let key = &minted.entry.key;
                tracing::info!(key = %key.id, by = %manager.key.id, "an API key was created over the API");
                let body = serde_json::to_string(&CreatedKeyView::new(&minted)).map_err(Error::internal)?;
                created(key.id.as_str(), key.version, body)
            }
            ManagedCreation::Repeated(body) => {
                let StoredKey { key_id, version } = serde_json::from_str(&body).map_err(Error::internal)?;
                created(&key_id, version, body)
            }
        };
        Ok(manager.answer(response))
    };
    answer_traced(&state, &request, create).await
}

fn created(id: &str, version: i64, body: String) -> HttpResponse {
    let mut response = HttpResponse::Created();
    with_version(&mut response, version);
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.insert_header((LOCATION, format!("/v1/keys/{id}"))).insert_header(json).body(body)
}

/// Creates the key, or finds the answer of the request that created it.
async fn create_once(
    state: &State,
    request: &HttpRequest,
    manager: &Manager,
    new: NewApiKey,
    idempotent: Option<IdempotentRequest>,
) -> Result<ManagedCreation> {
    let running = idempotent.as_ref().map(|request| state.running.begin(&request.key)).transpose()?;
    let (repetition, now) = (idempotent.clone(), state.clock.now());
    let work = manager.change(state, request, move |tx, remit| {
        // The name is free again when the change ends, even if the client is gone.
        let _running = running;
        management::create(tx, remit, new, idempotent.as_ref(), without_secret)
    });
    match (work.await, repetition) {
        // Another instance has created the key since.
        (Err(Error::StillRunning), Some(IdempotentRequest { key, digest })) => {
            let found = state.store.read(move |conn| idempotency::find(conn, &key, digest, now)).await?;
            found.map(ManagedCreation::Repeated).ok_or(Error::StillRunning)
        }
        (created, _) => created,
    }
}
