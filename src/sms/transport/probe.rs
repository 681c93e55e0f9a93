//! Whether a carrier can be reached, without sending anything.

use std::time::Duration;

use super::config::TransportConfig;
use super::http;
use super::smpp;

/// How long a carrier over HTTP may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far a probe goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeDepth {
    /// The connection, with TLS.
    Connect,
    /// The password too. Many carriers allow one SMPP session at a time, so this is for when
    /// no server runs.
    LogIn,
}

impl TransportConfig {
    /// Reaches for the carrier, and gives what worked, as a sentence.
    ///
    /// # Errors
    /// What did not, as a sentence without a secret.
    pub async fn probe(&self, depth: ProbeDepth) -> Result<String, String> {
        match self {
            Self::Sandbox { .. } => Ok("there is no carrier, so no message leaves".to_owned()),
            Self::Smpp(config) => {
                smpp::probe(config, depth == ProbeDepth::LogIn).await?;
                Ok(match depth {
                    ProbeDepth::Connect => "it takes connections; the password was not tried, since the server runs",
                    ProbeDepth::LogIn => "it takes the user and the password",
                }
                .to_owned())
            }
            Self::Http(config) => {
                let config = config.clone();
                let asked = tokio::task::spawn_blocking(move || http::probe(&config, PATIENCE)).await;
                asked.map_err(|error| error.to_string())??;
                Ok("it answers; the password is tried with the first message".to_owned())
            }
        }
    }
}
