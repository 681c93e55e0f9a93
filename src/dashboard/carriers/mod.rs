//! Carriers: what each does now, and what pages say about those that take no messages.

mod card;
pub mod page;
pub mod paths;
mod routes_view;
pub mod trouble;
