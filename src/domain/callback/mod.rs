//! Callbacks: requests to an application's URL when a message that it sent with
//! a key reaches a final status. They are signed as Standard Webhooks has it
//! (<https://www.standardwebhooks.com>).

mod delivery;
mod outcome;
mod previous_secret;
mod queue;
mod record;
mod secret;
mod url;

pub(crate) use delivery::enqueue;
pub use delivery::{Delivery, DeliveryId, DeliveryStatus, fail_expired, has_expired, list_by_message};
pub use outcome::{AttemptOutcome, CallbackError, MAX_DELIVERY_AGE_SECONDS, retry_at, sentence};
pub use previous_secret::PREVIOUS_SECRET_SECONDS;
pub use queue::{Attempt, CallbackFigures, LEASE_SECONDS, figures, is_due, lease, record_attempt};
pub use record::{Callback, Saved, change_secret, find, is_offered, remove, save};
pub use secret::CallbackSecret;
pub use url::{CallbackUrl, is_allowed};
