//! How an error is described to people and programs.

use actix_web::ResponseError;
use actix_web::http::StatusCode;

use crate::error::{Challenge, Denial, Error, FieldErrors};
use crate::store::log_outage;

/// An error's description, from which a page, a fragment or problem details are made.
pub(crate) struct ErrorView {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) fields: FieldErrors,
    pub(crate) retry_after: Option<u64>,
    pub(crate) missing_scopes: Vec<String>,
    /// Which recipient of the request it is about, from 0.
    pub(crate) index: Option<usize>,
    /// What has to be done first.
    pub(crate) remedy: Option<Remedy>,
}

/// What a person has to do before the same request is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Remedy {
    /// Give the password again.
    FreshLogin,
    /// Set up a second factor.
    SecondFactor,
}

impl ErrorView {
    /// Describes an error, and logs its cause.
    pub(crate) fn logged(error: &Error) -> Self {
        log(error);
        Self::of(error)
    }

    /// Describes an error.
    pub(crate) fn of(error: &Error) -> Self {
        let status = error.status_code();
        let view = Self::of_status(status);
        match error {
            Error::Malformed(detail) => Self { detail: detail.clone(), ..view },
            Error::Invalid(fields) => Self { fields: fields.clone(), ..view },
            Error::NotAForm => Self { detail: NOT_A_FORM.to_owned(), ..view },
            Error::TooMany { retry_after } => Self { retry_after: Some(*retry_after), ..view },
            Error::Forbidden => Self { detail: FORBIDDEN.to_owned(), ..view },
            Error::StaleLogin => Self { detail: STALE_LOGIN.to_owned(), remedy: Some(Remedy::FreshLogin), ..view },
            Error::SecondFactorMissing => {
                Self { detail: SECOND_FACTOR_MISSING.to_owned(), remedy: Some(Remedy::SecondFactor), ..view }
            }
            Error::SelfRevocationRefused => {
                Self { code: "SELF_REVOCATION_REFUSED", detail: SELF_REVOCATION_REFUSED.to_owned(), ..view }
            }
            Error::ReceiptRefused => Self { code: "RECEIPT_REFUSED", detail: RECEIPT_REFUSED.to_owned(), ..view },
            Error::OutOfBounds(sentence) => {
                Self { code: "OUT_OF_BOUNDS", title: "Beyond the bounds of this key", detail: sentence.clone(), ..view }
            }
            Error::CrossSite => Self { code: "CROSS_SITE", detail: CROSS_SITE.to_owned(), ..view },
            Error::KeyRefused(Denial { code, challenge, missing_scopes, .. }) => {
                let detail = match challenge {
                    Some(Challenge::NoToken) => KEY_MISSING.to_owned(),
                    Some(Challenge::NoManager) => MANAGER_MISSING.to_owned(),
                    Some(Challenge::InsufficientScope) => {
                        format!("This API key lacks {}. Ask whoever gave it to you.", missing_scopes.join(", "))
                    }
                    Some(Challenge::InvalidToken) | None => KEY_REFUSED.to_owned(),
                };
                Self { code, title: REFUSED, detail, missing_scopes: missing_scopes.clone(), ..view }
            }
            Error::NotEnoughCredits { needed, left } => Self {
                code: "NOT_ENOUGH_CREDITS",
                title: "Not enough credits",
                detail: format!("This costs {needed} and {left} are left. Nothing was charged and nothing is sent."),
                ..view
            },
            Error::GuardRefused(refusal) => Self {
                code: refusal.rule.code(),
                title: refusal.rule.title(),
                detail: refusal.detail.clone(),
                retry_after: refusal.retry_after,
                index: refusal.index,
                ..view
            },
            Error::StillRunning => view.named("STILL_RUNNING", "Still running", STILL_RUNNING),
            Error::DifferentRequest => view.named("DIFFERENT_REQUEST", "Another request", DIFFERENT),
            Error::WrongState { sentence } => view.named("WRONG_STATE", "Not possible now", sentence),
            Error::RotationInProgress => {
                view.named("ROTATION_IN_PROGRESS", "Rotation in progress", ROTATION_IN_PROGRESS)
            }
            Error::Unavailable { reason, .. } => {
                Self { detail: format!("{} Try again in a moment.", reason.sentence()), ..view }
            }
            _ => view,
        }
    }

    /// The same with a code of its own.
    fn named(self, code: &'static str, title: &'static str, detail: &str) -> Self {
        Self { code, title, detail: detail.to_owned(), ..self }
    }

    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, title, detail) = match status.as_u16() {
            401 => ("UNAUTHENTICATED", "Log in first", "Your session has ended. Log in, then try again."),
            403 => ("FORBIDDEN", "Not allowed", "This request was refused."),
            404 => ("NOT_FOUND", "Not found", "Nothing was found at this address. It may have been deleted."),
            405 => ("METHOD_NOT_ALLOWED", "Method not allowed", "This address does not support this method."),
            409 => ("CHANGED_MEANWHILE", "Changed meanwhile", "Somebody changed this meanwhile. Load it again."),
            412 => (
                "PRECONDITION_FAILED",
                "Changed meanwhile",
                "This was changed since. Read it again, and send its ETag.",
            ),
            428 => ("PRECONDITION_REQUIRED", "If-Match is missing", "Send If-Match with the ETag that you read."),
            413 => ("PAYLOAD_TOO_LARGE", "Too long", "The request is too large for this address."),
            415 => (
                "UNSUPPORTED_MEDIA_TYPE",
                "Unsupported content type",
                "Send Content-Type: application/json, or the type that this address takes, and no Content-Encoding.",
            ),
            422 => ("INVALID", "Not valid", "Some fields are not valid."),
            429 => ("TOO_MANY_TRIES", "Too many tries", "Too many tries. Wait a moment and try again."),
            431 => ("HEAD_TOO_LARGE", "Headers too large", "The headers are too large for this server."),
            503 => ("UNAVAILABLE", "Not available", "The database does not answer. Try again in a moment."),
            400..=499 => ("BAD_REQUEST", "Request not understood", "This request could not be understood."),
            _ => (
                "INTERNAL",
                "Something went wrong",
                "This is our fault. The log has the details under this request's id.",
            ),
        };
        Self {
            status,
            code,
            title,
            detail: detail.to_owned(),
            fields: FieldErrors::default(),
            retry_after: None,
            missing_scopes: Vec::new(),
            index: None,
            remedy: None,
        }
    }
}

const REFUSED: &str = "Key refused";
const KEY_MISSING: &str = "Send your API key as X-API-Key, or as Authorization: Bearer.";
const NOT_A_FORM: &str = "Send Content-Type: application/x-www-form-urlencoded, and no Content-Encoding.";
const MANAGER_MISSING: &str = "Send the id of a management key as the user name and its secret as the password, or the secret as Authorization: Bearer.";
const KEY_REFUSED: &str = "This API key is not accepted here. Check it, or ask whoever gave it to you.";
const STILL_RUNNING: &str = "A request with this Idempotency-Key is still running. Send it again in a moment.";
const DIFFERENT: &str = "This Idempotency-Key was used for another request. Use a new one for each request.";
const ROTATION_IN_PROGRESS: &str = "The old secret of this key still works. End it first, or wait until it ends.";
const FORBIDDEN: &str = "Your role does not allow this. Ask an owner of this account.";
const SELF_REVOCATION_REFUSED: &str =
    "Keys of this service are switched off by whoever gave them out. Ask them to do it.";
const RECEIPT_REFUSED: &str = "The secret in this address, or the signature, is not right.";
const STALE_LOGIN: &str = "This needs your password again, since you logged in a while ago.";
const SECOND_FACTOR_MISSING: &str = "This installation asks for a second factor. Set one up under Settings.";
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
        Error::Unavailable { .. } => log_outage(error),
        _ => {}
    }
}
