//! The two forms of the Credits page, as they are filled in and as they are drawn.

use serde::Deserialize;

use crate::dashboard::frame::form::FormRejection;
use crate::domain::credit::LedgerEntryId;
use crate::error::{Error, FieldErrors, Result};
use actix_web::http::StatusCode;

/// Credits to add, as filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TopUpForm {
    pub(super) entry_id: String,
    pub(super) amount: String,
    pub(super) note: String,
}

/// A correction, as filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CorrectionForm {
    pub(super) correction_id: String,
    pub(super) change: String,
    pub(super) reason: String,
}

/// A form with what is wrong with it.
#[derive(Default)]
pub(super) struct Drawn<F> {
    pub(super) form: F,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

/// Both forms.
#[derive(Default)]
pub(super) struct Forms {
    pub(super) top_up: Drawn<TopUpForm>,
    pub(super) correction: Drawn<CorrectionForm>,
}

impl Forms {
    /// The forms with ids of their own, where they have none yet.
    pub(super) fn ready(mut self) -> Self {
        for id in [&mut self.top_up.form.entry_id, &mut self.correction.form.correction_id] {
            if id.is_empty() {
                *id = LedgerEntryId::mint().to_string();
            }
        }
        self
    }

    /// Whether the correction is unfolded.
    pub(super) fn has_correction(&self) -> bool {
        let Drawn { form, errors, alert } = &self.correction;
        !form.change.is_empty() || !form.reason.is_empty() || !errors.is_empty() || alert.is_some()
    }
}

impl<F> Drawn<F> {
    /// A form that was not accepted, and the status of the page that shows it again. `id`
    /// is its hidden field, which is emptied when it was malformed.
    pub(super) fn refused(
        mut form: F,
        error: Error,
        consequence: &str,
        (field, id): (&str, fn(&mut F) -> &mut String),
    ) -> Result<(StatusCode, Self)> {
        let mut rejection = FormRejection::of(error, consequence)?;
        if rejection.raise(field) {
            id(&mut form).clear();
        }
        let FormRejection { status, errors, alert, .. } = rejection;
        Ok((status, Self { form, errors, alert }))
    }
}
