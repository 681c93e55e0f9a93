//! Rotating a key, and its two secrets on its page.

pub mod end;
pub mod rotate;
pub mod view;
