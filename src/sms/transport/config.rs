//! The transport of live messages, as `--sms-transport` chooses it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::http::{HttpCarrier, HttpConfig};
use super::interface::{ReportSender, Transport};
use super::smpp::{Smpp, SmppConfig};
use crate::domain::carrier::CarrierName;
use crate::secret_text::SecretText;
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
    /// A carrier with an API over HTTP.
    Http(Box<HttpConfig>),
}

impl TransportConfig {
    /// Starts the transport of the carrier `name`, which sends its reports to `reports`;
    /// `None` without a carrier. Carriers reach Keyfob at `public_url`. Has to be called
    /// within a Tokio runtime.
    #[must_use]
    pub fn open_carrier(
        &self,
        name: &CarrierName,
        public_url: Option<&str>,
        reports: ReportSender,
        metrics: Arc<CarrierMetrics>,
    ) -> Option<Arc<dyn Transport>> {
        match self {
            Self::Sandbox { .. } => None,
            Self::Http(config) => {
                Some(Arc::new(HttpCarrier::new((**config).clone(), name, public_url, reports, metrics)))
            }
            Self::Smpp(config) => Some(Arc::new(Smpp::start((**config).clone(), reports, metrics))),
        }
    }

    /// What the carrier speaks, for people.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sandbox { .. } => "Sandbox",
            Self::Smpp(_) => "SMPP",
            Self::Http(_) => "HTTP",
        }
    }

    /// Where the carrier is, without user, password and parameters; empty for the sandbox.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Sandbox { .. } => String::new(),
            Self::Smpp(config) => config.address(),
            Self::Http(config) => config.to_string(),
        }
    }

    /// The path that receipts of the carrier `name` come to, which holds a secret; `None`
    /// when they come over the carrier's own connection, or not at all.
    #[must_use]
    pub fn receipt_path(&self, name: &CarrierName) -> Option<SecretText> {
        match self {
            Self::Http(config) => config.receipt_path(name),
            Self::Sandbox { .. } | Self::Smpp(_) => None,
        }
    }

    /// The delay of the sandbox's receipts.
    #[must_use]
    pub const fn sandbox_delay(&self) -> Duration {
        match self {
            Self::Sandbox { delay } => *delay,
            Self::Smpp(_) | Self::Http(_) => SANDBOX_DELAY,
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
            _ if HttpConfig::has_scheme(text) => {
                let config = text.parse().map_err(|problem| format!("--sms-transport: {problem}"))?;
                Ok(Self::Http(Box::new(config)))
            }
            _ => Err("--sms-transport names neither the sandbox nor a carrier; write sandbox, \
                      smpp://USER:PASSWORD@HOST:PORT, or twilio://ACCOUNT:TOKEN@api.twilio.com?from=%2B15551234567"
                .to_owned()),
        }
    }
}
