//! What became of the messages of each carrier on a day.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::count_change::day_of;
use super::status_group::StatusGroup;
use crate::domain::carrier::CarrierName;
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// In one statement, and so of one moment, as the counts of an account are read.
const COUNTS: &str = "\
    SELECT carrier, status_group, messages FROM carrier_counts WHERE day = $1 \
    UNION ALL SELECT carrier, status_group, CAST(SUM(messages) AS BIGINT) FROM message_count_changes \
    WHERE hour >= $1 AND hour < $2 AND carrier <> '' GROUP BY carrier, status_group \
    UNION ALL SELECT carrier, old_group, CAST(-SUM(messages) AS BIGINT) FROM message_count_changes \
    WHERE hour >= $1 AND hour < $2 AND carrier <> '' AND old_group <> '' GROUP BY carrier, old_group";

/// How many messages of each carrier came to which end.
pub type CarrierCounts = HashMap<(CarrierName, StatusGroup), i64>;

const DAY_SECONDS: i64 = 24 * 3600;

#[derive(QueryableByName)]
struct CarrierCountRow {
    #[diesel(sql_type = Text)]
    carrier: CarrierName,
    #[diesel(sql_type = Text)]
    status_group: String,
    #[diesel(sql_type = BigInt)]
    messages: i64,
}

/// The messages of each carrier that were accepted on the day of `time` in UTC, by what
/// became of them.
///
/// # Errors
/// When the database fails.
pub fn carrier_counts(conn: &mut Conn, time: UtcTime) -> Result<CarrierCounts> {
    let day = day_of(time);
    let query = diesel::sql_query(COUNTS).bind::<BigInt, _>(day).bind::<BigInt, _>(day.plus_seconds(DAY_SECONDS));
    let mut counts = HashMap::new();
    for CarrierCountRow { carrier, status_group, messages } in query.load::<CarrierCountRow>(conn)? {
        if let Ok(group) = status_group.parse() {
            *counts.entry((carrier, group)).or_default() += messages;
        }
    }
    Ok(counts)
}
