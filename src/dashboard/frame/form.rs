//! A form that was not accepted: drawn again as it was filled in, with what is
//! wrong, under the status that the error calls for.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Query;
use askama::Template;
use serde::de::DeserializeOwned;

use super::layout::{come_back_after, html};
use crate::error::{Error, FieldErrors, Result};

/// The longest form: two of the longest passwords take 24 KiB when every
/// character is written as 12 bytes.
pub const MAX_FORM_BYTES: usize = 32 * 1024;

/// Reads a form from a request's body or from a draft of it.
///
/// # Errors
/// [`Error::Malformed`] for a body that is no such form.
pub fn parse_form<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    Query::<T>::from_query(&String::from_utf8_lossy(body))
        .map(Query::into_inner)
        .map_err(|error| Error::Malformed(format!("The form can't be read: {error}.")))
}

/// Why a form was not accepted, in the terms of a page.
#[derive(Debug)]
pub struct FormRejection {
    /// The status of the page that shows the form again.
    pub status: StatusCode,
    /// Messages beside the fields.
    pub errors: FieldErrors,
    /// A message above all fields.
    pub alert: Option<String>,
    /// Seconds until the same form may be accepted, where that is known.
    pub retry_after: Option<u64>,
}

impl FormRejection {
    /// Describes an error that a form can show. `consequence` completes the
    /// sentence about an outage: what was not done because of it.
    ///
    /// # Errors
    /// Passes on every error that concerns the request rather than the form.
    pub fn of(error: Error, consequence: &str) -> Result<Self> {
        let retry_after = error.retry_after();
        match error {
            Error::Invalid(errors) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Ok(Self { status, errors, alert: None, retry_after })
            }
            Error::ChangedMeanwhile => {
                Ok(Self::alert(StatusCode::CONFLICT, "Somebody changed this while you were editing."))
            }
            Error::RotationInProgress => {
                Ok(Self::alert(StatusCode::CONFLICT, "The old secret of this key still works. A key has two at most."))
            }
            Error::TooMany { retry_after: seconds } => {
                let alert = format!("Too many tries. Wait {seconds} seconds and try again.");
                Ok(Self { retry_after, ..Self::alert(StatusCode::TOO_MANY_REQUESTS, alert) })
            }
            Error::Unavailable { reason, .. } => {
                let alert = format!("{} {consequence}", reason.sentence());
                Ok(Self::alert(StatusCode::SERVICE_UNAVAILABLE, alert))
            }
            error => Err(error),
        }
    }

    /// A rejection that concerns the form as a whole.
    #[must_use]
    pub fn alert(status: StatusCode, alert: impl Into<String>) -> Self {
        Self { status, errors: FieldErrors::default(), alert: Some(alert.into()), retry_after: None }
    }

    /// Shows the message of a hidden field above the form, where it can be
    /// seen. Returns whether there was one.
    pub fn raise(&mut self, hidden_field: &str) -> bool {
        let message = self.errors.get(hidden_field).map(str::to_owned);
        let is_wrong = message.is_some();
        self.alert = message.or_else(|| self.alert.take());
        is_wrong
    }

    /// Splits off what the template shows; the rest answers with the page.
    #[must_use]
    pub fn into_parts(self) -> (RejectedForm, FieldErrors, Option<String>) {
        (RejectedForm { status: self.status, retry_after: self.retry_after }, self.errors, self.alert)
    }
}

/// The status and the headers under which a form is shown again.
#[derive(Debug, Clone, Copy)]
pub struct RejectedForm {
    status: StatusCode,
    retry_after: Option<u64>,
}

impl RejectedForm {
    /// Draws the form again.
    ///
    /// # Errors
    /// [`Error::Internal`] when the template fails.
    pub fn respond(self, template: &impl Template) -> Result<HttpResponse> {
        Ok(come_back_after(self.retry_after, html(self.status, template)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DatabaseOutage;

    fn rejection(error: Error) -> FormRejection {
        FormRejection::of(error, "Nothing was saved.").unwrap()
    }

    #[test]
    fn a_form_shows_what_its_reader_can_mend_or_wait_for() {
        let invalid = rejection(Error::invalid("name", "Write a name."));
        assert_eq!((invalid.status.as_u16(), invalid.errors.get("name")), (422, Some("Write a name.")));
        assert_eq!(rejection(Error::ChangedMeanwhile).status, StatusCode::CONFLICT);
        let throttled = rejection(Error::TooMany { retry_after: 7 });
        assert_eq!((throttled.status.as_u16(), throttled.retry_after), (429, Some(7)));
        let outage = rejection(Error::unavailable(DatabaseOutage::ReadOnly, anyhow::anyhow!("readonly")));
        assert_eq!(outage.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(outage.alert.as_deref(), Some("The database is read-only. Nothing was saved."));
    }

    #[test]
    fn an_error_that_is_not_about_the_form_is_passed_on() {
        for error in [Error::NotFound, Error::Unauthenticated, Error::internal(anyhow::anyhow!("a fault"))] {
            assert!(FormRejection::of(error, "Nothing was saved.").is_err());
        }
    }

    #[test]
    fn the_message_of_a_hidden_field_is_shown_above_the_form() {
        let mut stale = rejection(Error::invalid("form_id", "This form had expired."));
        assert!(stale.raise("form_id"));
        assert_eq!(stale.alert.as_deref(), Some("This form had expired."));
        let mut visible = rejection(Error::invalid("name", "Write a name."));
        assert!(!visible.raise("form_id"));
        assert_eq!(visible.alert, None);
    }
}
