//! The running server: at the address that it listens on, and at the one that people use.

use super::diagnosis::Diagnosis;
use super::public_url;
use crate::cli::health;
use crate::config::Config;
use crate::error::Error;
use crate::http::public_url::PublicUrl;

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
                let asked =
                    tokio::task::spawn_blocking(move || public_url::check(&url)).await.map_err(Error::internal)?;
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
