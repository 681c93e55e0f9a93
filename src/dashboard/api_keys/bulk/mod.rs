//! Actions on many keys: selected in the list, confirmed, done in the background.

pub mod confirmation;
mod export;
mod form;
pub mod paths;
pub mod progress;
mod question;
pub mod runner;
pub mod selection;
pub mod words;
