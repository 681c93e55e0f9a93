//! Reading what a carrier delivers: `deliver_sm` (SMPP 3.4 §4.6.1) and `data_sm`
//! (§4.7.1).
//!
//! Carriers write these in many ways, and a receipt that is not understood never
//! comes again. So the mandatory fields are read by their position, optional
//! parameters as far as they can be read, and the rest is passed over.

use super::pdu::Header;
use super::receipt::{ReceiptDialect, ReceiptText, token};
use crate::sms::transport::{CarrierMessageId, DeliveryReceipt, IgnoredDelivery, ReceiptState};

/// The command id of `data_sm` (§5.1.2.1).
const DATA_SM: u32 = 0x103;
/// The bits of `esm_class` that hold the message type (§5.2.12).
const ESM_CLASS_MESSAGE_TYPE: u8 = 0b0011_1100;
/// The message type of a delivery receipt (§5.2.12).
const ESM_CLASS_RECEIPT: u8 = 0b0000_0100;
/// The message type of an intermediate notification (§5.2.12).
const ESM_CLASS_INTERIM_RECEIPT: u8 = 0b0010_0000;
/// The bit of `esm_class` for a user data header in front of the text (§5.2.12).
const ESM_CLASS_UDHI: u8 = 0x40;
/// UCS-2, big-endian (§5.2.19).
const DATA_CODING_UCS2: u8 = 0x08;

/// Tags of optional parameters (§5.3.2).
mod tag {
    pub(super) const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
    pub(super) const NETWORK_ERROR_CODE: u16 = 0x0423;
    pub(super) const MESSAGE_PAYLOAD: u16 = 0x0424;
    pub(super) const MESSAGE_STATE: u16 = 0x0427;
}

/// What was delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CarrierDelivery {
    Receipt(DeliveryReceipt),
    Ignored(IgnoredDelivery),
}

/// Reads a delivery without its length. It is a receipt if the carrier marks it as
/// one, by its type or by an optional parameter: a phone could send the same line of
/// text. Carriers that mark none have `receipts=text`.
pub(super) fn read(header: Header, frame: &[u8], dialect: ReceiptDialect) -> CarrierDelivery {
    let body = frame.get(Header::LENGTH..).unwrap_or_default();
    let fields = if header.id == DATA_SM { Fields::of_data_sm(body) } else { Fields::of_deliver_sm(body) };
    let Some(fields) = fields else { return CarrierDelivery::Ignored(IgnoredDelivery::Malformed) };
    let text = ReceiptText::parse(&fields.text());
    let kind = fields.esm_class & ESM_CLASS_MESSAGE_TYPE;
    let is_marked = matches!(kind, ESM_CLASS_RECEIPT | ESM_CLASS_INTERIM_RECEIPT) || fields.id.is_some();
    let is_written = dialect.by_text && text.id.is_some() && text.state.is_some();
    if !is_marked && !is_written {
        return CarrierDelivery::Ignored(IgnoredDelivery::FromPhone);
    }
    let Some(id) = fields.id.or(text.id) else { return CarrierDelivery::Ignored(IgnoredDelivery::WithoutId) };
    let Some(state) = fields.state.or(text.state) else {
        return CarrierDelivery::Ignored(IgnoredDelivery::WithoutState);
    };
    CarrierDelivery::Receipt(DeliveryReceipt {
        carrier_id: CarrierMessageId::new(dialect.ids.as_answered(&id)),
        state,
        error: text.error.or(fields.network_error),
        recipient: fields.source,
        message: None,
    })
}

/// What is read of a delivery.
#[derive(Default)]
struct Fields<'a> {
    source: Option<String>,
    esm_class: u8,
    data_coding: u8,
    short_message: &'a [u8],
    id: Option<String>,
    state: Option<ReceiptState>,
    network_error: Option<String>,
}

impl<'a> Fields<'a> {
    fn of_deliver_sm(body: &'a [u8]) -> Option<Self> {
        let mut body = BodyReader(body);
        body.c_string()?; // service_type
        let source = body.address()?;
        body.address()?;
        let esm_class = body.byte()?;
        body.skip(2)?; // protocol_id, priority_flag
        body.c_string()?; // schedule_delivery_time
        body.c_string()?; // validity_period
        body.skip(2)?; // registered_delivery, replace_if_present_flag
        let data_coding = body.byte()?;
        body.skip(1)?; // sm_default_msg_id
        let length = usize::from(body.byte()?).min(body.0.len());
        let short_message = body.take(length)?;
        let fields = Self { source: readable(source), esm_class, data_coding, short_message, ..Self::default() };
        Some(fields.with_tlvs(body))
    }

    fn of_data_sm(body: &'a [u8]) -> Option<Self> {
        let mut body = BodyReader(body);
        body.c_string()?; // service_type
        let source = body.address()?;
        body.address()?;
        let esm_class = body.byte()?;
        body.skip(1)?; // registered_delivery
        let data_coding = body.byte()?;
        let fields = Self { source: readable(source), esm_class, data_coding, ..Self::default() };
        Some(fields.with_tlvs(body))
    }

    /// Reads optional parameters until one is cut off; the first of each tag counts.
    fn with_tlvs(mut self, mut body: BodyReader<'a>) -> Self {
        while let Some((tag, value)) = body.tlv() {
            let text = || readable(value.split(|byte| *byte == 0).next().unwrap_or_default());
            match tag {
                tag::RECEIPTED_MESSAGE_ID if self.id.is_none() => self.id = text(),
                // One byte; some carriers write zeros in front of it or behind it.
                tag::MESSAGE_STATE if self.state.is_none() => {
                    let byte = value.iter().find(|byte| **byte != 0).or(value.last());
                    self.state = byte.and_then(|byte| state_of(*byte));
                }
                tag::MESSAGE_PAYLOAD if self.short_message.is_empty() => self.short_message = value,
                tag::NETWORK_ERROR_CODE if self.network_error.is_none() => self.network_error = network_error(value),
                _ => {}
            }
        }
        self
    }

    /// The text without a user data header, in UTF-8.
    fn text(&self) -> Vec<u8> {
        let mut text = self.short_message;
        if self.esm_class & ESM_CLASS_UDHI != 0
            && let Some(rest) = text.first().and_then(|length| text.get(1 + usize::from(*length)..))
        {
            text = rest;
        }
        if self.data_coding != DATA_CODING_UCS2 {
            return text.to_vec();
        }
        let units = text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let decoded: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        // Some carriers say UCS-2 of every message, receipts included.
        if ReceiptText::parse(decoded.as_bytes()).id.is_some() { decoded.into_bytes() } else { text.to_vec() }
    }
}

/// The network's error code (§5.3.2.31): its type and a number. `None` if it is zero.
fn network_error(value: &[u8]) -> Option<String> {
    let number = u16::from_be_bytes(value.get(1..3)?.try_into().ok()?);
    (number != 0).then(|| format!("{number:03}"))
}

/// A text of visible ASCII characters, without spaces around it.
fn readable(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    token(text.trim(), MAX_TEXT_CHARS)
}

/// The longest id or number that is kept (§5.2.23).
const MAX_TEXT_CHARS: usize = 64;

/// `message_state` (§5.2.28); the first two and the last are of SMPP 5.
const fn state_of(state: u8) -> Option<ReceiptState> {
    Some(match state {
        0 | 1 => ReceiptState::Enroute,
        2 => ReceiptState::Delivered,
        3 => ReceiptState::Expired,
        4 => ReceiptState::Deleted,
        5 | 9 => ReceiptState::Undelivered,
        6 => ReceiptState::Accepted,
        7 => ReceiptState::Unknown,
        8 => ReceiptState::Rejected,
        _ => return None,
    })
}

/// The rest of a command.
struct BodyReader<'a>(&'a [u8]);

impl<'a> BodyReader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length).map(drop)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn word(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A text that ends with a zero byte, however long.
    fn c_string(&mut self) -> Option<&'a [u8]> {
        let length = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.take(length)?;
        self.skip(1)?;
        Some(text)
    }

    /// An address behind its type of number and its numbering plan.
    fn address(&mut self) -> Option<&'a [u8]> {
        self.skip(2)?;
        self.c_string()
    }

    /// An optional parameter that is there as a whole.
    fn tlv(&mut self) -> Option<(u16, &'a [u8])> {
        let (tag, length) = (self.word()?, self.word()?);
        self.take(usize::from(length)).map(|value| (tag, value))
    }
}

#[cfg(test)]
mod tests;
