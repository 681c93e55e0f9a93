//! Refused requests: the list of all keys, the section on a key's page, and what came with
//! keys that nobody knows.

pub mod filter;
pub mod fresh;
pub mod list;
pub mod of_key;
pub mod paths;
pub mod row;
pub mod unknown;
pub mod words;
