//! What is written to a carrier and read from it, as SMPP 3.4 has it.

use std::str::FromStr;
use std::time::Duration;

use bytes::BytesMut;
use rusmpp::decode::DecodeWithLength;
use rusmpp::pdus::{BindTransceiver, DeliverSm, SubmitSm};
use rusmpp::tlvs::TlvValue;
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, Pdu};

use super::config::SmppConfig;
use super::receipt::{ReceiptIds, ReceiptText, token};
use crate::domain::message::sender::{Sender, SenderKind};
use crate::domain::message::sms_text::Encoding;
use crate::sms::transport::{Part, Receipt, ReceiptState, Submission};

/// `esm_class` of a segment with a header that tells its place (§5.2.12).
const ESM_CLASS_UDHI: u8 = 0x40;
/// The bits of `esm_class` that say what a message is (§5.2.12).
const ESM_CLASS_MESSAGE_TYPE: u8 = 0b0011_1100;
const ESM_CLASS_RECEIPT: u8 = 0b0000_0100;
const ESM_CLASS_INTERIM_RECEIPT: u8 = 0b0010_0000;
/// A receipt when the last word is spoken, and none before (§5.2.17).
const REGISTERED_DELIVERY_FINAL: u8 = 0x01;
/// The carrier's default alphabet, which is GSM's, and UCS-2 (§5.2.19).
const DATA_CODING_DEFAULT: u8 = 0x00;
const DATA_CODING_UCS2: u8 = 0x08;

/// The 12 bytes that follow the length of every PDU (§3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u32,
    pub(super) status: u32,
    pub(super) sequence: u32,
}

impl Header {
    pub(super) const LENGTH: usize = 12;

    /// `None` when the bytes are too few.
    pub(super) fn of(frame: &[u8]) -> Option<Self> {
        let word = |at| frame.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        Some(Self { id: word(0)?, status: word(4)?, sequence: word(8)? })
    }
}

/// `None` when a setting does not fit, which [`SmppConfig`] rules out.
pub(super) fn bind(config: &SmppConfig) -> Option<BindTransceiver> {
    let bind = BindTransceiver::builder()
        .system_id(COctetString::from_str(&config.system_id).ok()?)
        .password(COctetString::from_str(config.password.expose()).ok()?)
        .system_type(COctetString::from_str(&config.system_type).ok()?)
        .interface_version(InterfaceVersion::Smpp3_4);
    Some(bind.build())
}

/// `None` when something does not fit, which the types of a submission rule out.
pub(super) fn submit(submission: &Submission, short_code_ton: u8) -> Option<SubmitSm> {
    let (ton, npi, source) = source(submission.sender.as_ref(), short_code_ton);
    let (coding, class) = (coding(submission.encoding), if submission.part.is_some() { ESM_CLASS_UDHI } else { 0 });
    let submit = SubmitSm::builder()
        .source_addr_ton(ton)
        .source_addr_npi(npi)
        .source_addr(COctetString::from_str(source).ok()?)
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(COctetString::from_str(submission.recipient.digits()).ok()?)
        .esm_class(EsmClass::from(class))
        .validity_period(EmptyOrFullCOctetString::from_str(&relative(submission.valid_for)).ok()?)
        .registered_delivery(RegisteredDelivery::from(REGISTERED_DELIVERY_FINAL))
        .data_coding(DataCoding::from(coding))
        .short_message(OctetString::from_vec(message(submission)).ok()?);
    Some(submit.build())
}

fn source(sender: Option<&Sender>, short_code_ton: u8) -> (Ton, Npi, &str) {
    let Some(sender) = sender else { return (Ton::Unknown, Npi::Unknown, "") };
    match sender.kind() {
        SenderKind::Alphanumeric => (Ton::Alphanumeric, Npi::Unknown, sender.as_str()),
        SenderKind::International => (Ton::International, Npi::Isdn, sender.as_str().trim_start_matches('+')),
        SenderKind::ShortCode => (Ton::from(short_code_ton), Npi::Unknown, sender.as_str()),
    }
}

fn coding(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Gsm7 => DATA_CODING_DEFAULT,
        Encoding::Ucs2 => DATA_CODING_UCS2,
    }
}

/// The header of a part (3GPP TS 23.040 §9.2.3.24.1) and the payload.
fn message(submission: &Submission) -> Vec<u8> {
    let header = submission.part.map(|Part { reference, total, number }| [5, 0, 3, reference, total, number]);
    [header.as_ref().map_or(&[][..], |header| header), &submission.payload].concat()
}

/// A time from now on (§7.1.1): from a second to 30 days.
fn relative(time: Duration) -> String {
    let seconds = time.as_secs().clamp(1, 30 * 86_400);
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    format!("0000{days:02}{hours:02}{:02}{:02}000R", seconds / 60 % 60, seconds % 60)
}

/// The id in an answer to a submit (§4.4.2), whatever bytes it is made of; empty
/// when there is none.
pub(super) fn message_id(frame: &[u8]) -> String {
    let body = frame.get(Header::LENGTH..).unwrap_or_default();
    let id = body.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(id).trim().chars().take(64).collect()
}

/// What a `deliver_sm` brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeliverSmContent {
    Receipt(Receipt),
    /// A message that somebody's phone sent.
    Message,
    /// Says what is wrong with it.
    Garbage(&'static str),
}

/// Reads a `deliver_sm` without its length (§4.6.1). Only what the carrier marks
/// as a receipt is one: a phone could write the same line of text.
pub(super) fn deliver_sm_content(frame: &[u8], ids: ReceiptIds) -> DeliverSmContent {
    let mut bytes = BytesMut::from(frame);
    let Ok((command, _)) = Command::decode(&mut bytes, frame.len()) else {
        return DeliverSmContent::Garbage("is malformed");
    };
    let Some(Pdu::DeliverSm(deliver)) = command.pdu() else { return DeliverSmContent::Garbage("has no body") };
    let fields = Fields::of(deliver);
    let kind = u8::from(deliver.esm_class) & ESM_CLASS_MESSAGE_TYPE;
    if !matches!(kind, ESM_CLASS_RECEIPT | ESM_CLASS_INTERIM_RECEIPT) && fields.id.is_none() {
        return DeliverSmContent::Message;
    }
    let text = ReceiptText::parse(fields.text);
    let Some(id) = fields.id.or(text.id) else { return DeliverSmContent::Garbage("is a receipt without an id") };
    let Some(state) = fields.state.or(text.state) else {
        return DeliverSmContent::Garbage("is a receipt without a state");
    };
    let recipient = token(deliver.source_addr.as_str(), 20);
    DeliverSmContent::Receipt(Receipt { carrier_id: ids.as_answered(&id), state, error: text.error, recipient })
}

/// What the optional parameters say, and the text.
struct Fields<'a> {
    id: Option<String>,
    state: Option<ReceiptState>,
    text: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(deliver: &'a DeliverSm) -> Self {
        let mut fields = Self { id: None, state: None, text: deliver.short_message() };
        for value in deliver.tlvs().iter().filter_map(|tlv| tlv.value()) {
            match value {
                TlvValue::ReceiptedMessageId(id) => fields.id = token(id.as_str().trim(), 64),
                TlvValue::MessageState(state) => fields.state = state_of(*state),
                TlvValue::MessagePayload(payload) if fields.text.is_empty() => fields.text = &payload.value,
                _ => {}
            }
        }
        fields
    }
}

fn state_of(state: MessageState) -> Option<ReceiptState> {
    Some(match state {
        MessageState::Scheduled | MessageState::Enroute => ReceiptState::Enroute,
        MessageState::Delivered => ReceiptState::Delivered,
        MessageState::Expired => ReceiptState::Expired,
        MessageState::Deleted => ReceiptState::Deleted,
        MessageState::Undeliverable | MessageState::Skipped => ReceiptState::Undelivered,
        MessageState::Accepted => ReceiptState::Accepted,
        MessageState::Unknown => ReceiptState::Unknown,
        MessageState::Rejected => ReceiptState::Rejected,
        MessageState::Other(_) => return None,
    })
}

#[cfg(test)]
mod tests;
