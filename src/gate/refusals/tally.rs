//! How often something was refused, and for whom last.

use crate::gate::question::Client;
use crate::gate::uses::ClientDescription;
use crate::store::UtcTime;

/// Requests that were refused for the same reason.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) requests: i64,
    pub(super) first: UtcTime,
    pub(super) last: UtcTime,
    /// The client of the last one.
    pub(super) client: ClientDescription,
}

impl Tally {
    /// One request.
    pub(super) fn of(client: Client<'_>, now: UtcTime) -> Self {
        let mut description = ClientDescription::default();
        client.describe(&mut description);
        description.address = canonical(client);
        Self { requests: 1, first: now, last: now, client: description }
    }

    /// Adds up two tallies.
    pub(super) fn merge(&mut self, mut other: Self) {
        let requests = self.requests.saturating_add(other.requests);
        let first = self.first.min(other.first);
        if other.last >= self.last {
            std::mem::swap(self, &mut other);
        }
        (self.requests, self.first) = (requests, first);
    }

    /// The address of the last client as text; empty when not known.
    pub(super) fn address(&self) -> String {
        self.client.address.map_or_else(String::new, |address| address.to_string())
    }
}

/// The address of a client, the same for both ways to write one of IPv4.
pub(super) fn canonical(client: Client<'_>) -> Option<std::net::IpAddr> {
    client.address.map(|address| address.to_canonical())
}
