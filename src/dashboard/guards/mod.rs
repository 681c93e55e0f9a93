//! Sending limits: those of the account, the offer of the usual ones, and what nearly
//! reached a limit. A key's are on the key's page.

pub mod account;
pub mod banner;
pub mod limits_view;
pub mod offer;

/// The page of the account's limits.
pub(in crate::dashboard) const PATH: &str = "/settings/limits";
