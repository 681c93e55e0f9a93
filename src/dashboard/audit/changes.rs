//! What a change changed, in the words of pages.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::dashboard::frame::layout::When;
use crate::domain::audit::Action;
use crate::format::{count, grouped};
use crate::store::UtcTime;

/// A row shows this many characters of a value.
const MAX_VALUE_CHARS: usize = 200;

/// One field of the target.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ChangedField {
    pub(super) label: String,
    /// The value before; `None` for what was not there before.
    pub(super) before: Option<String>,
    pub(super) after: String,
}

/// The fields of `{"field": [before, after]}`.
pub(super) fn changed_fields(action: Option<Action>, changes: &str) -> Vec<ChangedField> {
    let changes: Map<String, Value> = serde_json::from_str(changes).unwrap_or_default();
    let field = |(name, values): (&String, &Value)| {
        let [before, after] = values.as_array()?.as_slice() else { return None };
        if before == after {
            return None;
        }
        let before = (!action.is_some_and(begins)).then(|| value_words(name, before));
        Some(ChangedField { label: label(name).to_owned(), before, after: value_words(name, after) })
    };
    // The id of a secret is of use to programs only.
    let is_for_people = |name: &str| !matches!(name, "secret_id" | "key_secret_id");
    changes.iter().filter(|(name, _)| is_for_people(name)).filter_map(field).collect()
}

/// Whether there was no target before the action.
const fn begins(action: Action) -> bool {
    matches!(
        action,
        Action::ApiKeyCreated
            | Action::ApiKeyImported
            | Action::ApiKeysExported
            | Action::ApiKeyReported
            | Action::ServiceCreated
            | Action::OperatorInvited
            | Action::OperatorJoined
            | Action::AuditExported
    )
}

fn label(field: &str) -> &str {
    match field {
        "name" => "Name",
        "description" => "Description",
        "external_id" => "External ID",
        "metadata" => "Metadata",
        "services" => "Manages",
        "grantable_scopes" => "May give",
        "default_sender" => "Default sender",
        "expires_at" => "Ends",
        "scopes" => "Scopes",
        "allowed_ips" => "Allowed addresses",
        "recipient_10_minutes" => "Messages to one phone in 10 minutes",
        "recipient_day" => "Messages to one phone in a day",
        "messages_minute" => "Messages in a minute",
        "credits_day" => "Credits in a day",
        "destinations" => "Sends to",
        "senders" => "Senders",
        "service" => "Service",
        "mode" => "Mode",
        "status" => "Status",
        "created_at" => "Made",
        "digests" => "Digests",
        "url" => "URL",
        "credits" => "Credits",
        "key_prefix" => "Key prefix",
        "role" => "Role",
        "status_reason" => "Reason",
        "previous_ends_at" => "Previous secret works until",
        "default_lifetime_days" => "Lifetime of new keys",
        "max_lifetime_days" => "Longest lifetime",
        "session_from" => "Session from",
        "other_sessions" => "Other sessions",
        "instance_name" => "Name of the installation",
        "second_factor" => "Second factor",
        "second_factor_rule" => "Second factor needed for",
        "leak_reports" => "Leak reports",
        "self_revocation" => "Switching off by holders",
        "source" => "Source",
        "format" => "Format",
        "filter" => "Filter",
        other => other,
    }
}

fn value_words(field: &str, value: &Value) -> String {
    match (field, value) {
        ("expires_at", Value::Null) => "never".to_owned(),
        ("allowed_ips", Value::String(text)) if text.is_empty() => "any".to_owned(),
        ("recipient_10_minutes" | "recipient_day" | "messages_minute" | "credits_day", Value::Null) => {
            "no limit".to_owned()
        }
        ("destinations", Value::String(text)) if text.is_empty() => "everywhere".to_owned(),
        ("senders", Value::String(text)) if text.is_empty() => "any".to_owned(),
        ("scopes" | "grantable_scopes", Value::String(text)) if text == "*" => "full access".to_owned(),
        ("services", Value::String(text)) if text == "*" => "all services".to_owned(),
        ("metadata", Value::String(text)) if text == "{}" => "none".to_owned(),
        ("expires_at" | "created_at" | "previous_ends_at", Value::String(text)) => time_words(text),
        ("default_lifetime_days" | "max_lifetime_days", Value::Number(days)) => {
            days.as_i64().map_or_else(|| days.to_string(), |days| count(days, "day"))
        }
        ("session_from", Value::Null) => "ended".to_owned(),
        (_, Value::Null) => "none".to_owned(),
        (_, Value::String(text)) if text.is_empty() => "none".to_owned(),
        (_, Value::String(text)) => shortened(text),
        (_, Value::Number(number)) => number.as_i64().map_or_else(|| number.to_string(), grouped),
        (_, other) => shortened(&other.to_string()),
    }
}

fn time_words(text: &str) -> String {
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(time) => When::from(UtcTime::from(time)).text,
        Err(_) => shortened(text),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(action: Action, changes: &str) -> Vec<String> {
        let words = |field: ChangedField| match field.before {
            Some(before) => format!("{}: {before} → {}", field.label, field.after),
            None => format!("{}: {}", field.label, field.after),
        };
        changed_fields(Some(action), changes).into_iter().map(words).collect()
    }

    #[test]
    fn a_change_is_told_in_words() {
        for (action, changes, told) in [
            (Action::ApiKeyRelabelled, r#"{"description":["","Shop"]}"#, "Description: none → Shop"),
            (
                Action::ApiKeyExpiryChanged,
                r#"{"expires_at":[null,"2026-03-01T12:00:00Z"]}"#,
                "Ends: never → 1 Mar 2026, 12:00 UTC",
            ),
            (Action::ApiKeyScopesChanged, r#"{"scopes":["*","sms.send"]}"#, "Scopes: full access → sms.send"),
            (
                Action::ApiKeyAllowedIpsChanged,
                r#"{"allowed_ips":["","10.0.0.0/8"]}"#,
                "Allowed addresses: any → 10.0.0.0/8",
            ),
            (Action::AccountLimitsChanged, r#"{"credits_day":[null,500]}"#, "Credits in a day: no limit → 500"),
            (
                Action::ApiKeyLimitsChanged,
                r#"{"destinations":["","all but +881"]}"#,
                "Sends to: everywhere → all but +881",
            ),
            (Action::CreditsAdded, r#"{"credits":[1000,-5]}"#, "Credits: 1,000 → −5"),
            (Action::ApiKeyCreated, r#"{"mode":["","live"]}"#, "Mode: live"),
            (
                Action::ApiKeyReported,
                r#"{"key_secret_id":["","ksec_1"],"source":["","Scanner"],"url":["",""]}"#,
                "Source: Scanner",
            ),
            (Action::SettingsChanged, r#"{"leak_reports":["mark","off"]}"#, "Leak reports: mark → off"),
        ] {
            assert_eq!(words(action, changes), [told]);
        }
    }

    #[test]
    fn what_is_no_change_is_left_out() {
        for changes in ["", "[]", "{}", r#"{"name":"x"}"#, r#"{"secret_id":["a","b"]}"#] {
            assert_eq!(words(Action::ApiKeyRelabelled, changes), [""; 0], "{changes}");
        }
    }
}
