//! Which key is this? Keys that were found somewhere, and what to do about them.

pub mod look_up;
pub mod switch_off;
mod view;

/// The page.
pub const PATH: &str = "/leaks";
