//! What Keyfob is about: its nouns, their rules and their queries. One noun a
//! file or folder; every function takes a connection, so that they compose in
//! one transaction. Knows no HTTP.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod callback;
pub mod credit;
pub mod cursor;
pub(crate) mod id;
pub mod identity;
pub mod installation;
pub mod message;
pub mod service;
pub mod setting;
pub mod text;
