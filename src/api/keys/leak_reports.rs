//! `POST /v1/leak-reports`: keys that somebody found in a public place. It takes no
//! credential, since whoever has a key could use it; and every answer is the same, so that
//! nobody learns which keys exist.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::api::answer_traced;
use crate::api::client::described;
use crate::api::json_body::{check_length, parse};
use crate::domain::api_key::digest_of_any;
use crate::domain::leak_report::{self, Finding, LeakReportPolicy};
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;
use crate::store::{Actor, Conn, Digest, Via};

/// The longest report: a hundred keys with what is written about them.
pub const MAX_BODY_BYTES: usize = 32 * 1024;
const MAX_KEYS: usize = 100;
/// Who reports a key, as audit events name them.
const REPORTER: &str = "Somebody who found it";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeakReportRequest {
    keys: Vec<Zeroizing<String>>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

impl LeakReportRequest {
    const FORM: &str = "{\"keys\": [\"…\"], \"url\": \"…\", \"source\": \"…\"}, of which keys alone is required";
}

/// `POST /v1/leak-reports`: 202 without a body, whatever the keys are.
pub async fn report_leak(
    state: Data<State>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let report = async {
        check_length(&body)?;
        state.throttle.admit_report(state.trusted_proxies.client(request.peer_addr(), request.headers()))?;
        let LeakReportRequest { keys, url, source } = parse(request.headers(), body, LeakReportRequest::FORM)?;
        if keys.len() > MAX_KEYS {
            return Err(Error::Malformed(format!("Send at most {MAX_KEYS} keys at once.")));
        }
        let secrets: Vec<_> = keys.iter().filter_map(|key| digest_of_any(key.trim())).collect();
        let finding = Finding::new(&source.unwrap_or_default(), &url.unwrap_or_default());
        record(&state, described(reporter(), &state, &request), secrets, finding).await?;
        Ok(HttpResponse::Accepted().finish())
    };
    answer_traced(&state, &request, report).await
}

fn reporter() -> Actor {
    Actor { name: REPORTER.to_owned(), via: Via::Api, ..Actor::system() }
}

/// Reads first: most that is reported is of no key of ours, and costs no write.
async fn record(state: &State, reporter: Actor, secrets: Vec<Digest>, finding: Finding) -> Result<()> {
    if secrets.is_empty() {
        return Ok(());
    }
    let look = move |conn: &mut Conn| {
        let is_wanted = LeakReportPolicy::read(conn)? != LeakReportPolicy::Off;
        Ok((is_wanted && leak_report::is_known(conn, &secrets)?, secrets))
    };
    let (is_wanted, secrets) = state.store.read(look).await?;
    if !is_wanted {
        return Ok(());
    }
    let work = move |tx: &mut crate::store::Tx<'_>| leak_report::report(tx, &secrets, &finding);
    let reported = state.store.change(reporter, state.clock.now(), work).await?;
    tracing::warn!(keys = reported, "keys were reported to be public; see API Keys in the dashboard");
    Ok(())
}
