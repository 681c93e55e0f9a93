//! What the gate is asked.

use std::net::IpAddr;

use super::record::KeyRecord;
use crate::domain::api_key::secret::Mode;

/// Does this secret open this door?
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// What was presented as a key.
    pub secret: &'a str,
    /// Only keys of this service open the door; of any, where it is not said.
    pub service: Option<&'a str>,
    /// Only keys of this mode open it; of any, where it is not said.
    pub mode: Option<Mode>,
    /// Scopes that the key must have, all of them. They are the operator's words, never the client's.
    pub scopes: &'a [&'a str],
    /// Whether management keys are taken too. To everybody else they are unknown.
    pub takes_management_keys: bool,
    /// Only the key with this id opens the door; any, where it is not said.
    pub key_id: Option<&'a str>,
    /// The management key that asks: all keys beyond its bounds are unknown to it.
    pub asked_by: Option<&'a KeyRecord>,
    /// Whose request the key came with.
    pub client: Client<'a>,
}

/// Who uses a key.
#[derive(Debug, Clone, Copy, Default, Hash)]
pub struct Client<'a> {
    /// From where; `None` when not known, which a list of allowed addresses refuses.
    pub address: Option<IpAddr>,
    /// With which program, as its `User-Agent` says; may be empty.
    pub user_agent: &'a str,
}
