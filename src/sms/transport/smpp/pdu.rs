//! Encoding and decoding of SMPP 3.4 PDUs; sections are those of its
//! specification.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use bytes::BytesMut;
use rusmpp::pdus::SubmitSm;
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, CommandStatus, Pdu};

use super::dialect::Dialect;
use crate::domain::message::gsm7;
use crate::domain::message::sender::{Sender, SenderKind};
use crate::domain::message::sms_text::Encoding;
use crate::sms::transport::{Part, Submission};

/// `esm_class` of a concatenated segment: a user data header is present (§5.2.12).
const ESM_CLASS_UDHI: u8 = 0x40;
/// Requests a receipt for the final state alone (§5.2.17).
const REGISTERED_DELIVERY_FINAL: u8 = 0x01;
/// The default alphabet of the carrier, which is the GSM 7-bit one (§5.2.19).
const DATA_CODING_DEFAULT: u8 = 0x00;
/// UCS-2, big-endian (§5.2.19).
const DATA_CODING_UCS2: u8 = 0x08;

/// The most bytes of a segment with its header (3GPP TS 23.040 §9.2.3.16).
const MAX_USER_DATA_BYTES: usize = 140;

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

/// A `submit_sm` (§4.4.1) as the carrier of this dialect wants it; `None` when a
/// field does not fit, or the carrier's alphabet lacks a character of the text.
pub(super) fn submit(submission: &Submission, dialect: &Dialect) -> Option<SubmitSm> {
    let sender = submission.sender.as_ref().or(dialect.sender.as_ref());
    let (ton, npi, source) = source(sender, dialect.short_code_ton);
    let class = if submission.part.is_some() { ESM_CLASS_UDHI } else { 0 };
    let (coding, message) = message(submission, dialect)?;
    let validity = if dialect.has_validity { relative(submission.valid_for) } else { String::new() };
    let submit = SubmitSm::builder()
        .source_addr_ton(ton)
        .source_addr_npi(npi)
        .source_addr(COctetString::from_str(source).ok()?)
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(COctetString::from_str(submission.recipient.digits()).ok()?)
        .esm_class(EsmClass::from(class))
        .validity_period(EmptyOrFullCOctetString::from_str(&validity).ok()?)
        .registered_delivery(RegisteredDelivery::from(REGISTERED_DELIVERY_FINAL))
        .data_coding(DataCoding::from(coding))
        .short_message(OctetString::from_vec(message).ok()?);
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

/// The data coding; the user data header of a concatenated segment (3GPP TS 23.040
/// §9.2.3.24.1), and the payload. A text that the carrier's alphabet can't write goes
/// out as UCS-2 if it fits; else there is none.
fn message(submission: &Submission, dialect: &Dialect) -> Option<(u8, Vec<u8>)> {
    let header = submission.part.map(|Part { reference, total, number }| [5, 0, 3, reference, total, number]);
    let header = header.as_ref().map_or(&[][..], |header| header);
    let (coding, payload) = match submission.encoding {
        Encoding::Ucs2 => (DATA_CODING_UCS2, Cow::Borrowed(&submission.payload[..])),
        Encoding::Gsm7 => match dialect.alphabet.encode(&submission.payload) {
            Some(payload) => (DATA_CODING_DEFAULT, payload),
            None => {
                let units = gsm7::decode(&submission.payload)?;
                let payload: Vec<u8> = units.encode_utf16().flat_map(u16::to_be_bytes).collect();
                let fits = header.len() + payload.len() <= MAX_USER_DATA_BYTES;
                fits.then_some((DATA_CODING_UCS2, Cow::Owned(payload)))?
            }
        },
    };
    Some((coding, [header, &payload].concat()))
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

/// Appends encoded optional parameters to the command that begins at `begin` of
/// `bytes`, and corrects its length (§3.2.1).
pub(super) fn append_tlvs(bytes: &mut BytesMut, begin: usize, tlvs: &[u8]) {
    if tlvs.is_empty() || bytes.len() < begin + Header::LENGTH {
        return;
    }
    bytes.extend_from_slice(tlvs);
    let length = u32::try_from(bytes.len() - begin).unwrap_or(u32::MAX);
    bytes[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
}

/// A command, ready to be encoded.
pub(super) fn command(sequence: u32, status: u32, pdu: Pdu) -> Command {
    Command::builder().status(CommandStatus::from(status)).sequence_number(sequence).pdu(pdu)
}

#[cfg(test)]
mod tests;
