//! The callback of a message, as the message's page shows it.

use crate::dashboard::frame::layout::When;
use crate::domain::callback::{Delivery, DeliveryStatus};
use crate::format::grouped;

/// One delivery.
pub(super) struct CallbackRow {
    pub(super) word: &'static str,
    /// The host that the request to send named; `None` for the key's address.
    pub(super) host: Option<String>,
    /// What came of the last try.
    pub(super) result: Option<String>,
    pub(super) is_failed: bool,
    pub(super) tries: String,
    /// When it is tried next.
    pub(super) next: Option<When>,
    pub(super) id: String,
}

impl From<&Delivery> for CallbackRow {
    fn from(delivery: &Delivery) -> Self {
        Self {
            word: match delivery.status {
                DeliveryStatus::Waiting if delivery.tries == 0 => "Waiting",
                DeliveryStatus::Waiting => "Will be tried again",
                DeliveryStatus::Delivered => "Delivered",
                DeliveryStatus::Failed => "Given up",
            },
            host: delivery.url.as_ref().map(|url| url.host()),
            result: delivery.last_result(),
            is_failed: delivery.status != DeliveryStatus::Delivered,
            tries: format!("{} {}", grouped(delivery.tries), if delivery.tries == 1 { "try" } else { "tries" }),
            next: delivery.due_at.filter(|_| delivery.tries > 0).map(When::from),
            id: delivery.id.to_string(),
        }
    }
}
