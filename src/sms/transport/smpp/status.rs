//! What a carrier's answer means (SMPP 3.4 §5.1.3).

use std::time::Duration;

use crate::sms::transport::{CarrierRejection, Outcome};

/// "Try this receipt again later" (`ESME_RX_T_APPN`).
pub(super) const TRY_LATER: u32 = 0x64;
/// "I have no room for more receipts now" (`ESME_RMSGQFUL`).
pub(super) const QUEUE_FULL: u32 = 0x14;
/// "I don't know this command" (`ESME_RINVCMDID`).
pub(super) const UNKNOWN_COMMAND: u32 = 0x03;

/// What became of a submit that was answered.
pub(super) fn outcome(status: u32, carrier_id: String) -> Outcome {
    let rejection = |code| CarrierRejection { code, carrier_status: Some(status) };
    let retry = |code, after, max_attempts| Outcome::Retry {
        rejection: rejection(code),
        after: Duration::from_secs(after),
        max_attempts,
    };
    match status {
        0 => Outcome::Accepted { carrier_id },
        0x58 => retry("throttled", 30, 20),
        QUEUE_FULL => retry("queue_full", 180, 2),
        // A fault of the carrier's, a lost bind, or one that it says will pass.
        0x08 | 0x04 | TRY_LATER => retry("carrier_error", 30, 2),
        0x0b | 0x50 | 0x51 => Outcome::Refused(rejection("invalid_recipient")),
        0x0a | 0x48 | 0x49 => Outcome::Refused(rejection("invalid_sender")),
        0x01 | 0x43 | 0x61 | 0x62 | 0x104 => Outcome::Refused(rejection("invalid_message")),
        _ => Outcome::Refused(rejection("refused")),
    }
}

/// Why a bind was refused.
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

    fn code(status: u32) -> (&'static str, u64, u32) {
        match outcome(status, String::new()) {
            Outcome::Retry { rejection, after, max_attempts } => (rejection.code, after.as_secs(), max_attempts),
            Outcome::Refused(rejection) => {
                assert_eq!(rejection.carrier_status, Some(status));
                (rejection.code, 0, 0)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_refused() {
        for (status, expected) in [
            (0x58, ("throttled", 30, 20)),
            (0x14, ("queue_full", 180, 2)),
            (0x08, ("carrier_error", 30, 2)),
            (0x0b, ("invalid_recipient", 0, 0)),
            (0x0a, ("invalid_sender", 0, 0)),
            (0x01, ("invalid_message", 0, 0)),
            (0x45, ("refused", 0, 0)),
            (0x4000_0001, ("refused", 0, 0)),
        ] {
            assert_eq!(code(status), expected);
        }
        assert_eq!(outcome(0, "7".into()), Outcome::Accepted { carrier_id: "7".into() });
    }
}
