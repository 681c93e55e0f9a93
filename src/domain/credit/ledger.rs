//! The ledger of an account, page by page.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::entry::{LedgerEntry, LedgerEntryId, Reason};
use crate::domain::account::AccountId;
use crate::domain::cursor::Cursor;
use crate::domain::message::phone_number::PhoneNumber;
use crate::error::Result;
use crate::store::schema::{ledger_entries, messages, operators};
use crate::store::{Conn, MultiBackend};

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

/// A place in the ledger.
pub type LedgerCursor = Cursor<LedgerEntryId>;

/// One page of the ledger.
#[derive(Debug)]
pub struct LedgerPage {
    /// Up to [`ENTRIES_PER_PAGE`] entries, newest first.
    pub lines: Vec<LedgerLine>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<LedgerCursor>,
}

impl LedgerPage {
    /// The place of its first entry.
    #[must_use]
    pub fn first(&self) -> Option<LedgerCursor> {
        self.lines.first().map(place)
    }
}

fn place(line: &LedgerLine) -> LedgerCursor {
    Cursor(line.entry.created_at, line.entry.id.clone())
}

type LedgerCondition<'a> = Box<dyn BoxableExpression<ledger_entries::table, MultiBackend, SqlType = Bool> + 'a>;

fn older_than(Cursor(time, id): &LedgerCursor) -> LedgerCondition<'_> {
    // The first condition follows from the second, and lets the planner start in the
    // index at the cursor.
    let (at, id) = (ledger_entries::created_at, ledger_entries::id.lt(id));
    Box::new(at.le(time).and(at.lt(time).or(at.eq(time).and(id))))
}

fn newer_than(Cursor(time, id): &LedgerCursor) -> LedgerCondition<'_> {
    let (at, id) = (ledger_entries::created_at, ledger_entries::id.gt(id));
    Box::new(at.ge(time).and(at.gt(time).or(at.eq(time).and(id))))
}

/// The entries of an account, all or those with a reason.
fn entries_of(account: &AccountId, reason: Option<Reason>) -> ledger_entries::BoxedQuery<'_, MultiBackend> {
    let entries = ledger_entries::table.filter(ledger_entries::account_id.eq(account)).into_boxed();
    match reason {
        Some(reason) => entries.filter(ledger_entries::reason.eq(reason)),
        None => entries,
    }
}

/// A page of an account's ledger, newest first; entries older than `after`, or
/// the first page; all of them, or those with this reason.
///
/// # Errors
/// When the database fails.
pub fn ledger(
    conn: &mut Conn,
    account: &AccountId,
    reason: Option<Reason>,
    after: Option<&LedgerCursor>,
) -> Result<LedgerPage> {
    let mut ids = entries_of(account, reason);
    if let Some(after) = after {
        ids = ids.filter(older_than(after));
    }
    let ids = ids.order((ledger_entries::created_at.desc(), ledger_entries::id.desc()));
    let mut ids: Vec<LedgerEntryId> = ids.limit(ENTRIES_PER_PAGE as i64 + 1).select(ledger_entries::id).load(conn)?;
    let has_more = ids.len() > ENTRIES_PER_PAGE;
    ids.truncate(ENTRIES_PER_PAGE);
    let lines = lines(conn, &ids)?;
    let next = lines.last().filter(|_| has_more).map(place);
    Ok(LedgerPage { lines, next })
}

/// The page before the one that begins with the entry at `before`; the first page
/// when it would reach the newest entry.
///
/// # Errors
/// When the database fails.
pub fn ledger_newer(
    conn: &mut Conn,
    account: &AccountId,
    reason: Option<Reason>,
    before: &LedgerCursor,
) -> Result<LedgerPage> {
    let ids: Vec<LedgerEntryId> = entries_of(account, reason)
        .filter(newer_than(before))
        .order((ledger_entries::created_at.asc(), ledger_entries::id.asc()))
        .limit(ENTRIES_PER_PAGE as i64)
        .select(ledger_entries::id)
        .load(conn)?;
    if ids.len() < ENTRIES_PER_PAGE {
        return ledger(conn, account, reason, None);
    }
    let lines = lines(conn, &ids)?;
    let next = lines.last().map(place);
    Ok(LedgerPage { lines, next })
}

/// The number of an account's entries, those newer than `place` or all; of more
/// than `limit` one more than that.
///
/// # Errors
/// When the database fails.
pub fn count_entries(
    conn: &mut Conn,
    account: &AccountId,
    reason: Option<Reason>,
    place: Option<&LedgerCursor>,
    limit: usize,
) -> Result<usize> {
    let mut query = entries_of(account, reason);
    if let Some(place) = place {
        query = query.filter(newer_than(place));
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let ones: Vec<i64> = query.select(1_i64.into_sql::<BigInt>()).limit(limit).load(conn)?;
    Ok(ones.len())
}

fn lines(conn: &mut Conn, ids: &[LedgerEntryId]) -> Result<Vec<LedgerLine>> {
    let lines = ledger_entries::table
        .left_join(operators::table)
        .left_join(messages::table.on(ledger_entries::message_id.eq(messages::id.nullable())))
        .filter(ledger_entries::id.eq_any(ids))
        .order((ledger_entries::created_at.desc(), ledger_entries::id.desc()))
        .select((LedgerEntry::as_select(), operators::name.nullable(), messages::recipient.nullable()));
    Ok(lines.load(conn)?)
}
