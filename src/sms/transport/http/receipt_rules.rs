//! How receipts that a carrier sends over HTTP are read.

use std::borrow::Cow;

use serde_json::Value;
use url::form_urlencoded;

use super::answer::{best_match, is_id, shortened, text_of};
use super::signature;
use crate::domain::message::{CarrierMessageId, DeliveryReceipt, MessageId, ReceiptState};
use crate::secret_text::SecretText;
use crate::sms::transport::interface::{IgnoredDelivery, PostedReceipt};

/// The name of the parameter of the receipts' address that holds our message's id.
pub(super) const MESSAGE_PARAMETER: &str = "message";

/// Where the parts of a receipt stand.
#[derive(Debug, Clone)]
pub(super) struct ReceiptRules {
    /// Whether the carrier sends receipts with GET too.
    pub(super) takes_get: bool,
    /// The place of a list of receipts in the JSON; the other places are within each.
    pub(super) list: Option<String>,
    /// The carrier's id of the message; `None` when the address alone names the message.
    pub(super) id: Option<FieldName>,
    pub(super) status: FieldName,
    /// The meaning of words of the carrier; one that ends with `*` stands for all that
    /// begin so.
    pub(super) states: Vec<(String, ReceiptState)>,
    pub(super) code: Option<FieldName>,
    /// The body of our answer.
    pub(super) answer: String,
    /// Twilio's token, which receipts are signed with.
    pub(super) signed_with: Option<SecretText>,
}

/// A field of a receipt.
#[derive(Debug, Clone)]
pub(super) enum FieldName {
    /// A place in JSON (RFC 6901).
    Pointer(String),
    /// The name of a field of the form or of a parameter of the address.
    Name(String),
}

impl FieldName {
    /// A JSON Pointer begins with a slash.
    pub(super) fn parse(text: &str) -> Self {
        if text.starts_with('/') { Self::Pointer(text.to_owned()) } else { Self::Name(text.to_owned()) }
    }
}

/// The fields that came with a receipt.
struct ReceiptFields<'a> {
    json: &'a Value,
    named: &'a [(String, String)],
}

impl ReceiptFields<'_> {
    fn get(&self, name: &FieldName) -> Option<String> {
        match name {
            FieldName::Pointer(pointer) => text_of(self.json.pointer(pointer)?),
            FieldName::Name(name) => {
                let (_, value) = self.named.iter().find(|(known, _)| known == name)?;
                Some(value.clone()).filter(|value| !value.is_empty())
            }
        }
    }
}

/// What came.
pub(super) struct ReadReceipts {
    pub(super) receipts: Vec<DeliveryReceipt>,
    /// Why some of it is not used.
    pub(super) ignored: Vec<IgnoredDelivery>,
}

impl ReceiptRules {
    /// Whether the carrier has signed a receipt that came to `url`, as far as it signs any.
    pub(super) fn is_genuine(&self, posted: &PostedReceipt, url: &str) -> bool {
        let Some(token) = &self.signed_with else { return true };
        let signature = posted.signature.as_deref().unwrap_or_default();
        signature::is_genuine(token.expose(), signature, url, &pairs(&posted.body))
    }

    /// Reads what came. What can't be read is counted as ignored.
    pub(super) fn read(&self, posted: &PostedReceipt) -> ReadReceipts {
        let mut read = ReadReceipts { receipts: Vec::new(), ignored: Vec::new() };
        let mut named = pairs(posted.query.as_bytes());
        // The fields of the form go first: a parameter of the same name is ours.
        let is_json = posted.body.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        let json = if is_json { serde_json::from_slice(&posted.body).ok() } else { Some(Value::Null) };
        let Some(json) = json else {
            read.ignored.push(IgnoredDelivery::Malformed);
            return read;
        };
        if !is_json {
            named.splice(0..0, pairs(&posted.body));
        }
        let message = named.iter().rev().find(|(name, _)| name == MESSAGE_PARAMETER);
        let message: Option<MessageId> = message.and_then(|(_, id)| id.parse().ok());
        let items: Cow<'_, [Value]> = match &self.list {
            None => vec![json].into(),
            Some(list) => match json.pointer(list).and_then(Value::as_array) {
                Some(items) => items.clone().into(),
                None => {
                    read.ignored.push(IgnoredDelivery::Malformed);
                    return read;
                }
            },
        };
        // Several receipts can't all be about the message that the address names.
        let message = message.filter(|_| items.len() == 1);
        for item in items.iter() {
            match self.read_one(&ReceiptFields { json: item, named: &named }, message.clone()) {
                Ok(receipt) => read.receipts.push(receipt),
                Err(kind) => read.ignored.push(kind),
            }
        }
        read
    }

    fn read_one(
        &self,
        fields: &ReceiptFields<'_>,
        message: Option<MessageId>,
    ) -> Result<DeliveryReceipt, IgnoredDelivery> {
        let word = fields.get(&self.status).ok_or(IgnoredDelivery::Malformed)?;
        let state = best_match(&self.states, &word).ok_or(IgnoredDelivery::WithoutState)?;
        let id = self.id.as_ref().and_then(|name| fields.get(name)).filter(|id| is_id(id));
        if id.is_none() && message.is_none() {
            return Err(IgnoredDelivery::WithoutId);
        }
        let error = self.code.as_ref().and_then(|name| fields.get(name)).map(|code| shortened(&code));
        Ok(DeliveryReceipt {
            carrier_id: CarrierMessageId::new(id.unwrap_or_default()),
            state,
            error: error.filter(|code| !code.is_empty() && code != "0"),
            recipient: None,
            message,
        })
    }
}

/// The fields of a form or of a query.
fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}
