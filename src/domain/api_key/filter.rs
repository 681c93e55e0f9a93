//! Which of an account's keys are wanted.

use std::collections::BTreeSet;

use super::bounds::ServiceReach;
use super::external_id::ExternalId;
use super::record::KeyStatus;
use super::search::KeySearch;
use super::secret::Mode;
use crate::domain::identity::operator::OperatorId;
use crate::store::UtcTime;
use crate::store::types::text_enum;

/// A key that ends within so many days expires soon.
pub const SOON_DAYS: i64 = 30;
/// A key that was not used for so many days is unused.
pub const UNUSED_DAYS: i64 = 90;
/// A request that was refused within so many days was refused lately.
pub const REFUSED_DAYS: i64 = 7;
text_enum! {
    /// When a key ends.
    EndFilter {
        /// Its end has passed.
        Expired = "expired",
        /// Within [`SOON_DAYS`].
        Soon = "soon",
        /// It has no end.
        Never = "never",
    }
}

text_enum! {
    /// How long a key was not used.
    KeyUse {
        /// It was never used.
        Never = "never",
        /// It is older than [`UNUSED_DAYS`] and was not used since.
        Unused = "unused",
    }
}

text_enum! {
    /// What deserves a look at a key.
    KeyMark {
        /// Its previous secret still works.
        Rotating = "rotating",
        /// Requests with it were refused within [`REFUSED_DAYS`].
        Refused = "refused",
        /// It was reported as public, and nobody dismissed that.
        Reported = "reported",
        /// Another system generated its secret.
        Imported = "imported",
        /// It may do everything of its service, from anywhere.
        Unlimited = "unlimited",
    }
}

impl PartialOrd for KeyMark {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KeyMark {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// Conditions on keys; `None` and empty are no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// What was typed to find them.
    pub search: Option<KeySearch>,
    /// Those of one service.
    pub service: Option<String>,
    /// Those of the services that a management key reaches.
    pub reach: Option<ServiceReach>,
    /// Those that a program calls so.
    pub external_id: Option<ExternalId>,
    /// Live or test.
    pub mode: Option<Mode>,
    /// Those that are on, or off.
    pub status: Option<KeyStatus>,
    /// When they end.
    pub end: Option<EndFilter>,
    /// How long they were not used.
    pub usage: Option<KeyUse>,
    /// All of these.
    pub marks: BTreeSet<KeyMark>,
    /// Those that an operator made.
    pub made_by: Option<OperatorId>,
    /// Those that are older.
    pub made_before: Option<UtcTime>,
    /// Those in the trash, which are left out otherwise.
    pub in_trash: bool,
}

impl KeyFilter {
    /// Whether every key that is not in the trash fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
