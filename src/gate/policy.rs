//! What limits a key in memory.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::api_key::{ApiKey, ManagementBounds, Scopes, StoredSecret};
use crate::domain::management;
use crate::store::UtcTime;

/// What limits a key. Kept apart from its record, so that a key without limits
/// takes no memory for them.
#[derive(Debug)]
pub(super) struct KeyPolicy {
    /// Whether the key manages others; then it opens no door but those of the management API.
    pub(super) is_management_key: bool,
    /// What it may do with them then.
    pub(super) bounds: Option<Box<ManagementBounds>>,
    /// From when on this secret opens nothing: the end of the key, or its own.
    pub(super) ends_at: Option<UtcTime>,
    /// The end of the key as JSON, where it has one.
    pub(super) expires_at_json: Option<Box<str>>,
    /// Whether this secret has an end of its own, since a rotation.
    pub(super) is_replaced: bool,
    /// `None` for full access.
    pub(super) scopes: Option<Scopes>,
    /// `None` for anywhere. An empty list, of which nothing could be read, allows no address.
    allowed_ips: Option<Box<[IpNet]>>,
}

impl KeyPolicy {
    pub(super) fn of(key: &ApiKey, secret: &StoredSecret, bounds: Option<ManagementBounds>) -> Option<Self> {
        let ends_at = [key.expires_at, secret.ends_at].into_iter().flatten().min();
        let is_management_key = key.service == management::SERVICE;
        if !is_management_key && ends_at.is_none() && key.scopes.is_full() && key.allowed_ips.is_anywhere() {
            return None;
        }
        Some(Self {
            is_management_key,
            bounds: bounds.map(Box::new),
            ends_at,
            expires_at_json: key.expires_at.map(in_json),
            is_replaced: secret.ends_at.is_some(),
            scopes: Some(&key.scopes).filter(|scopes| !scopes.is_full()).cloned(),
            allowed_ips: (!key.allowed_ips.is_anywhere()).then(|| key.allowed_ips.networks().into()),
        })
    }

    pub(super) fn has_ended(&self, now: UtcTime) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// An unknown address is allowed only where all are.
    pub(super) fn allows(&self, address: Option<IpAddr>) -> bool {
        let Some(allowed) = &self.allowed_ips else { return true };
        let is_listed = |address: IpAddr| allowed.iter().any(|net| net.contains(&address));
        address.is_some_and(|address| is_listed(address.to_canonical()))
    }

    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.names().any(|name| name == scope))
    }
}

/// RFC 3339, in quotation marks.
fn in_json(end: UtcTime) -> Box<str> {
    format!("\"{}\"", end.rfc3339()).into()
}
