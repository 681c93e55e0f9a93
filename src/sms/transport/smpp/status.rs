//! Values of `command_status` (SMPP 3.4 §5.1.3).

use super::pace::THROTTLE_PAUSE;
use crate::domain::message::MessageError;
use crate::sms::transport::{CarrierMessageId, CarrierRejection, SegmentOutcome};

/// `ESME_RX_T_APPN`: asks the carrier to deliver the receipt again later.
pub(super) const TRY_LATER: u32 = 0x64;
/// `ESME_RTHROTTLED`: the carrier takes fewer messages at a time.
const THROTTLED: u32 = 0x58;
/// `ESME_RMSGQFUL`: the receiver of a message has no room for it now.
pub(super) const QUEUE_FULL: u32 = 0x14;
/// `ESME_RINVCMDID`: the command is unknown.
pub(super) const UNKNOWN_COMMAND: u32 = 0x03;

/// Whether an error is about the connection, which is not bound as we think: it says
/// nothing about the segment.
pub(super) const fn is_about_connection(status: u32) -> bool {
    // Incorrect bind status, already bound, bind failed, wrong password, wrong user.
    matches!(status, 0x04 | 0x05 | 0x0d | 0x0e | 0x0f)
}

/// The outcome of a submit, from its response.
pub(super) fn outcome(status: u32, carrier_id: String) -> SegmentOutcome {
    let rejection = |error| CarrierRejection { error, carrier_code: Some(code(status)) };
    let error = match status {
        0 => return SegmentOutcome::Accepted(CarrierMessageId::new(carrier_id)),
        THROTTLED | QUEUE_FULL => {
            let error = if status == THROTTLED { MessageError::Throttled } else { MessageError::QueueFull };
            return SegmentOutcome::Throttled { rejection: rejection(error), after: THROTTLE_PAUSE };
        }
        _ if is_about_connection(status) => return SegmentOutcome::NotSent,
        // A system error, or a temporary error of the application.
        0x08 | TRY_LATER => return SegmentOutcome::Retry(rejection(MessageError::CarrierError)),
        0x0b | 0x50 | 0x51 => MessageError::InvalidRecipient,
        0x0a | 0x48 | 0x49 => MessageError::InvalidSender,
        0x62 => MessageError::InvalidValidity,
        0x01 | 0x43 | 0x61 | 0x104 => MessageError::InvalidMessage,
        _ => MessageError::Rejected,
    };
    SegmentOutcome::Rejected(rejection(error))
}

/// A status as people look it up.
pub(super) fn code(status: u32) -> String {
    format!("0x{status:02x}")
}

/// Why the carrier refused the bind, as a sentence for the operator.
pub(super) fn describe_bind_refusal(status: u32) -> String {
    let reason = match status {
        0x0e => "the carrier says that the password is wrong",
        0x0f => "the carrier does not know this user",
        0x05 => "the carrier says that this user is connected already",
        0x0d => "the carrier refuses the connection",
        0x53 => "the carrier says that the system_type is wrong",
        0x58 => "the carrier is asked too often",
        _ => "the carrier refuses the connection for another reason",
    };
    format!("{reason} (status 0x{status:08x})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(status: u32) -> (MessageError, String) {
        match outcome(status, String::new()) {
            SegmentOutcome::Rejected(CarrierRejection { error, carrier_code }) => (error, carrier_code.unwrap()),
            other => panic!("{status:#x}: {other:?}"),
        }
    }

    #[test]
    fn each_status_has_its_outcome() {
        for (status, error, code) in [
            (0x0b, MessageError::InvalidRecipient, "0x0b"),
            (0x0a, MessageError::InvalidSender, "0x0a"),
            (0x01, MessageError::InvalidMessage, "0x01"),
            (0x62, MessageError::InvalidValidity, "0x62"),
            (0x45, MessageError::Rejected, "0x45"),
            (0x404, MessageError::Rejected, "0x404"),
            (0x4000_0001, MessageError::Rejected, "0x40000001"),
        ] {
            assert_eq!(rejection(status), (error, code.to_owned()));
        }
        for (status, error) in [(0x58, MessageError::Throttled), (0x14, MessageError::QueueFull)] {
            let rejection = CarrierRejection { error, carrier_code: Some(format!("0x{status:02x}")) };
            let after = THROTTLE_PAUSE;
            assert_eq!(outcome(status, String::new()), SegmentOutcome::Throttled { rejection, after });
        }
        for status in [0x08, 0x64] {
            let rejection = CarrierRejection { error: MessageError::CarrierError, carrier_code: Some(code(status)) };
            assert_eq!(outcome(status, String::new()), SegmentOutcome::Retry(rejection));
        }
        for status in [0x04, 0x05, 0x0d, 0x0e, 0x0f] {
            assert_eq!(outcome(status, String::new()), SegmentOutcome::NotSent);
        }
        assert_eq!(outcome(0, "7".into()), SegmentOutcome::Accepted(CarrierMessageId::new("7")));
    }
}
