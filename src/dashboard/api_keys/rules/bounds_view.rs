//! The bounds of a management key in words.

use crate::domain::api_key::{self, ApiKey, ManagementBounds};
use crate::domain::service::{self, Service};
use crate::error::Result;
use crate::format::count;
use crate::store::Conn;

/// What a management key may do with keys, beyond its scopes.
pub(in crate::dashboard) struct BoundsView {
    /// The services whose keys it manages.
    pub(in crate::dashboard) services: String,
    /// The scopes that it may give.
    pub(in crate::dashboard) grantable_scopes: String,
    /// The longest life of its keys.
    pub(in crate::dashboard) max_lifetime: String,
}

impl BoundsView {
    /// Reads the bounds of a key; `None` for a key that manages no others.
    pub(in crate::dashboard) fn read(conn: &mut Conn, key: &ApiKey) -> Result<Option<Self>> {
        if !key.is_for_management() {
            return Ok(None);
        }
        let services = service::list(conn)?;
        Ok(Some(Self::new(&api_key::bounds(conn, &key.id)?, &services)))
    }

    /// The bounds in words; `services` knows the names of the services.
    pub(in crate::dashboard) fn new(bounds: &ManagementBounds, services: &[Service]) -> Self {
        let scopes: Vec<&str> = bounds.grantable_scopes.names().collect();
        Self {
            services: services_in_words(bounds, services),
            grantable_scopes: match &*scopes {
                _ if bounds.grantable_scopes.is_full() => "every scope, and full access".to_owned(),
                [] => "no scopes".to_owned(),
                scopes => scopes.join(", "),
            },
            max_lifetime: bounds
                .max_lifetime_days
                .map_or_else(|| "no limit of its own".to_owned(), |days| count(days, "day")),
        }
    }
}

fn services_in_words(bounds: &ManagementBounds, services: &[Service]) -> String {
    if bounds.services.is_all() {
        return "all services".to_owned();
    }
    let name_of = |slug: &str| {
        services
            .iter()
            .find(|service| service.slug == slug)
            .map_or_else(|| slug.to_owned(), |service| service.name.clone())
    };
    let names: Vec<String> = bounds.services.slugs().map(name_of).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
