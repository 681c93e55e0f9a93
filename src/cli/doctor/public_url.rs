//! The address that people use: whether it leads to Keyfob, with the whole path and a clock
//! that agrees.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use ureq::http::Response;
use ureq::tls::TlsConfig;
use ureq::{Agent, Body};

use super::diagnosis::Diagnosis;
use crate::certificate_fault::CertificateFault;
use crate::http::public_url::PublicUrl;

const CHECK: &str = "public URL";
const ADVICE: &str = "mend the proxy, the name or the certificate, or correct --public-url";
const PATIENCE: Duration = Duration::from_secs(10);
/// A clock that is further off refuses codes of authenticator apps (RFC 6238 §5.2).
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(15);
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 65_536;

pub(super) fn check(url: &PublicUrl) -> Vec<Diagnosis> {
    let error = match ask(&agent(TlsConfig::default()), url) {
        Ok(findings) => return findings,
        Err(error) => error,
    };
    match certificate_fault(&error) {
        Some(fault) if fault.is_of_issuer => {
            let advice = "that is fine if the authority is your own and all browsers know it; \
                          otherwise give the proxy a certificate of a public authority";
            let mut findings = vec![Diagnosis::warning(CHECK, format!("the certificate of {url} {fault}"), advice)];
            // Nothing secret is sent, so that the rest can be looked at all the same.
            let lenient = agent(TlsConfig::builder().disable_verification(true).build());
            findings.extend(ask(&lenient, url).unwrap_or_else(|error| vec![unreachable(url, &error)]));
            findings
        }
        Some(fault) => vec![Diagnosis::failure(CHECK, format!("the certificate of {url} {fault}"), Some(ADVICE))],
        None => vec![unreachable(url, &error)],
    }
}

fn certificate_fault(error: &ureq::Error) -> Option<CertificateFault> {
    match error {
        ureq::Error::Rustls(cause) => CertificateFault::of(cause),
        ureq::Error::Io(error) => CertificateFault::of(error.get_ref()?.downcast_ref()?),
        _ => None,
    }
}

fn agent(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .tls_config(tls)
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent()
}

fn unreachable(url: &PublicUrl, error: &ureq::Error) -> Diagnosis {
    let cause = match error {
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    Diagnosis::failure(CHECK, format!("{url} can't be reached: {cause}"), Some(ADVICE))
}

fn ask(agent: &Agent, url: &PublicUrl) -> Result<Vec<Diagnosis>, ureq::Error> {
    let mut response = agent.get(format!("{url}/healthz")).call()?;
    let date = header(&response, "date").map(str::to_owned);
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string().unwrap_or_default();
    let is_keyfob = serde_json::from_str::<Value>(&body).is_ok_and(|answer| answer["status"] == "ok");
    let reached = if is_keyfob {
        path_fault(agent, url)?.unwrap_or_else(|| Diagnosis::fine(CHECK, format!("{url} leads to Keyfob")))
    } else {
        let answer = described(&response);
        Diagnosis::failure(CHECK, format!("{url}/healthz {answer}, and not as Keyfob does"), Some(ADVICE))
    };
    Ok([Some(reached), date.map(|date| clock(&date))].into_iter().flatten().collect())
}

/// What is wrong with the path below which Keyfob lies. `/healthz` is answered without it as
/// well, and a page is not.
fn path_fault(agent: &Agent, url: &PublicUrl) -> Result<Option<Diagnosis>, ureq::Error> {
    let Some(base) = url.base_path() else { return Ok(None) };
    let response = agent.get(format!("{url}/login")).call()?;
    let is_below = |address: &str| base.below(address.strip_prefix(url.origin()).unwrap_or(address)).is_some();
    let is_lost = match response.status().as_u16() {
        200 => return Ok(None),
        300..=399 if header(&response, "location").is_some_and(is_below) => return Ok(None),
        status => status < 500,
    };
    let answer = described(&response);
    Ok(Some(if is_lost {
        Diagnosis::failure(
            CHECK,
            format!("the proxy takes {} off: {url}/login {answer}", base.as_str()),
            Some("pass the path on as it is (docs/behind-a-proxy.md)"),
        )
    } else {
        Diagnosis::failure(CHECK, format!("{url}/login {answer}"), Some(ADVICE))
    }))
}

fn described(response: &Response<Body>) -> String {
    let target = header(response, "location").map(|target| format!(" and leads to {target}")).unwrap_or_default();
    format!("answers {}{target}", response.status())
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
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
