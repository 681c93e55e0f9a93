//! Questions about keys: `verify` for services, `auth` for reverse proxies.

pub mod auth;
mod parameters;
pub mod presented_key;
pub mod verify;
