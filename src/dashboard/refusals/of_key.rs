//! Why requests with a key were refused, as the key's page shows it.

use super::paths;
use super::row::RefusalRow;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::refusal::{self, RefusalFilter};
use crate::domain::service;
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// Refusals that the page knows.
const MAX_ROWS: usize = 20;
/// Refusals that are shown without unfolding the others.
const ROWS_IN_SIGHT: usize = 3;

/// The section.
pub struct KeyRefusals {
    /// The latest ones.
    pub rows: Vec<RefusalRow>,
    /// Those before them.
    pub folded: Vec<RefusalRow>,
    /// Where all are listed, if there are more.
    pub more: Option<String>,
}

impl KeyRefusals {
    /// # Errors
    /// When the database fails.
    pub fn read(conn: &mut Conn, account: &AccountId, key: &ApiKeyId, now: UtcTime) -> Result<Self> {
        let filter = RefusalFilter { key: Some(key.clone()), code: None };
        let list = refusal::list(conn, account, &filter, None, now, MAX_ROWS)?;
        let services = service::list_all(conn)?;
        let mut rows: Vec<_> = list.rows.into_iter().map(|entry| RefusalRow::new(entry, &services, now)).collect();
        let folded = rows.split_off(rows.len().min(ROWS_IN_SIGHT));
        Ok(Self { rows, folded, more: list.next.map(|_| paths::of_key(key)) })
    }
}
