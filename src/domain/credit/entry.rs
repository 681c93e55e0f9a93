//! An entry of the ledger.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use crate::domain::account::AccountId;
use crate::domain::id::id;
use crate::domain::identity::operator::OperatorId;
use crate::domain::message::MessageId;
use crate::error::Result;
use crate::store::schema::ledger_entries;
use crate::store::types::text_enum;
use crate::store::{Conn, PrepareCached, UtcTime};

id! {
    /// The id of an entry.
    LedgerEntryId = "led_"
}

text_enum! {
    /// Why a balance changed.
    Reason {
        /// The account was opened.
        Opening = "opening",
        /// An operator added credits.
        TopUp = "top_up",
        /// A message was accepted.
        Message = "message",
        /// The carrier did not accept some segments of a message.
        Refund = "refund",
        /// An operator corrected the balance.
        Correction = "correction",
    }
}

/// A change of a balance. Entries are only ever inserted.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = ledger_entries)]
pub struct LedgerEntry {
    /// Its id.
    pub id: LedgerEntryId,
    /// The account whose balance changed.
    pub account_id: AccountId,
    /// The credits that were added (positive) or taken (negative).
    pub amount: i64,
    /// Why.
    pub reason: Reason,
    /// The message that was charged or refunded, if it was one.
    pub message_id: Option<MessageId>,
    /// The operator's note; empty when no operator made the entry.
    pub note: String,
    /// The operator who made the entry, while that operator exists.
    pub created_by: Option<OperatorId>,
    /// When the balance changed.
    pub created_at: UtcTime,
}

impl LedgerEntry {
    pub(super) fn new(account: &AccountId, amount: i64, reason: Reason, now: UtcTime) -> Self {
        Self {
            id: LedgerEntryId::mint(),
            account_id: account.clone(),
            amount,
            reason,
            message_id: None,
            note: String::new(),
            created_by: None,
            created_at: now,
        }
    }
}

/// Inserts an entry whose id a form brought along. Returns whether it is new.
pub(super) fn insert_once(conn: &mut Conn, entry: &LedgerEntry) -> Result<bool> {
    // In a savepoint: the same form may be submitted twice at once, and on
    // PostgreSQL a violated constraint would end this transaction.
    match conn.transaction(|conn| diesel::insert_into(ledger_entries::table).values(entry).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        inserted => Ok(inserted? > 0),
    }
}

pub(super) fn insert(conn: &mut Conn, entry: &LedgerEntry) -> Result<()> {
    diesel::insert_into(ledger_entries::table).values(entry).prepare_cached().execute(conn)?;
    Ok(())
}
