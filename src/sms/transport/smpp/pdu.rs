//! Encoding and decoding of SMPP 3.4 PDUs; sections are those of its
//! specification.

use std::str::FromStr;
use std::time::Duration;

use bytes::BytesMut;
use rusmpp::decode::DecodeWithLength;
use rusmpp::pdus::{BindTransceiver, DeliverSm, SubmitSm};
use rusmpp::tlvs::TlvValue;
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, CommandStatus, Pdu};

use super::config::SmppConfig;
use super::receipt::{ReceiptIds, ReceiptText, token};
use crate::domain::message::sender::{Sender, SenderKind};
use crate::domain::message::sms_text::Encoding;
use crate::domain::message::{CarrierMessageId, DeliveryReceipt, ReceiptState};
use crate::sms::transport::{Part, Submission};

/// `esm_class` of a concatenated segment: a user data header is present (§5.2.12).
const ESM_CLASS_UDHI: u8 = 0x40;
/// The bits of `esm_class` that hold the message type (§5.2.12).
const ESM_CLASS_MESSAGE_TYPE: u8 = 0b0011_1100;
/// The message type of a delivery receipt (§5.2.12).
const ESM_CLASS_RECEIPT: u8 = 0b0000_0100;
/// The message type of an intermediate notification (§5.2.12).
const ESM_CLASS_INTERIM_RECEIPT: u8 = 0b0010_0000;
/// Requests a receipt for the final state alone (§5.2.17).
const REGISTERED_DELIVERY_FINAL: u8 = 0x01;
/// The default alphabet of the carrier, which is the GSM 7-bit one (§5.2.19).
const DATA_CODING_DEFAULT: u8 = 0x00;
/// UCS-2, big-endian (§5.2.19).
const DATA_CODING_UCS2: u8 = 0x08;

/// The header of a PDU after its length (§3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u32,
    pub(super) status: u32,
    pub(super) sequence: u32,
}

impl Header {
    pub(super) const LENGTH: usize = 12;

    /// Reads the header; `None` when the frame is too short.
    pub(super) fn of(frame: &[u8]) -> Option<Self> {
        let word = |at| frame.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        Some(Self { id: word(0)?, status: word(4)?, sequence: word(8)? })
    }
}

/// A `bind_transceiver` (§4.1.5); `None` when a field does not fit, which
/// [`SmppConfig`] rules out.
pub(super) fn bind(config: &SmppConfig) -> Option<BindTransceiver> {
    let bind = BindTransceiver::builder()
        .system_id(COctetString::from_str(&config.system_id).ok()?)
        .password(COctetString::from_str(config.password.expose()).ok()?)
        .system_type(COctetString::from_str(&config.system_type).ok()?)
        .interface_version(InterfaceVersion::Smpp3_4);
    Some(bind.build())
}

/// A `submit_sm` (§4.4.1); `None` when a field does not fit, which the types of a
/// submission rule out.
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

/// The user data header of a concatenated segment (3GPP TS 23.040 §9.2.3.24.1),
/// and the payload.
fn message(submission: &Submission) -> Vec<u8> {
    let header = submission.part.map(|Part { reference, total, number }| [5, 0, 3, reference, total, number]);
    [header.as_ref().map_or(&[][..], |header| header), &submission.payload].concat()
}

/// A relative time (§7.1.1), limited to between one second and 30 days.
fn relative(time: Duration) -> String {
    let seconds = time.as_secs().clamp(1, 30 * 86_400);
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    format!("0000{days:02}{hours:02}{:02}{:02}000R", seconds / 60 % 60, seconds % 60)
}

/// The `message_id` of a `submit_sm_resp` (§4.4.2), at most 64 characters; invalid
/// UTF-8 is replaced. Empty when the response has none.
pub(super) fn message_id(frame: &[u8]) -> String {
    let body = frame.get(Header::LENGTH..).unwrap_or_default();
    let id = body.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(id).trim().chars().take(64).collect()
}

/// The content of a `deliver_sm` (§4.6.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeliverSmContent {
    Receipt(DeliveryReceipt),
    /// A message from a phone.
    Message,
    /// It can't be used; the reason, which completes a sentence in the log.
    Garbage(&'static str),
}

/// Reads a `deliver_sm` without its length (§4.6.1). It is a receipt only if the
/// carrier marks it as one: a phone could send the same line of text.
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
    DeliverSmContent::Receipt(DeliveryReceipt {
        carrier_id: CarrierMessageId::new(ids.as_answered(&id)),
        state,
        error: text.error,
        recipient,
    })
}

/// The optional parameters of a receipt, and its text.
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

/// A command, ready to be encoded.
pub(super) fn command(sequence: u32, status: u32, pdu: Pdu) -> Command {
    Command::builder().status(CommandStatus::from(status)).sequence_number(sequence).pdu(pdu)
}

#[cfg(test)]
mod tests;
