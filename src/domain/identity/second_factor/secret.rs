//! The secret that an authenticator app has too, and the codes that both make of it.

use std::fmt;

use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::random;
use crate::store::UtcTime;

const SECRET_BYTES: usize = 20;
const CODE_DIGITS: u8 = 6;
/// How long a code is shown.
const STEP_SECONDS: u64 = 30;
/// The clock of a phone may be this many steps early or late (RFC 6238 §5.2).
const MAX_CLOCK_STEPS: u16 = 1;
/// What an app shows above the address of the operator.
const ISSUER: &str = "Keyfob";
/// The secret is shown in groups, since it is typed where nothing can be scanned.
const GROUP_CHARS: usize = 4;

/// 160 random bits.
pub struct TotpSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl TotpSecret {
    pub(super) fn generate() -> Result<Self> {
        random::bytes().map(Self)
    }

    pub(super) fn from_stored(bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        let bytes: [u8; SECRET_BYTES] = bytes.as_slice().try_into().map_err(Error::internal)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The secret as an app takes it by hand: base32 in groups of four.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(Secret::from(*self.0).to_base32());
        let groups: Vec<&str> =
            (0..text.len()).step_by(GROUP_CHARS).filter_map(|at| text.get(at..at + GROUP_CHARS)).collect();
        Zeroizing::new(groups.join(" "))
    }

    /// The link that an app reads out of a QR code.
    ///
    /// # Errors
    /// When the secret does not suit, which none of ours does.
    pub fn link(&self, email: &str) -> Result<Zeroizing<String>> {
        // A colon ends the issuer's name.
        let account = email.replace(':', " ");
        let totp = self.codes(Builder::new().with_account_name(account).with_issuer(Some(ISSUER)))?;
        totp.to_url().map(Zeroizing::new).map_err(Error::internal)
    }

    /// The time step of a code that is right at `now`, or was a moment ago.
    pub(super) fn step_of(&self, code: &str, now: UtcTime) -> Result<Option<i64>> {
        let seconds = u64::try_from(now.micros() / 1_000_000).map_err(Error::internal)?;
        let step = self.codes(Builder::new())?.check(code, seconds);
        step.map(i64::try_from).transpose().map_err(Error::internal)
    }

    fn codes(&self, builder: Builder) -> Result<Totp> {
        builder
            .with_algorithm(Algorithm::SHA1)
            .with_digits(CODE_DIGITS)
            .with_step_duration(STEP_SECONDS)
            .with_skew(MAX_CLOCK_STEPS)
            .with_secret(Secret::from(*self.0))
            .build()
            .map_err(Error::internal)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UtcTime {
        UtcTime::from_micros(seconds * 1_000_000 + 999_999)
    }

    /// The secret of RFC 6238, appendix B.
    fn published() -> TotpSecret {
        TotpSecret::from_stored(b"12345678901234567890".to_vec()).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_published_vectors() {
        // Appendix B has eight digits, of which six are the last ones.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(published().step_of(code, at(seconds)).unwrap(), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_one_step_early_or_late_and_no_more() {
        let of = |seconds: i64| published().step_of("005924", at(1_234_567_890 + seconds)).unwrap();

        assert_eq!([-30, 0, 29, 30, 59].map(of), [Some(41_152_263); 5]);
        assert_eq!([-60, -31, 60, 90].map(of), [None; 4]);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for wrong in ["", "5924", "0005924", "+05924", "00592a", "９９９９９９"] {
            assert_eq!(published().step_of(wrong, at(1_234_567_890)).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_can_scan_it_or_be_given_it_by_hand() {
        let secret = published();

        assert_eq!(*secret.grouped(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let link = secret.link("ada:x@example.com").unwrap();
        assert_eq!(
            *link,
            "otpauth://totp/Keyfob:ada%20x%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Keyfob"
        );
    }

    #[test]
    fn secrets_differ_and_debug_shows_nothing_of_them() {
        let (one, other) = (TotpSecret::generate().unwrap(), TotpSecret::generate().unwrap());

        assert_ne!(one.as_bytes(), other.as_bytes());
        assert_eq!(format!("{one:?}"), "TotpSecret(..)");
    }
}
