//! The nouns of Keyfob, their rules and their queries: one file or folder each.
//! Functions take a connection, so that they compose in one transaction. Nothing here
//! knows HTTP.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod callback;
pub mod carrier;
pub mod credit;
pub mod cursor;
pub mod guard;
pub mod handover;
pub(crate) mod id;
pub mod idempotency;
pub mod identity;
pub mod installation;
pub mod key_action;
pub mod key_export;
pub mod key_import;
pub mod leak_report;
pub mod management;
pub mod message;
pub mod refusal;
pub mod service;
pub mod service_scope;
pub mod setting;
pub mod text;
