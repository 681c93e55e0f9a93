//! The stored limits of an account and of its keys.

use diesel::prelude::*;

use super::limits::Limits;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::guards;
use crate::store::{Conn, PrepareCached};

/// A row of `guards`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = guards)]
pub struct Guard {
    /// The id of the account or of the key.
    pub holder: String,
    /// The account.
    pub account_id: AccountId,
    /// The key; `None` for the account's own.
    pub api_key_id: Option<ApiKeyId>,
    /// The limits.
    #[diesel(embed)]
    pub limits: Limits,
    /// Whether pages offer the usual limits.
    pub is_offered: bool,
}

impl Guard {
    pub(super) fn new(account: &AccountId, key: Option<&ApiKeyId>, limits: Limits) -> Self {
        Self {
            holder: key.map_or_else(|| account.to_string(), ToString::to_string),
            account_id: account.clone(),
            api_key_id: key.cloned(),
            limits,
            is_offered: false,
        }
    }

    /// Whose limit it is, in a sentence.
    pub(super) const fn whose(&self) -> &'static str {
        if self.api_key_id.is_some() { "this key" } else { "this account" }
    }
}

/// The limits of an account, or of one of its keys; none where nothing is stored.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Conn, account: &AccountId, key: Option<&ApiKeyId>) -> Result<Limits> {
    Ok(find_guard(conn, account, key)?.map_or_else(Limits::none, |guard| guard.limits))
}

pub(super) fn find_guard(conn: &mut Conn, account: &AccountId, key: Option<&ApiKeyId>) -> Result<Option<Guard>> {
    let holder = key.map_or_else(|| account.as_str(), |key| key.as_str());
    let row = guards::table.find(holder).filter(guards::account_id.eq(account));
    Ok(row.select(Guard::as_select()).first(conn).optional()?)
}

/// What limits the messages of an account and a key: none, one or both of their guards.
pub(super) fn of_sending(conn: &mut Conn, account: &AccountId, key: Option<&ApiKeyId>) -> Result<Vec<Guard>> {
    let key = key.map(ApiKeyId::as_str).unwrap_or_default();
    let rows = guards::table.filter(guards::holder.eq(account.as_str()).or(guards::holder.eq(key)));
    let rows: Vec<Guard> = rows.select(Guard::as_select()).prepare_cached().load(conn)?;
    Ok(rows.into_iter().filter(|guard| !guard.limits.is_none()).collect())
}

pub(super) fn insert(conn: &mut Conn, guard: &Guard) -> Result<()> {
    diesel::insert_into(guards::table).values(guard).execute(conn)?;
    Ok(())
}
