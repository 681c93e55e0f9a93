//! Messages: the list, a new message, and the page of one.

pub mod callback;
pub mod export;
pub mod filter;
pub mod list;
pub mod new;
mod notices;
pub mod paths;
mod picture;
pub mod price;
pub mod row;
pub mod show;
pub mod words;
