//! The second factor of an operator: codes of an authenticator app (TOTP, RFC 6238), and
//! recovery codes for when the app is lost.

mod change;
mod check;
mod login;
mod record;
mod recovery_code;
mod rule;
mod secret;

pub use change::{activate, begin_setup, renew_recovery_codes, reset, turn_off};
pub use login::complete_login;
pub use record::{SecondFactor, find, is_on, those_with_one};
pub use recovery_code::{RECOVERY_CODE_COUNT, RecoveryCode};
pub use rule::{SecondFactorRule, is_missing};
pub use secret::TotpSecret;
