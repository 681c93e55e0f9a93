//! The transport of live messages, as `--sms-transport` chooses it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::interface::{ReportSender, Transport};
use super::smpp::{Smpp, SmppConfig};
use crate::sms::metrics::CarrierMetrics;

/// The delay of the sandbox's receipts.
const SANDBOX_DELAY: Duration = Duration::from_secs(1);

/// The transport of live messages.
#[derive(Debug, Clone)]
pub enum TransportConfig {
    /// No carrier: live messages are rehearsed in the sandbox too.
    Sandbox {
        /// The time between accepting a segment and its receipt.
        delay: Duration,
    },
    /// A carrier that speaks SMPP.
    Smpp(Box<SmppConfig>),
}

impl TransportConfig {
    /// Starts the carrier's transport, which sends its reports to `reports`; `None`
    /// without a carrier. Has to be called within a Tokio runtime.
    #[must_use]
    pub fn open_carrier(&self, reports: ReportSender, metrics: Arc<CarrierMetrics>) -> Option<Arc<dyn Transport>> {
        match self {
            Self::Sandbox { .. } => None,
            Self::Smpp(config) => Some(Arc::new(Smpp::start((**config).clone(), reports, metrics))),
        }
    }

    /// What the carrier speaks, for people.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sandbox { .. } => "Sandbox",
            Self::Smpp(_) => "SMPP",
        }
    }

    /// Where the carrier is, without user, password and parameters; empty for the sandbox.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Sandbox { .. } => String::new(),
            Self::Smpp(config) => config.address(),
        }
    }

    /// The delay of the sandbox's receipts.
    #[must_use]
    pub const fn sandbox_delay(&self) -> Duration {
        match self {
            Self::Sandbox { delay } => *delay,
            Self::Smpp(_) => SANDBOX_DELAY,
        }
    }
}

impl FromStr for TransportConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sandbox" => Ok(Self::Sandbox { delay: SANDBOX_DELAY }),
            // The message does not repeat the text, which may hold a password.
            _ if text.starts_with("smpp") => {
                let config = text.parse().map_err(|problem| format!("--sms-transport: {problem}"))?;
                Ok(Self::Smpp(Box::new(config)))
            }
            _ => Err("--sms-transport names neither the sandbox nor a carrier; write sandbox, or smpp://USER:PASSWORD@HOST:PORT".to_owned()),
        }
    }
}
