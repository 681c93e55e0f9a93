//! By which carrier a message is to go, and at which price.

use super::name::CarrierName;

/// What was decided for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The carrier that it waits for.
    pub carrier: CarrierName,
    /// The price of one segment, in credits.
    pub credits_per_segment: i64,
}

impl Assignment {
    /// A rehearsal, which costs nothing.
    #[must_use]
    pub fn rehearsed() -> Self {
        Self { carrier: CarrierName::sandbox(), credits_per_segment: 0 }
    }
}
