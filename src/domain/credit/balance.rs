//! Balances: opened, charged and refunded.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::entry::{LedgerEntry, Reason, insert};
use crate::domain::account::AccountId;
use crate::domain::message::MessageId;
use crate::error::{Error, Result};
use crate::store::schema::{accounts, credit_balances, ledger_entries};
use crate::store::{Conn, PrepareCached, UtcTime};

/// The credits that a new account starts with, unless `--opening-credits` says
/// otherwise: enough to try the service.
pub const DEFAULT_OPENING_CREDITS: i64 = 100;

/// Opens a balance of `credits` for every account that has none.
///
/// # Errors
/// When the database fails.
pub fn open_accounts(conn: &mut Conn, credits: i64, now: UtcTime) -> Result<()> {
    let opened = credit_balances::table.select(credit_balances::account_id);
    let new: Vec<AccountId> = accounts::table.filter(accounts::id.ne_all(opened)).select(accounts::id).load(conn)?;
    new.iter().try_for_each(|account| open(conn, account, credits, now))
}

fn open(conn: &mut Conn, account: &AccountId, credits: i64, now: UtcTime) -> Result<()> {
    diesel::insert_into(credit_balances::table)
        .values((credit_balances::account_id.eq(account), credit_balances::credits.eq(credits)))
        .execute(conn)?;
    if credits != 0 {
        insert(conn, &LedgerEntry::new(account, credits, Reason::Opening, now))?;
    }
    Ok(())
}

/// The credits that an account can spend.
///
/// # Errors
/// When the database fails.
pub fn balance(conn: &mut Conn, account: &AccountId) -> Result<i64> {
    let row = credit_balances::table.find(account).select(credit_balances::credits);
    Ok(row.first(conn).optional()?.unwrap_or_default())
}

/// The credits of every account, by its id.
///
/// # Errors
/// When the database fails.
pub fn balances(conn: &mut Conn) -> Result<Vec<(String, i64)>> {
    let rows = credit_balances::table.order(credit_balances::account_id);
    Ok(rows.select((credit_balances::account_id, credit_balances::credits)).load(conn)?)
}

/// Charges messages, each `(message, credits)`. Returns the balance afterwards.
///
/// # Errors
/// [`Error::NotEnoughCredits`], and then nothing is charged.
pub fn charge(conn: &mut Conn, account: &AccountId, costs: &[(MessageId, i64)], now: UtcTime) -> Result<i64> {
    let sum: i64 = costs.iter().map(|(_, cost)| cost).sum();
    let row = credit_balances::table.find(account).filter(credit_balances::credits.ge(sum));
    let left = diesel::update(row)
        .set(credit_balances::credits.eq(credit_balances::credits - sum))
        .returning(credit_balances::credits)
        .prepare_cached()
        .get_result(conn)
        .optional()?;
    let Some(left) = left else {
        return Err(Error::NotEnoughCredits { needed: sum, left: balance(conn, account)? });
    };
    let entries: Vec<LedgerEntry> = costs
        .iter()
        .map(|(message, cost)| LedgerEntry {
            message_id: Some(message.clone()),
            ..LedgerEntry::new(account, -cost, Reason::Message, now)
        })
        .collect();
    entries.iter().try_for_each(|entry| insert(conn, entry))?;
    Ok(left)
}

/// Locks the balance of an account until the transaction ends, so that another one that
/// charges it waits.
///
/// # Errors
/// When the database fails.
pub fn lock(conn: &mut Conn, account: &AccountId) -> Result<()> {
    change(conn, account, 0).map(drop)
}

/// Refunds what was charged for segments that the carrier did not accept.
/// Idempotent: a message is refunded once. Returns what was refunded now.
///
/// # Errors
/// When the database fails.
pub fn refund(conn: &mut Conn, account: &AccountId, message: &MessageId, credits: i64, now: UtcTime) -> Result<i64> {
    if credits <= 0 {
        return Ok(0);
    }
    let row = ledger_entries::table
        .filter(ledger_entries::message_id.eq(message))
        .filter(ledger_entries::reason.eq(Reason::Refund));
    let refunded: i64 = row.count().get_result(conn)?;
    if refunded > 0 {
        return Ok(0);
    }
    let entry =
        LedgerEntry { message_id: Some(message.clone()), ..LedgerEntry::new(account, credits, Reason::Refund, now) };
    // In a savepoint: another transaction may have refunded the message since the
    // count, and on PostgreSQL a violated constraint would end this transaction.
    match conn.transaction(|conn| diesel::insert_into(ledger_entries::table).values(&entry).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(0),
        Err(error) => Err(error.into()),
        Ok(_) => change(conn, account, credits).map(|_| credits),
    }
}

/// The credits that were refunded for each of these messages, for those that were.
///
/// # Errors
/// When the database fails.
pub fn refunded(conn: &mut Conn, account: &AccountId, messages: &[MessageId]) -> Result<HashMap<MessageId, i64>> {
    let rows = ledger_entries::table
        .filter(ledger_entries::account_id.eq(account))
        .filter(ledger_entries::message_id.eq_any(messages))
        .filter(ledger_entries::reason.eq(Reason::Refund));
    let rows: Vec<(Option<MessageId>, i64)> =
        rows.select((ledger_entries::message_id, ledger_entries::amount)).load(conn)?;
    Ok(rows.into_iter().filter_map(|(message, amount)| Some((message?, amount))).collect())
}

/// Adds `credits` to a balance. Returns the balance afterwards.
pub(super) fn change(conn: &mut Conn, account: &AccountId, credits: i64) -> Result<i64> {
    Ok(diesel::update(credit_balances::table.find(account))
        .set(credit_balances::credits.eq(credit_balances::credits + credits))
        .returning(credit_balances::credits)
        .prepare_cached()
        .get_result(conn)?)
}
