//! What an account spent: by day, and with which keys. Credits are spent on the day on which
//! their message was accepted, and what was refunded for it is taken off there.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::entry::Reason;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::message::day_of;
use crate::error::Result;
use crate::store::schema::{api_keys, key_secrets, ledger_entries};
use crate::store::{Conn, UtcTime};

/// The most top-ups that are read.
const MAX_TOP_UPS: i64 = 1_000;

/// In one statement, and so of one moment: what is added up meanwhile is neither missed
/// nor counted twice. PostgreSQL sums up to a wider type.
const SPENDING: &str = "\
    SELECT day, api_key_id, credits FROM credit_spending WHERE account_id = $1 AND day >= $2 \
    UNION ALL SELECT hour / 86400000000 * 86400000000, api_key_id, CAST(SUM(credits) AS BIGINT) \
    FROM message_count_changes WHERE account_id = $1 AND hour >= $2 AND credits <> 0 GROUP BY 1, 2";

/// What was spent since some day.
#[derive(Debug, Default)]
pub struct Spending {
    /// By day, in no order.
    pub days: HashMap<UtcTime, i64>,
    /// Who spent most, first.
    pub spenders: Vec<Spender>,
}

/// A key, or the people who send from the dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spender {
    /// The key; `None` for the dashboard.
    pub api_key: Option<ApiKeyId>,
    /// The key's name and the last four characters of its secret; `None` when it was deleted.
    pub name: Option<(String, String)>,
    /// What it spent.
    pub credits: i64,
}

#[derive(QueryableByName)]
struct SpendingRow {
    #[diesel(sql_type = BigInt)]
    day: UtcTime,
    #[diesel(sql_type = Text)]
    api_key_id: String,
    #[diesel(sql_type = BigInt)]
    credits: i64,
}

/// What an account spent since `from`, the beginning of a day, and the `limit` keys that
/// spent most.
///
/// # Errors
/// When the database fails.
pub fn spending(conn: &mut Conn, account: &AccountId, from: UtcTime, limit: usize) -> Result<Spending> {
    let rows: Vec<SpendingRow> =
        diesel::sql_query(SPENDING).bind::<Text, _>(account).bind::<BigInt, _>(from).load(conn)?;
    let (mut days, mut keys) = (HashMap::new(), HashMap::new());
    for SpendingRow { day, api_key_id, credits } in rows {
        *days.entry(day).or_default() += credits;
        *keys.entry(api_key_id).or_default() += credits;
    }
    let mut most: Vec<(String, i64)> = keys.into_iter().filter(|(_, credits)| *credits > 0).collect();
    most.sort_by(|(one, less), (other, more)| more.cmp(less).then_with(|| one.cmp(other)));
    most.truncate(limit);
    Ok(Spending { days, spenders: named(conn, most)? })
}

/// What an account spent today, or one of its keys.
///
/// # Errors
/// When the database fails.
pub fn spent_today(conn: &mut Conn, account: &AccountId, key: Option<&ApiKeyId>, now: UtcTime) -> Result<i64> {
    let spent = spending(conn, account, day_of(now), usize::MAX)?;
    Ok(match key {
        None => spent.days.values().sum(),
        Some(key) => {
            spent.spenders.iter().find(|spender| spender.api_key.as_ref() == Some(key)).map_or(0, |by| by.credits)
        }
    })
}

fn named(conn: &mut Conn, spenders: Vec<(String, i64)>) -> Result<Vec<Spender>> {
    let ids: Vec<ApiKeyId> = spenders.iter().filter_map(|(id, _)| id.parse().ok()).collect();
    let is_current = key_secrets::api_key_id.eq(api_keys::id).and(key_secrets::ends_at.is_null());
    let rows: Vec<(ApiKeyId, String, Option<String>)> = api_keys::table
        .left_join(key_secrets::table.on(is_current))
        .filter(api_keys::id.eq_any(&ids))
        .filter(api_keys::deleted_at.is_null())
        .select((api_keys::id, api_keys::name, key_secrets::tail.nullable()))
        .load(conn)?;
    let mut names: HashMap<ApiKeyId, (String, String)> =
        rows.into_iter().map(|(id, name, tail)| (id, (name, tail.unwrap_or_default()))).collect();
    let spender = |(id, credits): (String, i64)| {
        let api_key: Option<ApiKeyId> = id.parse().ok();
        let name = api_key.as_ref().and_then(|id| names.remove(id));
        Spender { api_key, name, credits }
    };
    Ok(spenders.into_iter().map(spender).collect())
}

/// The credits that were added since `from`, the newest first, each with its time.
///
/// # Errors
/// When the database fails.
pub fn top_ups(conn: &mut Conn, account: &AccountId, from: UtcTime) -> Result<Vec<(UtcTime, i64)>> {
    let rows = ledger_entries::table
        .filter(ledger_entries::account_id.eq(account))
        .filter(ledger_entries::reason.eq(Reason::TopUp))
        .filter(ledger_entries::created_at.ge(from))
        .order(ledger_entries::created_at.desc())
        .limit(MAX_TOP_UPS);
    Ok(rows.select((ledger_entries::created_at, ledger_entries::amount)).load(conn)?)
}
