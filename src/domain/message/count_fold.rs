//! Adds changes of the counts of messages up, so that few rows tell the same.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::count_change::{CountChange, CountChangeId, day_of};
use crate::error::Result;
use crate::store::schema::{carrier_counts, credit_spending, message_count_changes, message_counts};
use crate::store::{Conn, PrepareCached, UtcTime};

/// Counts are kept for so many days.
const COUNT_DAYS: i64 = 35;
const DAY_SECONDS: i64 = 24 * 3600;
/// Instances add up one after the other on PostgreSQL, so that none waits for the other
/// one's rows in a circle.
const FOLD_LOCK: &str = "SELECT pg_advisory_xact_lock(118100949725032)";

/// Whether there are changes to add up.
pub(super) fn has_changes(conn: &mut Conn) -> Result<bool> {
    let first = message_count_changes::table.select(message_count_changes::id);
    Ok(first.first::<CountChangeId>(conn).optional()?.is_some())
}

/// Adds up to `limit` changes to the counts, and deletes the counts of the same accounts that are too old.
/// Returns whether more may be left.
///
/// # Errors
/// When the database fails.
pub fn fold_counts(conn: &mut Conn, limit: usize, now: UtcTime) -> Result<bool> {
    if matches!(conn, Conn::Postgres(_)) {
        diesel::sql_query(FOLD_LOCK).execute(conn)?;
    }
    // By what is read and not by an id: a transaction that began earlier may still add some.
    let changes: Vec<CountChange> = message_count_changes::table
        .order(message_count_changes::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(CountChange::as_select())
        .load(conn)?;
    let ids: Vec<&CountChangeId> = changes.iter().map(|change| &change.id).collect();
    diesel::delete(message_count_changes::table.filter(message_count_changes::id.eq_any(&ids))).execute(conn)?;
    let oldest = day_of(now.plus_seconds(-COUNT_DAYS * DAY_SECONDS));
    let sums = Sums::of(changes.iter().filter(|change| change.hour >= oldest));
    sums.write(conn)?;
    let accounts: BTreeSet<&str> = changes.iter().map(|change| change.account_id.as_str()).collect();
    for account in accounts {
        let counts = message_counts::table.filter(message_counts::account_id.eq(account));
        diesel::delete(counts.filter(message_counts::hour.lt(oldest))).execute(conn)?;
        let spending = credit_spending::table.filter(credit_spending::account_id.eq(account));
        diesel::delete(spending.filter(credit_spending::day.lt(oldest))).execute(conn)?;
    }
    if !changes.is_empty() {
        diesel::delete(carrier_counts::table.filter(carrier_counts::day.lt(oldest))).execute(conn)?;
    }
    Ok(changes.len() >= limit)
}

/// Changes by the row that they change.
#[derive(Default)]
struct Sums<'a> {
    /// By account, hour, group and error.
    messages: BTreeMap<(&'a str, i64, &'a str, &'a str), i64>,
    /// By account, day and key.
    credits: BTreeMap<(&'a str, i64, &'a str), i64>,
    /// By carrier, day and group.
    carriers: BTreeMap<(&'a str, i64, &'a str), i64>,
}

impl<'a> Sums<'a> {
    fn of(changes: impl Iterator<Item = &'a CountChange>) -> Self {
        let mut sums = Self::default();
        for change in changes {
            let (account, hour) = (change.account_id.as_str(), change.hour.micros());
            let place = (account, hour, &*change.status_group, &*change.error);
            *sums.messages.entry(place).or_default() += change.messages;
            if !change.old_group.is_empty() {
                let place = (account, hour, &*change.old_group, &*change.old_error);
                *sums.messages.entry(place).or_default() -= change.messages;
            }
            let place = (account, day_of(change.hour).micros(), &*change.api_key_id);
            *sums.credits.entry(place).or_default() += change.credits;
            sums.add_to_carrier(change);
        }
        sums
    }

    /// What happened to a carrier's messages, unless it is from before they were counted.
    fn add_to_carrier(&mut self, change: &'a CountChange) {
        let (carrier, day) = (&*change.carrier, day_of(change.hour).micros());
        if carrier.is_empty() {
            return;
        }
        *self.carriers.entry((carrier, day, &*change.status_group)).or_default() += change.messages;
        if !change.old_group.is_empty() {
            *self.carriers.entry((carrier, day, &*change.old_group)).or_default() -= change.messages;
        }
    }

    fn write(&self, conn: &mut Conn) -> QueryResult<()> {
        let statement = upsert("message_counts", ["account_id", "hour", "status_group", "error"], "messages");
        for ((account, hour, group, error), messages) in self.messages.iter().filter(|(_, messages)| **messages != 0) {
            diesel::sql_query(&*statement)
                .bind::<Text, _>(account)
                .bind::<BigInt, _>(hour)
                .bind::<Text, _>(group)
                .bind::<Text, _>(error)
                .bind::<BigInt, _>(messages)
                .prepare_cached()
                .execute(conn)?;
        }
        let statement = upsert("credit_spending", ["account_id", "day", "api_key_id"], "credits");
        for ((account, day, key), credits) in self.credits.iter().filter(|(_, credits)| **credits != 0) {
            diesel::sql_query(&*statement)
                .bind::<Text, _>(account)
                .bind::<BigInt, _>(day)
                .bind::<Text, _>(key)
                .bind::<BigInt, _>(credits)
                .prepare_cached()
                .execute(conn)?;
        }
        self.write_carriers(conn)
    }

    fn write_carriers(&self, conn: &mut Conn) -> QueryResult<()> {
        let statement = upsert("carrier_counts", ["carrier", "day", "status_group"], "messages");
        for ((carrier, day, group), messages) in self.carriers.iter().filter(|(_, messages)| **messages != 0) {
            diesel::sql_query(&*statement)
                .bind::<Text, _>(carrier)
                .bind::<BigInt, _>(day)
                .bind::<Text, _>(group)
                .bind::<BigInt, _>(messages)
                .prepare_cached()
                .execute(conn)?;
        }
        Ok(())
    }
}

/// A statement that adds to the row with this key, as text: Diesel does not support
/// `ON CONFLICT` for a connection to either database. Both number `$1` by its place.
fn upsert<const N: usize>(table: &str, key: [&str; N], count: &str) -> String {
    let key = key.join(", ");
    let values: Vec<String> = (1..=N + 1).map(|number| format!("${number}")).collect();
    let values = values.join(", ");
    format!(
        "INSERT INTO {table} ({key}, {count}) VALUES ({values}) \
         ON CONFLICT ({key}) DO UPDATE SET {count} = {table}.{count} + excluded.{count}"
    )
}
