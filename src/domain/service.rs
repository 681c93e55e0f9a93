//! A service is what a key is for: SMS from the start.

use diesel::prelude::*;

use crate::error::Result;
use crate::store::schema::services;
use crate::store::{Conn, UtcTime};

/// A service of this installation.
#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = services)]
pub struct Service {
    /// Its name in URLs and answers, such as `sms`.
    pub slug: String,
    /// Its name on screen, such as `SMS`.
    pub name: String,
    /// What its keys begin with; never changes.
    pub key_prefix: String,
    /// When it was made.
    pub created_at: UtcTime,
}

/// Every service, oldest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn) -> Result<Vec<Service>> {
    Ok(services::table.order((services::created_at, services::slug)).load(conn)?)
}

/// One service.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown slug.
pub fn find(conn: &mut Conn, slug: &str) -> Result<Service> {
    Ok(services::table.find(slug).first(conn)?)
}

/// Makes a service.
///
/// # Errors
/// When its slug or prefix is taken, or the database fails.
pub fn create(conn: &mut Conn, service: &Service) -> Result<()> {
    diesel::insert_into(services::table).values(service).execute(conn)?;
    Ok(())
}

pub(super) fn ensure_sms(conn: &mut Conn, now: UtcTime) -> Result<()> {
    let count: i64 = services::table.count().get_result(conn)?;
    if count == 0 {
        let sms = Service { slug: "sms".into(), name: "SMS".into(), key_prefix: "sms".into(), created_at: now };
        create(conn, &sms)?;
    }
    Ok(())
}
