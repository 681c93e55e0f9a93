//! The bounds of a management key: what it may do with keys, beyond its scopes.

use std::collections::HashMap;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::record::ApiKeyId;
use super::scopes::Scopes;
use super::secret::Mode;
use crate::domain::{management, service};
use crate::error::{Error, Result};
use crate::store::Conn;
use crate::store::schema::management_bounds;
use crate::store::types::text_column;

/// Every service but that of management keys.
const ALL: &str = "*";
/// The longest bound, in days: as far as the end of a key may be.
const MAX_LIFETIME_DAYS: i64 = 36_525;

/// The services whose keys a management key manages: some, sorted, or all.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct ServiceReach(String);

impl ServiceReach {
    /// All services, those of later too.
    #[must_use]
    pub fn all() -> Self {
        Self(ALL.to_owned())
    }

    /// The services with these slugs; the caller knows that they exist.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `services` without any, and for that of management keys.
    pub fn parse<'a>(slugs: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut slugs: Vec<&str> = slugs.into_iter().collect();
        slugs.sort_unstable();
        slugs.dedup();
        match slugs.as_slice() {
            // An empty name is a variable of a script that holds nothing.
            [] | ["", ..] => Err(Error::invalid("services", "Choose at least one service.")),
            [ALL] => Ok(Self::all()),
            slugs if slugs.contains(&ALL) => {
                Err(Error::invalid("services", "All services include every one. Choose all, or choose services."))
            }
            slugs if slugs.contains(&management::SERVICE) => {
                Err(Error::invalid("services", "A management key can't manage management keys."))
            }
            slugs => Ok(Self(slugs.join(" "))),
        }
    }

    /// Whether the keys of a service are within it. Those that are management keys never are.
    #[must_use]
    pub fn includes(&self, service: &str) -> bool {
        service != management::SERVICE && (self.0 == ALL || self.slugs().any(|slug| slug == service))
    }

    /// The slugs; `*` for all.
    pub fn slugs(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|slug| !slug.is_empty())
    }

    /// Whether it is every service.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0 == ALL
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_column!(ServiceReach, |text: &str| Some(ServiceReach(text.to_owned())));

/// What a management key may do with keys.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = management_bounds)]
pub struct ManagementBounds {
    /// The services whose keys it manages.
    pub services: ServiceReach,
    /// The scopes that it may give to keys.
    pub grantable_scopes: Scopes,
    /// The longest life of a key that it creates or changes, in days; `None` is no limit.
    pub max_lifetime_days: Option<i64>,
}

impl ManagementBounds {
    /// Validates the longest life.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `max_lifetime_days` outside 1 to 36,525.
    pub fn new(services: ServiceReach, grantable_scopes: Scopes, max_lifetime_days: Option<i64>) -> Result<Self> {
        if max_lifetime_days.is_none_or(is_lifetime) {
            return Ok(Self { services, grantable_scopes, max_lifetime_days });
        }
        Err(wrong_lifetime())
    }

    /// Validates the names of scopes that a management key may give to keys: those of any services.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `grantable_scopes`.
    pub fn parse_grantable<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Scopes> {
        Scopes::parse(names).map_err(|error| match error {
            Error::Invalid(errors) => {
                Error::invalid("grantable_scopes", errors.get("scopes").unwrap_or_default().to_owned())
            }
            error => error,
        })
    }

    /// Reads a longest life as it is typed: a number of days, or nothing for no limit.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `max_lifetime_days`.
    pub fn parse_max_lifetime(typed: &str) -> Result<Option<i64>> {
        match typed.trim() {
            "" => Ok(None),
            days => days.parse().ok().filter(|days| is_lifetime(*days)).map(Some).ok_or_else(wrong_lifetime),
        }
    }

    /// Nothing at all.
    fn none() -> Self {
        Self { services: ServiceReach(String::new()), grantable_scopes: Scopes::none(), max_lifetime_days: Some(1) }
    }
}

fn is_lifetime(days: i64) -> bool {
    (1..=MAX_LIFETIME_DAYS).contains(&days)
}

fn wrong_lifetime() -> Error {
    Error::invalid("max_lifetime_days", "Use a number of days from 1 to 36,525, or none.")
}

/// The bounds of a management key; those of a key without any are empty.
///
/// # Errors
/// When the database fails.
pub fn bounds(conn: &mut Conn, key: &ApiKeyId) -> Result<ManagementBounds> {
    let row = management_bounds::table.find(key).select(ManagementBounds::as_select()).first(conn).optional()?;
    Ok(row.unwrap_or_else(ManagementBounds::none))
}

/// The bounds of these management keys, by one query for all of them; keys without any are left out.
///
/// # Errors
/// When the database fails.
pub fn bounds_of(conn: &mut Conn, keys: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, ManagementBounds>> {
    let rows = management_bounds::table.filter(management_bounds::api_key_id.eq_any(keys));
    let rows: Vec<(ApiKeyId, ManagementBounds)> =
        rows.select((management_bounds::api_key_id, ManagementBounds::as_select())).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Checks the bounds of a new management key, which is of live mode.
///
/// # Errors
/// [`Error::Invalid`] for `services` that there are not and for `mode`.
pub(super) fn check(conn: &mut Conn, bounds: &ManagementBounds, mode: Mode) -> Result<()> {
    if mode != Mode::Live {
        return Err(Error::invalid("mode", "Management keys are live keys."));
    }
    let known = service::list(conn)?;
    let is_known = |slug: &str| known.iter().any(|service| service.slug == slug);
    match bounds.services.slugs().find(|slug| *slug != ALL && !is_known(slug)) {
        Some(unknown) => Err(Error::invalid("services", format!("There is no service “{unknown}”."))),
        None => Ok(()),
    }
}

/// Stores the bounds of a new management key.
pub(super) fn insert(conn: &mut Conn, key: &ApiKeyId, bounds: &ManagementBounds) -> QueryResult<()> {
    let row = (management_bounds::api_key_id.eq(key), bounds);
    diesel::insert_into(management_bounds::table).values(row).execute(conn).map(drop)
}
