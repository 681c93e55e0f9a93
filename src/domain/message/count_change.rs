//! Changes of the counts of messages. They are added to a table of their own, in the
//! transaction that makes them: many transactions change the same count, and would wait
//! for each other's row.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::error::MessageError;
use super::record::{Message, MessageStatus};
use super::status_group::StatusGroup;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::carrier::CarrierName;
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::message_count_changes;
use crate::store::{Conn, PrepareCached, UtcTime};

const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_MICROS: i64 = 24 * HOUR_MICROS;

id! {
    /// The id of a change.
    CountChangeId = "mcc_"
}

/// Messages of one hour that moved from one count to another.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = message_count_changes)]
pub(super) struct CountChange {
    pub(super) id: CountChangeId,
    pub(super) account_id: AccountId,
    /// Empty when an operator sent them.
    pub(super) api_key_id: String,
    /// The hour of their acceptance.
    pub(super) hour: UtcTime,
    /// Empty for new messages.
    pub(super) old_group: String,
    pub(super) old_error: String,
    pub(super) status_group: String,
    pub(super) error: String,
    pub(super) messages: i64,
    /// The credits that were spent; negative for a refund.
    pub(super) credits: i64,
    /// Empty in what was counted before there were counts by carrier.
    pub(super) carrier: String,
}

/// The beginning of the hour.
#[must_use]
pub const fn hour_of(time: UtcTime) -> UtcTime {
    beginning_of(time, HOUR_MICROS)
}

/// The beginning of the day in UTC.
#[must_use]
pub const fn day_of(time: UtcTime) -> UtcTime {
    beginning_of(time, DAY_MICROS)
}

const fn beginning_of(time: UtcTime, micros: i64) -> UtcTime {
    let time = time.micros();
    UtcTime::from_micros(time.saturating_sub(time.rem_euclid(micros)))
}

/// Counts the messages of one accepted request, and what they cost: a change for each
/// carrier that they go by.
pub(super) fn count_accepted(conn: &mut Conn, messages: &[Message]) -> Result<()> {
    let mut changes: BTreeMap<&CarrierName, CountChange> = BTreeMap::new();
    for message in messages {
        let change = changes.entry(&message.carrier).or_insert_with(|| CountChange {
            old_group: String::new(),
            messages: 0,
            ..of_one(message)
        });
        change.messages += 1;
        change.credits += message.credits;
    }
    changes.values().try_for_each(|change| insert(conn, change))
}

/// Counts messages by the carrier that they go by now, no longer by `from`.
pub(super) fn count_carrier_moved(conn: &mut Conn, moved: &[Message], from: &CarrierName) -> Result<()> {
    let mut changes: BTreeMap<(&str, &str, UtcTime, &str), CountChange> = BTreeMap::new();
    for message in moved {
        let key = message.api_key_id.as_ref().map(ApiKeyId::as_str).unwrap_or_default();
        let error = message.error.map_or("", MessageError::as_str);
        let place = (message.account_id.as_str(), key, hour_of(message.created_at), error);
        let there = CountChange { old_group: String::new(), old_error: String::new(), messages: 0, ..of_one(message) };
        changes.entry(place).or_insert(there).messages += 1;
    }
    for there in changes.values() {
        let carrier = from.to_string();
        insert(conn, &CountChange { id: CountChangeId::mint(), messages: -there.messages, carrier, ..there.clone() })?;
        insert(conn, there)?;
    }
    Ok(())
}

/// Counts a message elsewhere, if its status or its error puts it there, and takes off
/// what was refunded for it.
pub(super) fn count_moved(
    conn: &mut Conn,
    before: &Message,
    status: MessageStatus,
    error: Option<MessageError>,
    refunded: i64,
) -> Result<()> {
    let group = StatusGroup::of(status);
    if StatusGroup::of(before.status) == group && before.error == error && refunded == 0 {
        return Ok(());
    }
    let error = error.map_or("", MessageError::as_str).to_owned();
    let change = CountChange { status_group: group.as_str().to_owned(), error, credits: -refunded, ..of_one(before) };
    insert(conn, &change)
}

/// A change from and to the count that a message is in.
fn of_one(message: &Message) -> CountChange {
    let group = StatusGroup::of(message.status).as_str().to_owned();
    let error = message.error.map_or("", MessageError::as_str).to_owned();
    CountChange {
        id: CountChangeId::mint(),
        account_id: message.account_id.clone(),
        api_key_id: message.api_key_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        hour: hour_of(message.created_at),
        old_group: group.clone(),
        old_error: error.clone(),
        status_group: group,
        error,
        messages: 1,
        credits: 0,
        carrier: message.carrier.to_string(),
    }
}

fn insert(conn: &mut Conn, change: &CountChange) -> Result<()> {
    diesel::insert_into(message_count_changes::table).values(change).prepare_cached().execute(conn)?;
    Ok(())
}
