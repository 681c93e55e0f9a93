//! The list of audit events, newest first: those of an account and, for some, those of the
//! installation as a whole.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::filter::{AuditFilter, Reference};
use super::scope::AuditScope;
use super::{AuditEventId, TargetKind};
use crate::domain::account::AccountId;
use crate::domain::cursor::Cursor;
use crate::error::Result;
use crate::store::schema::{api_keys, audit_events, memberships, services};
use crate::store::{AuditRow, Conn, MultiBackend, UtcTime};

/// The number of events on one page.
pub const EVENTS_PER_PAGE: usize = 50;
/// Counting stops here: the rest would take longer than the page itself.
pub const MAX_EVENT_COUNT: usize = 1_000;

/// A place in the list.
pub type AuditCursor = Cursor<AuditEventId>;

type Place = (UtcTime, AuditEventId);
type Query<'a> = audit_events::BoxedQuery<'a, MultiBackend>;

/// Some events of the list, newest first.
#[derive(Debug, Default)]
pub struct AuditList {
    /// The events.
    pub rows: Vec<AuditRow>,
    /// The place of the first of them.
    pub first: Option<AuditCursor>,
    /// The place of the last of them, if there are older ones.
    pub next: Option<AuditCursor>,
}

/// The newest events that may be seen and that match `filter`, at most `limit`;
/// of those older than `after`, or of all.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    scope: &AuditScope,
    filter: &AuditFilter,
    after: Option<&AuditCursor>,
    limit: usize,
) -> Result<AuditList> {
    let mut places = Vec::new();
    for part in filter.parts(scope) {
        let mut query = part.query();
        if let Some(Cursor(time, id)) = after {
            let (at, id) = (audit_events::at, audit_events::id.lt(id));
            // The first condition follows from the second, but only it bounds the scan of the index.
            query = query.filter(at.le(time)).filter(at.lt(time).or(at.eq(time).and(id)));
        }
        // PostgreSQL takes the order from the index only where the account is part of it.
        let order = (audit_events::account_id.desc(), audit_events::at.desc(), audit_events::id.desc());
        places.extend(places_of(conn, query.order(order), limit + 1)?);
    }
    places.sort_by(|one, other| other.cmp(one));
    let has_more = places.len() > limit;
    places.truncate(limit);
    let next = places.last().filter(|_| has_more).map(cursor);
    Ok(AuditList { rows: rows(conn, &places)?, first: places.first().map(cursor), next })
}

/// The page before the one that begins with the event at `before`; the first page when it
/// would reach the newest event.
///
/// # Errors
/// When the database fails.
pub fn list_newer(
    conn: &mut Conn,
    scope: &AuditScope,
    filter: &AuditFilter,
    before: &AuditCursor,
) -> Result<AuditList> {
    let mut places = Vec::new();
    for part in filter.parts(scope) {
        let order = (audit_events::account_id.asc(), audit_events::at.asc(), audit_events::id.asc());
        places.extend(places_of(conn, newer_than(part.query(), before).order(order), EVENTS_PER_PAGE + 1)?);
    }
    places.sort();
    // The event that stands right before the page is where the page begins after.
    let after = places.get(EVENTS_PER_PAGE).map(cursor);
    list(conn, scope, filter, after.as_ref(), EVENTS_PER_PAGE)
}

/// The number of events that may be seen and that match `filter`, those newer than
/// a place or all; of more than [`MAX_EVENT_COUNT`] one more than that.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, scope: &AuditScope, filter: &AuditFilter, newer: Option<&AuditCursor>) -> Result<usize> {
    let mut count = 0;
    for part in filter.parts(scope) {
        let mut query = part.query();
        if let Some(place) = newer {
            query = newer_than(query, place);
        }
        // Not count(*), which would count to the end.
        let ones: Vec<i64> = query.select(1_i64.into_sql::<BigInt>()).limit(limited(MAX_EVENT_COUNT + 1)).load(conn)?;
        count += ones.len();
        if count > MAX_EVENT_COUNT {
            return Ok(MAX_EVENT_COUNT + 1);
        }
    }
    Ok(count)
}

/// The targets of these events that have a page: keys of the account, and services.
///
/// # Errors
/// When the database fails.
pub fn existing_targets(conn: &mut Conn, account: &AccountId, rows: &[AuditRow]) -> Result<HashSet<String>> {
    let ids = |kind: TargetKind| -> Vec<&str> {
        let of_kind = rows.iter().filter(move |row| row.target_kind == kind.as_str());
        of_kind.map(|row| &*row.target_id).collect::<HashSet<_>>().into_iter().collect()
    };
    let keys = api_keys::table.filter(api_keys::account_id.eq(account));
    let mut found: Vec<String> =
        keys.filter(api_keys::id.eq_any(ids(TargetKind::ApiKey))).select(api_keys::id).load(conn)?;
    let services = services::table.filter(services::slug.eq_any(ids(TargetKind::Service)));
    found.extend(services.select(services::slug).load::<String>(conn)?);
    let members = memberships::table.filter(memberships::account_id.eq(account));
    let members = members.filter(memberships::operator_id.eq_any(ids(TargetKind::Operator)));
    found.extend(members.select(memberships::operator_id).load::<String>(conn)?);
    Ok(found.into_iter().collect())
}

/// The name of a target when it was changed last, as far as it may be seen.
///
/// # Errors
/// When the database fails.
pub fn last_target_name(conn: &mut Conn, scope: &AuditScope, target: &Reference) -> Result<Option<String>> {
    let filter = AuditFilter { target: Some(target.clone()), ..AuditFilter::default() };
    let rows = list(conn, scope, &filter, None, 1)?.rows;
    Ok(rows.into_iter().next().map(|row| row.target_name))
}

fn newer_than<'a>(query: Query<'a>, Cursor(time, id): &'a AuditCursor) -> Query<'a> {
    let (at, id) = (audit_events::at, audit_events::id.gt(id));
    // The first condition follows from the second, but only it bounds the scan of the index.
    query.filter(at.ge(time)).filter(at.gt(time).or(at.eq(time).and(id)))
}

fn places_of(conn: &mut Conn, query: Query<'_>, limit: usize) -> Result<Vec<Place>> {
    Ok(query.select((audit_events::at, audit_events::id)).limit(limited(limit)).load(conn)?)
}

fn rows(conn: &mut Conn, places: &[Place]) -> Result<Vec<AuditRow>> {
    let ids: Vec<&AuditEventId> = places.iter().map(|(_, id)| id).collect();
    let rows = audit_events::table.filter(audit_events::id.eq_any(ids));
    Ok(rows.order((audit_events::at.desc(), audit_events::id.desc())).select(AuditRow::as_select()).load(conn)?)
}

fn cursor((at, id): &Place) -> AuditCursor {
    Cursor(*at, id.clone())
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
