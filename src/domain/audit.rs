//! Audit events: who did what to what, written with the change itself.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::account::AccountId;
use super::id::id;
use crate::store::AuditEvent;
use crate::store::types::text_enum;

id! {
    /// Names an audit event; ids sort by age.
    AuditEventId = "aud_"
}

text_enum! {
    /// What was done, as `noun.past`.
    Action {
        /// A key was made.
        ApiKeyCreated = "api_key.created",
        /// A key has another name or description.
        ApiKeyRelabelled = "api_key.relabelled",
        /// A key was switched on.
        ApiKeyEnabled = "api_key.enabled",
        /// A key was switched off.
        ApiKeyDisabled = "api_key.disabled",
        /// A key was deleted.
        ApiKeyDeleted = "api_key.deleted",
        /// A key's callback has another address, or its first one.
        CallbackChanged = "callback.changed",
        /// A key's callback has another signing secret.
        CallbackSecretRenewed = "callback.secret_renewed",
        /// A key has no callback any more.
        CallbackRemoved = "callback.removed",
        /// Credits were added by hand.
        CreditsAdded = "credits.added",
        /// A service was made.
        ServiceCreated = "service.created",
        /// A service has another name.
        ServiceRenamed = "service.renamed",
        /// Somebody became an operator.
        OperatorJoined = "operator.joined",
        /// An operator has another name.
        OperatorRenamed = "operator.renamed",
        /// An operator has another password.
        OperatorPasswordChanged = "operator.password_changed",
        /// An operator logged in.
        OperatorLoggedIn = "operator.logged_in",
        /// An operator logged out.
        SessionEnded = "session.ended",
    }
}

text_enum! {
    /// The noun that an action is about.
    TargetKind {
        /// An API key.
        ApiKey = "api_key",
        /// An account.
        Account = "account",
        /// A service.
        Service = "service",
        /// An operator.
        Operator = "operator",
    }
}

/// An event that is being put together.
#[derive(Debug)]
pub struct EventBuilder {
    event: AuditEvent,
    changes: Map<String, Value>,
}

/// `action` was done to the target that has this id and, at this moment, this name.
#[must_use]
pub fn event(action: Action, kind: TargetKind, id: &str, name: &str) -> EventBuilder {
    EventBuilder {
        event: AuditEvent {
            id: AuditEventId::mint().to_string(),
            account_id: None,
            action: action.as_str(),
            target_kind: kind.as_str(),
            target_id: id.to_owned(),
            target_name: name.to_owned(),
            changes: String::new(),
            reason: None,
        },
        changes: Map::new(),
    }
}

impl EventBuilder {
    /// It concerns this account; without one, the installation as a whole.
    #[must_use]
    pub fn of(mut self, account: &AccountId) -> Self {
        self.event.account_id = Some(account.to_string());
        self
    }

    /// A field had one value before and has another now; the same value is no change.
    #[must_use]
    pub fn field<T: Serialize>(mut self, name: &str, before: T, after: T) -> Self {
        let (before, after) = (json!(before), json!(after));
        if before != after {
            self.changes.insert(name.to_owned(), json!([before, after]));
        }
        self
    }

    /// Ready to be written with its change.
    #[must_use]
    pub fn done(mut self) -> AuditEvent {
        self.event.changes = Value::Object(self.changes).to_string();
        self.event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_that_differ_are_changes() {
        let event = event(Action::ApiKeyRelabelled, TargetKind::ApiKey, "key_1", "New")
            .field("name", "Old", "New")
            .field("description", "", "")
            .done();

        assert_eq!(event.changes, r#"{"name":["Old","New"]}"#);
    }
}
