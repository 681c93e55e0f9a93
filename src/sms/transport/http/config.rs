//! The settings of a carrier over HTTP.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::answer::AnswerRules;
use super::receipt_rules::ReceiptRules;
use super::receipt_secret;
use super::request::RequestTemplate;
use crate::domain::carrier::CarrierName;
use crate::secret_text::SecretText;

pub(super) const DEFAULT_WINDOW: usize = 10;
pub(super) const MAX_WINDOW: u32 = 100;
pub(super) const MAX_RATE: u32 = 100_000;
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Less than a lease of a message lasts.
pub(super) const MAX_TIMEOUT_SECONDS: u32 = 90;

/// How messages are handed to a carrier over HTTP, and how its answers are read. Its
/// `Debug` shows no secret.
#[derive(Clone)]
pub struct HttpConfig {
    /// The carrier as the subject of a sentence, such as `Twilio` or `the carrier`.
    pub(super) title: String,
    /// Where it is, without secrets, for logs.
    pub(super) place: String,
    pub(super) request: RequestTemplate,
    pub(super) answers: AnswerRules,
    /// `None` when the carrier sends no receipts.
    pub(super) receipts: Option<ReceiptRules>,
    /// The sender of messages that name none; empty if the carrier chooses it.
    pub(super) sender: String,
    pub(super) limits: HttpLimits,
    /// The longest validity that the carrier takes.
    pub(super) max_validity: Duration,
    /// What the secret of the receipts' address is derived from.
    pub(super) credentials: SecretText,
    /// The secret of the receipts' address, if the settings name one.
    pub(super) receipt_secret: Option<SecretText>,
}

impl HttpConfig {
    /// The path that receipts of the carrier `name` come to, which holds a secret; `None`
    /// when it sends none.
    #[must_use]
    pub fn receipt_path(&self, name: &CarrierName) -> Option<SecretText> {
        self.receipts.as_ref()?;
        let secret = self.receipt_secret(name);
        Some(SecretText::from(format!("/v1/carriers/{name}/receipts/{}", secret.expose()).as_str()))
    }

    /// The secret in that path.
    pub(super) fn receipt_secret(&self, name: &CarrierName) -> SecretText {
        self.receipt_secret.clone().unwrap_or_else(|| receipt_secret::derive(name, &self.credentials))
    }
}

/// How much is sent at once.
#[derive(Debug, Clone)]
pub(super) struct HttpLimits {
    /// The most requests at the same time.
    pub(super) window: usize,
    /// The most requests per second; `None` is no limit.
    pub(super) rate: Option<NonZeroU32>,
    /// How long a request may take, from the DNS look-up to the answer.
    pub(super) timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { window: DEFAULT_WINDOW, rate: None, timeout: DEFAULT_TIMEOUT }
    }
}

impl HttpLimits {
    pub(super) const NAMES: [&'static str; 3] = ["window", "rate", "timeout"];

    /// Sets the limit of this name, which is one of [`NAMES`](Self::NAMES).
    pub(super) fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let number = |max: u32| {
            let number = text.parse().ok().filter(|number| (1..=max).contains(number));
            number.ok_or_else(|| format!("{name} is a number from 1 to {max}"))
        };
        match name {
            "window" => self.window = number(MAX_WINDOW)? as usize,
            "rate" => self.rate = NonZeroU32::new(number(MAX_RATE)?),
            _ => self.timeout = Duration::from_secs(number(MAX_TIMEOUT_SECONDS)?.into()),
        }
        Ok(())
    }
}

/// The carrier and where it is, without secrets.
impl fmt::Display for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpConfig({self})")
    }
}
