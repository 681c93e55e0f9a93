//! Rows that count what was used of a limit. They are written under the lock of the
//! account's balance, so that no two transactions count at the same time.

use diesel::prelude::*;

use crate::error::Result;
use crate::store::schema::guard_counts;
use crate::store::types::text_enum;
use crate::store::{Conn, PrepareCached, UtcTime};

text_enum! {
    /// What is counted.
    CountKind {
        /// Messages, in slots of some seconds.
        Messages = "messages",
        /// Credits, by day.
        Credits = "credits",
    }
}

/// Which counts: those of a holder's limit, of rehearsals or of real messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter<'a> {
    pub(super) holder: &'a str,
    pub(super) kind: CountKind,
    pub(super) rehearsed: bool,
}

/// What was used in one slot.
#[derive(Debug, Clone, Copy, Queryable)]
pub(super) struct Slot {
    pub(super) begins: UtcTime,
    pub(super) used: i64,
    pub(super) warned: i64,
}

impl Counter<'_> {
    /// The slots since a time, the oldest first.
    pub(super) fn since(&self, conn: &mut Conn, from: UtcTime) -> Result<Vec<Slot>> {
        let rows = guard_counts::table
            .filter(guard_counts::holder.eq(self.holder))
            .filter(guard_counts::kind.eq(self.kind))
            .filter(guard_counts::rehearsed.eq(self.rehearsed))
            .filter(guard_counts::begins.ge(from))
            .order(guard_counts::begins)
            .select((guard_counts::begins, guard_counts::used, guard_counts::warned));
        Ok(rows.load(conn)?)
    }

    /// Adds to a slot what was used, and what was warned of.
    /// Removes what is older than `keep_from` where it begins a new slot.
    pub(super) fn add(&self, conn: &mut Conn, slot: Slot, keep_from: UtcTime) -> Result<()> {
        let row = guard_counts::table.find((self.holder, self.kind, self.rehearsed, slot.begins));
        let added: Option<i64> = diesel::update(row)
            .set((guard_counts::used.eq(guard_counts::used + slot.used), guard_counts::warned.eq(slot.warned)))
            .returning(guard_counts::used)
            .prepare_cached()
            .get_result(conn)
            .optional()?;
        if added.is_some() {
            return Ok(());
        }
        self.forget_before(conn, keep_from)?;
        self.insert(conn, slot)
    }

    /// Begins a slot that there is not yet.
    pub(super) fn insert(&self, conn: &mut Conn, slot: Slot) -> Result<()> {
        diesel::insert_into(guard_counts::table)
            .values((
                guard_counts::holder.eq(self.holder),
                guard_counts::kind.eq(self.kind),
                guard_counts::rehearsed.eq(self.rehearsed),
                guard_counts::begins.eq(slot.begins),
                guard_counts::used.eq(slot.used),
                guard_counts::warned.eq(slot.warned),
            ))
            .prepare_cached()
            .execute(conn)?;
        Ok(())
    }

    /// Removes the slots that began before a time.
    pub(super) fn forget_before(&self, conn: &mut Conn, time: UtcTime) -> Result<()> {
        let old = guard_counts::table
            .filter(guard_counts::holder.eq(self.holder))
            .filter(guard_counts::kind.eq(self.kind))
            .filter(guard_counts::rehearsed.eq(self.rehearsed))
            .filter(guard_counts::begins.lt(time));
        diesel::delete(old).prepare_cached().execute(conn)?;
        Ok(())
    }
}
