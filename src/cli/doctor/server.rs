//! The running server: at the address that it listens on, and at the one that people use.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::diagnosis::Diagnosis;
use crate::cli::health;
use crate::config::Config;
use crate::error::Error;
use crate::http::public_url::PublicUrl;

const PATIENCE: Duration = Duration::from_secs(10);
/// A clock that is further off refuses codes of authenticator apps (RFC 6238 §5.2).
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(15);
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 65_536;

/// The findings, and whether a server runs.
pub(super) async fn check(config: &Config) -> Result<(Vec<Diagnosis>, bool), Error> {
    let (server, is_running) = running(config).await;
    let mut findings = vec![server];
    match config.public_url.clone() {
        None => findings.push(no_public_url(config)),
        Some(url) => {
            findings.push(cookies(&url));
            // Without a server behind it, the proxy could only answer with an error.
            if is_running {
                let asked = tokio::task::spawn_blocking(move || public(&url)).await.map_err(Error::internal)?;
                findings.extend(asked);
            } else {
                findings.push(Diagnosis::skipped("public URL", "no server runs to be reached at it"));
            }
        }
    }
    Ok((findings, is_running))
}

/// A server that runs may still not be ready.
async fn running(config: &Config) -> (Diagnosis, bool) {
    const CHECK: &str = "server";
    match health::ask(config).await {
        Ok(address) => (Diagnosis::fine(CHECK, format!("ready at {address}")), true),
        Err(problem) if problem.is_absent => {
            (Diagnosis::skipped(CHECK, format!("none runs at {}", config.listen)), false)
        }
        Err(problem) => (Diagnosis::failure(CHECK, problem.sentence, None), true),
    }
}

fn no_public_url(config: &Config) -> Diagnosis {
    const CHECK: &str = "public URL";
    if config.listen.is_open_to_the_network() {
        let advice = "put a proxy with https before Keyfob, and name its address with --public-url";
        return Diagnosis::warning(CHECK, "none is set, and other machines reach the server without https", advice);
    }
    Diagnosis::skipped(CHECK, "none is set")
}

/// Browsers send a cookie over https alone only if it was set there.
fn cookies(url: &PublicUrl) -> Diagnosis {
    const CHECK: &str = "cookies";
    if url.is_https() {
        return Diagnosis::fine(CHECK, "sent over https only");
    }
    let advice = "put a proxy with https before Keyfob: passwords and sessions travel in the clear";
    Diagnosis::warning(CHECK, format!("{url} is not https"), advice)
}

fn public(url: &PublicUrl) -> Vec<Diagnosis> {
    const CHECK: &str = "public URL";
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent();
    let advice = "mend the proxy, the name or the certificate, or correct --public-url";
    let mut response = match agent.get(format!("{url}/healthz")).call() {
        Ok(response) => response,
        Err(error) => return vec![Diagnosis::failure(CHECK, format!("{url} can't be reached: {error}"), Some(advice))],
    };
    let date = response.headers().get("date").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status();
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string().unwrap_or_default();
    let is_keyfob = serde_json::from_str::<Value>(&body).is_ok_and(|answer| answer["status"] == "ok");
    let reached = if is_keyfob {
        Diagnosis::fine(CHECK, format!("{url} leads to Keyfob"))
    } else {
        Diagnosis::failure(CHECK, format!("{url}/healthz answers {status}, and not as Keyfob does"), Some(advice))
    };
    [Some(reached), date.map(|date| clock(&date))].into_iter().flatten().collect()
}

/// Compares the clock with that of the proxy, which may be another machine.
fn clock(date: &str) -> Diagnosis {
    const CHECK: &str = "clock";
    let Ok(theirs) = httpdate::parse_http_date(date) else {
        return Diagnosis::skipped(CHECK, "the public URL tells no time");
    };
    let now = SystemTime::now();
    let skew = now.duration_since(theirs).unwrap_or_else(|error| error.duration());
    if skew > MAX_CLOCK_SKEW {
        return Diagnosis::warning(
            CHECK,
            format!("it differs by {} s from that of the public URL", skew.as_secs()),
            "set both by NTP: codes of authenticator apps and ends of keys depend on it",
        );
    }
    Diagnosis::fine(CHECK, "agrees with that of the public URL")
}
