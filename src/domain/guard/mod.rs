//! Sending limits: how much an account, and each of its keys, may send, to whom and as
//! whom. They make a leaked key cost a few credits and not all of them. A key's limits
//! apply beside the account's, so that they can only be tighter.

mod check;
mod count;
mod destinations;
mod limits;
mod offer;
mod recipient;
mod record;
mod senders;
mod settings;
mod usage;
mod warning;
mod window;

pub use check::{Sending, admit};
pub use destinations::{DestinationRule, Prefixes};
pub use limits::{Limits, TypedLimits};
pub use offer::{decline, is_offered, open_account, turn_on};
pub use record::find;
pub use senders::AllowedSenders;
pub use settings::{save_account_limits, save_key_limits};
pub use usage::{HolderUsage, UsedPart, near_limits, usage_of};
pub use warning::{GuardWarning, WarnedLimit};
