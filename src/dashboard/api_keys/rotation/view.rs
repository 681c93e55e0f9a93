//! The secrets of a key during a rotation, and how long an old one may still work.

use super::super::reveal::Reveal;
use super::super::row::LastUsed;
use crate::dashboard::frame::ago::Age;
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::rotation::Grace;
use crate::domain::api_key::{ApiKey, ApiKeyEntry, KeyStatus, ReplacedSecret};
use crate::store::UtcTime;

/// After its end an old secret that was still in use is named for so long, since
/// its holder may ask why it is refused.
const DAYS_AFTER_THE_END: i64 = 30;
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 24 * SECONDS_PER_HOUR;

/// How long the old secret may still work, as a form offers it.
pub(in crate::dashboard::api_keys) struct GraceOption {
    pub(in crate::dashboard::api_keys) seconds: i64,
    pub(in crate::dashboard::api_keys) words: &'static str,
    /// Until when; `None` for not at all.
    pub(in crate::dashboard::api_keys) until: Option<When>,
    pub(in crate::dashboard::api_keys) is_selected: bool,
}

impl GraceOption {
    /// What a rotation offers; the key's own end may come earlier than the grace's.
    pub(in crate::dashboard::api_keys) fn all(selected: Grace, key: &ApiKey, now: UtcTime) -> Vec<Self> {
        let selected = if Grace::CHOICES.contains(&selected) { selected } else { Grace::DEFAULT };
        let option = |grace: Grace| Self {
            seconds: grace.seconds(),
            words: words(grace),
            until: (grace != Grace::NOW).then(|| earlier(grace.end(now), key).into()),
            is_selected: grace == selected,
        };
        Grace::CHOICES.map(option).into()
    }

    /// What makes an old secret last at least an hour longer than until `ends_at`.
    fn later_than(ends_at: UtcTime, key: &ApiKey, now: UtcTime) -> Vec<Self> {
        let much_later = ends_at.plus_seconds(SECONDS_PER_HOUR);
        let later = Grace::CHOICES.into_iter().filter(|grace| *grace >= Grace::DEFAULT && grace.end(now) >= much_later);
        let option = |grace: Grace| Self {
            seconds: grace.seconds(),
            words: words(grace),
            until: Some(earlier(grace.end(now), key).into()),
            is_selected: false,
        };
        later.map(option).collect()
    }
}

fn words(grace: Grace) -> &'static str {
    match grace.seconds() {
        0 => "Not at all",
        3_600 => "1 hour",
        86_400 => "24 hours",
        604_800 => "7 days",
        _ => "30 days",
    }
}

fn earlier(end: UtcTime, key: &ApiKey) -> UtcTime {
    key.expires_at.map_or(end, |expires_at| expires_at.min(end))
}

/// One of the two secrets.
pub(in crate::dashboard::api_keys) struct SecretView {
    pub(in crate::dashboard::api_keys) title: &'static str,
    pub(in crate::dashboard::api_keys) mask: String,
    pub(in crate::dashboard::api_keys) made: When,
    pub(in crate::dashboard::api_keys) ends: Option<When>,
    pub(in crate::dashboard::api_keys) last_used: Option<LastUsed>,
    pub(in crate::dashboard::api_keys) uses_since: i64,
}

/// The old secret, as far as lists and questions name it.
pub(in crate::dashboard::api_keys) struct OldSecret {
    pub(in crate::dashboard::api_keys) mask: String,
    pub(in crate::dashboard::api_keys) ends: When,
    pub(in crate::dashboard::api_keys) ended_ago: String,
    /// Its last use, if there was one since the rotation.
    pub(in crate::dashboard::api_keys) used_since: Option<LastUsed>,
}

impl OldSecret {
    pub(in crate::dashboard::api_keys) fn new(old: &ReplacedSecret, key: &ApiKey, now: UtcTime) -> Self {
        let ends_at = earlier(old.ends_at, key);
        Self {
            mask: old.secret.mask.clone(),
            ends: ends_at.into(),
            ended_ago: Age::of(ends_at, now).words,
            used_since: old.used_since().map(|usage| LastUsed::new(usage.clone(), old.uses_since(), now)),
        }
    }
}

/// The section of a key's page about its two secrets.
pub(in crate::dashboard::api_keys) struct SecretsView {
    pub(in crate::dashboard::api_keys) old: OldSecret,
    /// The old and the current one, while both are accepted.
    pub(in crate::dashboard::api_keys) pair: Option<[SecretView; 2]>,
    /// Why neither is accepted, or what is.
    pub(in crate::dashboard::api_keys) about: &'static str,
    pub(in crate::dashboard::api_keys) extensions: Vec<GraceOption>,
    /// The one sight of the new secret.
    pub(in crate::dashboard::api_keys) reveal: Option<Reveal>,
}

impl SecretsView {
    /// What a reader of the page needs to know; nothing for a key that was never
    /// rotated, or whose old secret was not missed.
    pub(in crate::dashboard::api_keys) fn of(entry: &ApiKeyEntry, now: UtcTime) -> Option<Self> {
        let old = entry.previous.as_ref()?;
        let is_recent = old.ends_at.plus_seconds(DAYS_AFTER_THE_END * SECONDS_PER_DAY) > now;
        let is_told = old.is_live(now) || (is_recent && old.used_since().is_some());
        is_told.then(|| Self::new(entry, old, now))
    }

    /// The same with the new secret itself, right after a rotation.
    pub(in crate::dashboard::api_keys) fn revealing(entry: &ApiKeyEntry, reveal: Reveal, now: UtcTime) -> Option<Self> {
        let old = entry.previous.as_ref()?;
        Some(Self { reveal: Some(reveal), ..Self::new(entry, old, now) })
    }

    fn new(entry: &ApiKeyEntry, old: &ReplacedSecret, now: UtcTime) -> Self {
        let key = &entry.key;
        let is_live = old.is_live(now);
        let about = match key.expires_at {
            Some(end) if end <= now => "This key has ended, so no secret of it works.",
            _ if key.status == KeyStatus::Disabled => "This key is disabled, so no secret of it works.",
            _ if is_live => "Both work until the old one ends.",
            _ => "The old one no longer works.",
        };
        let last_used = |usage: &_, uses| LastUsed::new(Clone::clone(usage), uses, now);
        let pair = || {
            let previous = SecretView {
                title: "Old secret",
                mask: old.secret.mask.clone(),
                made: old.secret.created_at.into(),
                ends: Some(earlier(old.ends_at, key).into()),
                last_used: old.usage.as_ref().map(|usage| last_used(usage, usage.uses)),
                uses_since: old.uses_since(),
            };
            let current = SecretView {
                title: "New secret",
                mask: entry.secret.mask.clone(),
                made: entry.secret.created_at.into(),
                ends: key.expires_at.map(When::from),
                last_used: entry.usage.as_ref().map(|usage| last_used(usage, usage.uses)),
                uses_since: entry.usage.as_ref().map_or(0, |usage| usage.uses),
            };
            [previous, current]
        };
        Self {
            old: OldSecret::new(old, key, now),
            pair: is_live.then(pair),
            about,
            extensions: if is_live { GraceOption::later_than(old.ends_at, key, now) } else { Vec::new() },
            reveal: None,
        }
    }
}
