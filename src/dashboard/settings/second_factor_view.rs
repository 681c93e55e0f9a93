//! The page of one's own second factor.

use askama::Template;
use zeroize::Zeroizing;

use super::qr_code::QrImage;
use crate::dashboard::frame::layout::{Shell, When};
use crate::domain::identity::second_factor::{RECOVERY_CODE_COUNT, RecoveryCode, SecondFactor};
use crate::error::{FieldErrors, Result};

/// `settings/second_factor.html`
#[derive(Template)]
#[template(path = "settings/second_factor.html")]
pub(super) struct SecondFactorSettings {
    pub(super) shell: Shell,
    pub(super) factor: FactorView,
    /// Whether the installation asks for one that is not there.
    pub(super) is_missing: bool,
    pub(super) alert: Option<String>,
    pub(super) errors: FieldErrors,
    /// The form that the messages belong to: its last part in the path.
    pub(super) form: &'static str,
}

impl SecondFactorSettings {
    /// The message beside the code of a form.
    fn error_of(&self, form: &str) -> Option<&str> {
        self.errors.get("code").filter(|_| self.form == form)
    }
}

/// What the page shows of a second factor.
pub(super) enum FactorView {
    Off,
    Pending { qr: QrImage, secret: Zeroizing<String> },
    On { since: When, left: i64, total: usize },
}

impl FactorView {
    const fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    pub(super) fn new(factor: SecondFactor, email: &str) -> Result<Self> {
        Ok(match factor {
            SecondFactor::Off => Self::Off,
            SecondFactor::Pending(secret) => {
                Self::Pending { qr: QrImage::of(&secret.link(email)?)?, secret: secret.grouped() }
            }
            SecondFactor::On { since, recovery_codes } => {
                Self::On { since: since.into(), left: recovery_codes, total: RECOVERY_CODE_COUNT }
            }
        })
    }
}

/// `settings/second_factor_codes.html`: the one page that shows recovery codes.
#[derive(Template)]
#[template(path = "settings/second_factor_codes.html")]
pub(super) struct RecoveryCodesPage {
    pub(super) shell: Shell,
    pub(super) codes: Vec<RecoveryCode>,
    /// Whether the second factor was set up just now.
    pub(super) is_new: bool,
}

impl RecoveryCodesPage {
    /// The codes as a file, in the address itself: no other request gets to see them.
    fn file(&self) -> Zeroizing<String> {
        let mut address = Zeroizing::new("data:text/plain;charset=utf-8,".to_owned());
        for code in &self.codes {
            address.push_str(code.expose());
            address.push_str("%0A");
        }
        address
    }
}
