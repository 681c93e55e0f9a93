//! The audit events: the list, and its export.

pub mod changes;
pub mod export;
pub mod filter;
pub mod list;
pub mod paths;
pub mod row;
pub mod words;
