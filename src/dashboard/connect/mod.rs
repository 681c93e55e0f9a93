//! Connect: how proxies and programs ask about keys.

pub mod snippets;
