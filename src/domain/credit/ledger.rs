//! The ledger of an account, page by page.

use diesel::prelude::*;

use super::entry::{LedgerEntry, LedgerEntryId};
use crate::domain::account::AccountId;
use crate::domain::cursor::Cursor;
use crate::domain::message::phone_number::PhoneNumber;
use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::{ledger_entries, messages, operators};

/// The number of entries on one page.
pub const ENTRIES_PER_PAGE: usize = 50;

/// An entry with the names that its row shows.
#[derive(Debug, Clone, Queryable)]
pub struct LedgerLine {
    /// The entry.
    pub entry: LedgerEntry,
    /// The name of the operator who made it, while that operator exists.
    pub operator: Option<String>,
    /// The recipient of its message, if it has one.
    pub recipient: Option<PhoneNumber>,
}

/// One page of the ledger.
#[derive(Debug)]
pub struct LedgerPage {
    /// Up to [`ENTRIES_PER_PAGE`] entries, newest first.
    pub lines: Vec<LedgerLine>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<Cursor<LedgerEntryId>>,
}

/// A page of an account's ledger, newest first; entries older than `after`, or
/// the first page.
///
/// # Errors
/// When the database fails.
pub fn ledger(conn: &mut Conn, account: &AccountId, after: Option<&Cursor<LedgerEntryId>>) -> Result<LedgerPage> {
    let mut query = ledger_entries::table
        .left_join(operators::table)
        .left_join(messages::table.on(ledger_entries::message_id.eq(messages::id.nullable())))
        .filter(ledger_entries::account_id.eq(account))
        .order((ledger_entries::created_at.desc(), ledger_entries::id.desc()))
        .limit(ENTRIES_PER_PAGE as i64 + 1)
        .select((LedgerEntry::as_select(), operators::name.nullable(), messages::recipient.nullable()))
        .into_boxed();
    if let Some(Cursor(time, id)) = after {
        // The second condition implies the first, which lets the planner start in
        // the index at the cursor.
        query = query.filter(ledger_entries::created_at.le(time)).filter(
            ledger_entries::created_at.lt(time).or(ledger_entries::created_at.eq(time).and(ledger_entries::id.lt(id))),
        );
    }
    let mut lines: Vec<LedgerLine> = query.load(conn)?;
    let has_more = lines.len() > ENTRIES_PER_PAGE;
    lines.truncate(ENTRIES_PER_PAGE);
    let last = lines.last().filter(|_| has_more);
    let next = last.map(|LedgerLine { entry, .. }| Cursor(entry.created_at, entry.id.clone()));
    Ok(LedgerPage { lines, next })
}
