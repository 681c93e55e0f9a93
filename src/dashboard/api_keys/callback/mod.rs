//! The delivery callback of a key, on its page.

pub mod change;
pub mod question;
pub mod view;
