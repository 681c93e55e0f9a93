//! How an error is described to people and programs.

use std::time::Instant;

use actix_web::ResponseError;
use actix_web::http::StatusCode;

use crate::error::{Challenge, Denial, Error, FieldErrors};
use crate::telemetry::repetition::{Occurrence, Repetition};

/// An error's description, from which a page, a fragment or problem details are made.
pub(crate) struct ErrorView {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) fields: FieldErrors,
    pub(crate) retry_after: Option<u64>,
}

impl ErrorView {
    /// Describes an error, and logs its cause.
    pub(crate) fn logged(error: &Error) -> Self {
        log(error);
        Self::of(error)
    }

    fn of(error: &Error) -> Self {
        let status = error.status_code();
        let view = Self::of_status(status);
        match error {
            Error::Malformed(detail) => Self { detail: detail.clone(), ..view },
            Error::Invalid(fields) => Self { fields: fields.clone(), ..view },
            Error::TooMany { retry_after } => Self { retry_after: Some(*retry_after), ..view },
            Error::CrossSite => Self { code: "CROSS_SITE", detail: CROSS_SITE.to_owned(), ..view },
            Error::KeyRefused(Denial { code, challenge, .. }) => {
                let detail = if *challenge == Some(Challenge::NoToken) { KEY_MISSING } else { KEY_REFUSED };
                Self { code, title: REFUSED, detail: detail.to_owned(), ..view }
            }
            Error::NotEnoughCredits { needed, left } => Self {
                code: "NOT_ENOUGH_CREDITS",
                title: "Not enough credits",
                detail: format!("This costs {needed} and {left} are left. Nothing was charged and nothing is sent."),
                ..view
            },
            Error::StillRunning => {
                Self { code: "STILL_RUNNING", title: "Still running", detail: STILL_RUNNING.to_owned(), ..view }
            }
            Error::DifferentRequest => {
                Self { code: "DIFFERENT_REQUEST", title: "Another request", detail: DIFFERENT.to_owned(), ..view }
            }
            Error::Unavailable { reason, .. } => {
                Self { detail: format!("{} Try again in a moment.", reason.sentence()), ..view }
            }
            _ => view,
        }
    }

    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, title, detail) = match status.as_u16() {
            401 => ("UNAUTHENTICATED", "Log in first", "Your session has ended. Log in and try again."),
            403 => ("FORBIDDEN", "Not allowed", "This request was refused."),
            404 => ("NOT_FOUND", "Nothing here", "There is nothing at this address, or it was deleted."),
            405 => ("METHOD_NOT_ALLOWED", "Not in this way", "This address does not take this method."),
            409 => ("CHANGED_MEANWHILE", "Changed meanwhile", "This was changed meanwhile. Look at it again."),
            413 => ("PAYLOAD_TOO_LARGE", "Too long", "The request is longer than this address takes."),
            415 => (
                "UNSUPPORTED_MEDIA_TYPE",
                "Unknown kind of content",
                "Send Content-Type: application/json, and no Content-Encoding.",
            ),
            422 => ("INVALID", "Not taken as it is", "Some of what was sent can't be taken as it is."),
            429 => ("TOO_MANY_TRIES", "Too many tries", "Too many tries. Wait a moment and try again."),
            431 => ("HEAD_TOO_LARGE", "Too long a head", "The headers are longer than this server takes."),
            503 => ("UNAVAILABLE", "Not available", "The database does not answer. Try again in a moment."),
            400..=499 => ("BAD_REQUEST", "Request not understood", "This request could not be understood."),
            _ => ("INTERNAL", "Something went wrong", "It is our fault, and it is in the log under this request's id."),
        };
        Self { status, code, title, detail: detail.to_owned(), fields: FieldErrors::default(), retry_after: None }
    }
}

const REFUSED: &str = "Key refused";
const KEY_MISSING: &str = "Send your API key as X-API-Key, or as Authorization: Bearer.";
const KEY_REFUSED: &str = "This API key opens nothing here. Check it, or ask whoever gave it to you.";
const STILL_RUNNING: &str = "A request with this Idempotency-Key is still running. Send it again in a moment.";
const DIFFERENT: &str = "This Idempotency-Key was used for another request. Use a new one for each request.";
const CROSS_SITE: &str = "This request came from another site's page, so nothing was done. \
    If you did not expect that, check the address that Keyfob is given with --public-url.";

fn log(error: &Error) {
    match error {
        Error::Internal(cause) => {
            tracing::error!(
                cause = format!("{cause:#}"),
                "the request failed by an error of Keyfob's; please report it"
            )
        }
        Error::Unavailable { reason, cause } => log_outage(reason.sentence(), &format!("{cause:#}")),
        _ => {}
    }
}

/// While the database is out, every request fails by one and the same cause.
pub(crate) fn log_outage(what: &str, cause: &str) {
    static OUTAGES: Repetition = Repetition::new();
    match OUTAGES.note(&format!("{what} {cause}"), Instant::now()) {
        Occurrence::New => tracing::error!(cause, "{what} Requests that need it are answered 503 until this is mended"),
        Occurrence::Again(times) => tracing::error!(cause, times, "{what} It goes on"),
        Occurrence::Counted => {}
    }
}
