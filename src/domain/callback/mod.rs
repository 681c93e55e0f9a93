//! Callbacks: requests to an application's URL when a message that it sent with
//! a key reaches a final status. They are signed as Standard Webhooks has it
//! (<https://www.standardwebhooks.com>).

mod delivery;
mod format;
mod outcome;
mod previous_secret;
mod queue;
mod record;
mod secret;
mod twilio;
mod url;

pub(crate) use delivery::enqueue;
pub use delivery::{Delivery, DeliveryId, DeliveryStatus, fail_expired, has_expired, list_by_message};
pub use format::CallbackFormat;
pub use outcome::{AttemptOutcome, CallbackError, MAX_DELIVERY_AGE_SECONDS, retry_at, sentence};
pub use queue::{Attempt, CallbackFigures, LEASE_SECONDS, Lane, figures, is_due, lease, record_attempt};
pub(crate) use record::require_secret;
pub use record::{Callback, Saved, change_secret, find, is_offered, make_secret, remove, save};
pub use secret::CallbackSecret;
pub use twilio::{TWILIO_API_VERSION, account_sid, message_sid, twilio_error_code, twilio_status};
pub use url::{CallbackUrl, is_allowed};
