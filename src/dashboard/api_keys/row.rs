//! A key's row in the table, which several answers draw.

use super::rules::key_end::KeyEnd;
use super::uses::{CHART_DAYS, days_of_sparkline};
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::chart_time::DAY_SECONDS;
use crate::dashboard::frame::layout::When;
use crate::dashboard::frame::sparkline::Sparkline;
use crate::domain::account::{Access, Permission};
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::usage::SecretUsage;
use crate::domain::api_key::usage_history::uses_by_day_of;
use crate::domain::api_key::{ApiKeyEntry, ApiKeyId, KeyStatus, ReplacedSecret};
use crate::error::Result;
use crate::http::State;
use crate::store::UtcTime;

/// How many columns the table has, all of which the row with a new key's secret spans.
pub(super) const COLUMNS: usize = 5;

/// What a row shows.
pub(super) struct ApiKeyRow {
    pub(super) id: ApiKeyId,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) mask: String,
    pub(super) service_name: String,
    pub(super) is_test: bool,
    pub(super) created: When,
    pub(super) last_used: Option<LastUsed>,
    /// How often it was used on each of the last days, where the table shows it.
    pub(super) sparkline: Option<Sparkline>,
    pub(super) enabled: bool,
    /// Whether all keys of its service are refused.
    pub(super) service_is_off: bool,
    pub(super) end: Option<KeyEnd>,
    /// The secret that the current one took the place of, while both are accepted.
    pub(super) rotating: Option<Rotating>,
    /// Whether it is drawn with what changes the key.
    pub(super) may_change: bool,
    /// Whether the key waits in the trash, where only restoring changes it.
    pub(super) is_in_trash: bool,
}

/// A rotation that is under way.
pub(super) struct Rotating {
    /// The last use of the old secret, if there was one since the rotation.
    pub(super) used_since: Option<LastUsed>,
}

impl ApiKeyRow {
    pub(super) fn new(entry: ApiKeyEntry, access: Access, now: UtcTime) -> Self {
        let last_used = entry.last_use().map(|usage| LastUsed::new(usage.clone(), entry.uses(), now));
        let used_since =
            |old: &ReplacedSecret| old.used_since().map(|usage| LastUsed::new(usage.clone(), old.uses_since(), now));
        let rotating = entry.rotating(now).map(|old| Rotating { used_since: used_since(old) });
        let ApiKeyEntry { key, secret, service, .. } = entry;
        Self {
            id: key.id,
            name: key.name,
            description: key.description,
            mask: secret.mask,
            service_is_off: service.is_off(),
            service_name: service.name,
            is_test: key.mode == Mode::Test,
            created: key.created_at.into(),
            last_used,
            sparkline: None,
            enabled: key.status == KeyStatus::Enabled,
            rotating,
            end: key.expires_at.map(|end| KeyEnd::new(end, now)),
            may_change: access.allows(Permission::ManageKeys),
            is_in_trash: false,
        }
    }
}

/// Draws the small pictures of the rows' uses, by one query for all of them.
pub(super) async fn draw_sparklines(state: &State, rows: &mut [ApiKeyRow]) -> Result<()> {
    let used = rows.iter().filter(|row| row.last_used.is_some());
    let ids: Vec<_> = used.map(|row| row.id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (from, to) = days_of_sparkline(state.clock.now());
    let uses = state.store.read(move |conn| uses_by_day_of(conn, &ids, from, to)).await?;
    for row in rows {
        let mut by_day = [0; CHART_DAYS];
        for (day, uses) in uses.get(&row.id).into_iter().flatten() {
            let place = (day.micros() - from.micros()) / (1_000_000 * DAY_SECONDS);
            if let Some(sum) = usize::try_from(place).ok().and_then(|place| by_day.get_mut(place)) {
                *sum = *uses;
            }
        }
        row.sparkline = Sparkline::new(&by_day);
    }
    Ok(())
}

/// A key's last use, and how many there were.
pub(in crate::dashboard) struct LastUsed {
    pub(in crate::dashboard) when: When,
    pub(in crate::dashboard) ago: String,
    pub(in crate::dashboard) address: String,
    pub(in crate::dashboard) user_agent: String,
    pub(in crate::dashboard) uses: i64,
}

impl LastUsed {
    pub(in crate::dashboard) fn new(usage: SecretUsage, uses: i64, now: UtcTime) -> Self {
        Self {
            ago: ago(usage.last_used_at, now),
            when: usage.last_used_at.into(),
            address: usage.address,
            user_agent: usage.user_agent,
            uses,
        }
    }
}
