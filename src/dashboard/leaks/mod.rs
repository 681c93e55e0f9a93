//! Which key is this? Keys that were found somewhere, and what to do about them.

pub mod banner;
pub mod dismissal;
pub mod look_up;
mod pasted;
pub mod report_view;
pub mod switch_off;
mod view;

/// The page.
pub const PATH: &str = "/leaks";
