//! `/v1/keys/{id}/rotation`: a new secret for a key, and the end of the previous one.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::manager::{Manager, with_version};
use super::members::parse_time;
use super::parse_id;
use crate::api::answer_traced;
use crate::api::json_body::{check_length, parse};
use crate::domain::api_key::rotation::{Grace, Rotation, RotationRequest};
use crate::domain::api_key::{KeySecretId, NewSecretView, ReplacedSecret};
use crate::domain::management::{self, ManagementScope};
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;
use crate::store::UtcTime;

/// The request body; one that is empty has no members.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationBody {
    grace_seconds: Option<i64>,
    reason: Option<String>,
    #[serde(default)]
    end_previous: bool,
}

impl RotationBody {
    const FORM: &str = "{\"grace_seconds\": 86400}, and \"reason\" and \"end_previous\" if you like";

    fn validate(self) -> Result<RotationRequest> {
        let grace = self.grace_seconds.map_or(Ok(Grace::DEFAULT), Grace::of_seconds);
        let wrong =
            |_| Error::invalid("grace_seconds", "Write a number of seconds from 0 to 2592000, which is 30 days.");
        let request = RotationRequest::new(KeySecretId::mint(), grace.map_err(wrong)?);
        Ok(RotationRequest { end_previous: self.end_previous, reason: self.reason, ..request })
    }
}

/// The response body. It has no `Debug`, which would show the secret.
#[derive(Serialize)]
struct RotatedKeyView<'a> {
    secret_id: &'a str,
    previous: PreviousSecretView<'a>,
    #[serde(flatten)]
    key: NewSecretView<'a>,
}

/// The secret that was replaced, and how it was used so far.
#[derive(Serialize)]
struct PreviousSecretView<'a> {
    secret_id: &'a str,
    ends_at: String,
    last_used_at: Option<String>,
    last_used_address: Option<&'a str>,
    uses: i64,
}

impl<'a> From<&'a ReplacedSecret> for PreviousSecretView<'a> {
    fn from(previous: &'a ReplacedSecret) -> Self {
        let usage = previous.usage.as_ref();
        Self {
            secret_id: previous.secret.id.as_str(),
            ends_at: previous.ends_at.rfc3339(),
            last_used_at: usage.map(|usage| usage.last_used_at.rfc3339()),
            last_used_address: usage.map(|usage| &*usage.address).filter(|address| !address.is_empty()),
            uses: usage.map_or(0, |usage| usage.uses),
        }
    }
}

/// `POST /v1/keys/{id}/rotation`: the new secret, this once.
pub async fn rotate_key(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let rotate = async {
        check_length(&body)?;
        let manager = Manager::of(&state, &request, ManagementScope::KeysRotate).await?;
        let id = parse_id(&id)?;
        let asked = match &body {
            Ok(body) if body.is_empty() => RotationBody::default(),
            _ => parse(request.headers(), body, RotationBody::FORM)?,
        };
        let (key, asked) = (id.clone(), asked.validate()?);
        let work = manager.change(&state, &request, move |tx, remit| management::rotate(tx, remit, &key, asked));
        let Rotation::Made { entry, secret, previous } = work.await? else {
            return Err(Error::internal(anyhow::anyhow!("the id of a new secret is taken")));
        };
        tracing::info!(key = %id, by = %manager.key.id, "an API key was rotated over the API");
        let view = RotatedKeyView {
            secret_id: entry.secret.id.as_str(),
            previous: PreviousSecretView::from(&*previous),
            key: NewSecretView::new(&entry, &secret),
        };
        let mut response = HttpResponse::Ok();
        with_version(&mut response, entry.key.version);
        Ok(manager.answer(response.json(view)))
    };
    answer_traced(&state, &request, rotate).await
}

/// The request body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationPatch {
    ends_at: String,
}

impl RotationPatch {
    const FORM: &str = "{\"ends_at\": \"2027-11-28T12:00:00Z\"}";

    fn validate(&self) -> Result<UtcTime> {
        parse_time("ends_at", &self.ends_at)
    }
}

/// `PATCH /v1/keys/{id}/rotation`: until when the previous secret works.
pub async fn move_rotation(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let extend = async {
        check_length(&body)?;
        let manager = Manager::of(&state, &request, ManagementScope::KeysRotate).await?;
        let id = parse_id(&id)?;
        let ends_at = parse::<RotationPatch>(request.headers(), body, RotationPatch::FORM)?.validate()?;
        let work = manager
            .change(&state, &request, move |tx, remit| management::extend_previous_secret(tx, remit, &id, ends_at));
        Ok(manager.tell(&work.await?))
    };
    answer_traced(&state, &request, extend).await
}

/// `DELETE /v1/keys/{id}/rotation`: the previous secret works no more.
pub async fn end_rotation(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let end = async {
        let manager = Manager::of(&state, &request, ManagementScope::KeysRotate).await?;
        let id = parse_id(&id)?;
        let work = manager.change(&state, &request, move |tx, remit| management::end_previous_secret(tx, remit, &id));
        Ok(manager.tell(&work.await?))
    };
    answer_traced(&state, &request, end).await
}
