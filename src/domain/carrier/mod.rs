//! Carriers by their names, and which messages go by which.

mod assignment;
mod name;
mod route;
mod sender_rule;

pub use assignment::Assignment;
pub use name::CarrierName;
pub use route::{MAX_CREDITS_PER_SEGMENT, Route, RouteTable};
pub use sender_rule::SenderRule;
