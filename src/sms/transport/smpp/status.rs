//! Values of `command_status` (SMPP 3.4 §5.1.3).

use std::time::Duration;

use crate::domain::message::{CarrierMessageId, MessageError};
use crate::sms::transport::{CarrierRejection, SubmitOutcome};

/// `ESME_RX_T_APPN`: asks the carrier to deliver the receipt again later.
pub(super) const TRY_LATER: u32 = 0x64;
/// `ESME_RMSGQFUL`: the receiver of a message has no room for it now.
pub(super) const QUEUE_FULL: u32 = 0x14;
/// `ESME_RINVCMDID`: the command is unknown.
pub(super) const UNKNOWN_COMMAND: u32 = 0x03;

/// The outcome of a submit, from its response. The delays and limits of retries
/// are in seconds and attempts: a throttled submit is retried for ten minutes, an
/// error of the carrier's once.
pub(super) fn outcome(status: u32, carrier_id: String) -> SubmitOutcome {
    let rejection = |error| CarrierRejection { error, carrier_status: Some(status) };
    let retry = |error, after, max_attempts| SubmitOutcome::Retry {
        rejection: rejection(error),
        after: Duration::from_secs(after),
        max_attempts,
    };
    match status {
        0 => SubmitOutcome::Accepted { carrier_id: CarrierMessageId::new(carrier_id) },
        0x58 => retry(MessageError::Throttled, 30, 20),
        QUEUE_FULL => retry(MessageError::QueueFull, 180, 2),
        // A system error, a lost bind, or a temporary error of the application.
        0x08 | 0x04 | TRY_LATER => retry(MessageError::CarrierError, 30, 2),
        0x0b | 0x50 | 0x51 => SubmitOutcome::Rejected(rejection(MessageError::InvalidRecipient)),
        0x0a | 0x48 | 0x49 => SubmitOutcome::Rejected(rejection(MessageError::InvalidSender)),
        0x01 | 0x43 | 0x61 | 0x62 | 0x104 => SubmitOutcome::Rejected(rejection(MessageError::InvalidMessage)),
        _ => SubmitOutcome::Rejected(rejection(MessageError::Rejected)),
    }
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

    fn error(status: u32) -> (MessageError, u64, u32) {
        match outcome(status, String::new()) {
            SubmitOutcome::Retry { rejection, after, max_attempts } => (rejection.error, after.as_secs(), max_attempts),
            SubmitOutcome::Rejected(rejection) => {
                assert_eq!(rejection.carrier_status, Some(status));
                (rejection.error, 0, 0)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_refused() {
        for (status, expected) in [
            (0x58, (MessageError::Throttled, 30, 20)),
            (0x14, (MessageError::QueueFull, 180, 2)),
            (0x08, (MessageError::CarrierError, 30, 2)),
            (0x0b, (MessageError::InvalidRecipient, 0, 0)),
            (0x0a, (MessageError::InvalidSender, 0, 0)),
            (0x01, (MessageError::InvalidMessage, 0, 0)),
            (0x45, (MessageError::Rejected, 0, 0)),
            (0x4000_0001, (MessageError::Rejected, 0, 0)),
        ] {
            assert_eq!(error(status), expected);
        }
        assert_eq!(outcome(0, "7".into()), SubmitOutcome::Accepted { carrier_id: CarrierMessageId::new("7") });
    }
}
