//! Audit events: who changed what, and how. They are written in the transaction of
//! the change.

pub mod actors;
pub mod export;
pub mod filter;
pub mod list;
pub mod logins;
pub mod scope;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::account::AccountId;
use super::id::id;
use crate::store::AuditEvent;
use crate::store::types::text_enum;

id! {
    /// The id of an audit event; ids sort by age.
    AuditEventId = "aud_"
}

text_enum! {
    /// What was done, as `noun.past`.
    Action {
        /// A key was created.
        ApiKeyCreated = "api_key.created",
        /// A key of another system was imported, with the digest of its secret.
        ApiKeyImported = "api_key.imported",
        /// A key's name or description was changed.
        ApiKeyRelabelled = "api_key.relabelled",
        /// A key's external id or metadata was changed.
        ApiKeyReferenceChanged = "api_key.reference_changed",
        /// A key's default sender was set, changed or removed.
        ApiKeySenderChanged = "api_key.sender_changed",
        /// A key's end was set, moved or removed.
        ApiKeyExpiryChanged = "api_key.expiry_changed",
        /// A key's scopes were changed.
        ApiKeyScopesChanged = "api_key.scopes_changed",
        /// The addresses that a key may be used from were changed.
        ApiKeyAllowedIpsChanged = "api_key.allowed_ips_changed",
        /// A key's sending limits were changed.
        ApiKeyLimitsChanged = "api_key.limits_changed",
        /// A key got a new secret.
        ApiKeyRotated = "api_key.rotated",
        /// The previous secret of a key was ended before its time.
        ApiKeyRotationEnded = "api_key.rotation_ended",
        /// The end of a key's previous secret was moved.
        ApiKeyRotationExtended = "api_key.rotation_extended",
        /// A key was enabled.
        ApiKeyEnabled = "api_key.enabled",
        /// A key was disabled.
        ApiKeyDisabled = "api_key.disabled",
        /// A text was found to hold a secret of a key.
        ApiKeyLookedUp = "api_key.looked_up",
        /// A third party reported that it found a key.
        ApiKeyReported = "api_key.reported",
        /// An operator settled a report about a key.
        ApiKeyReportDismissed = "api_key.report_dismissed",
        /// A link was made that shows a key once.
        ApiKeyHandedOver = "api_key.handed_over",
        /// The key was shown to whoever opened the link.
        ApiKeyHandoverOpened = "api_key.handover_opened",
        /// The link was withdrawn before anybody opened it.
        ApiKeyHandoverWithdrawn = "api_key.handover_withdrawn",
        /// A key was deleted.
        ApiKeyDeleted = "api_key.deleted",
        /// A key was taken out of the trash.
        ApiKeyRestored = "api_key.restored",
        /// A key left the trash for good.
        ApiKeyPurged = "api_key.purged",
        /// A key's callback got its first URL or another one.
        CallbackChanged = "callback.changed",
        /// A callback's signing secret was replaced.
        CallbackSecretRenewed = "callback.secret_renewed",
        /// A key's callback was removed.
        CallbackRemoved = "callback.removed",
        /// Credits were added by hand.
        CreditsAdded = "credits.added",
        /// A balance was corrected by hand.
        CreditsCorrected = "credits.corrected",
        /// The sending limits of an account were changed.
        AccountLimitsChanged = "account.limits_changed",
        /// The usual sending limits were offered to an account, and declined.
        AccountLimitsDeclined = "account.limits_declined",
        /// A rule of the whole installation was changed.
        SettingsChanged = "settings.changed",
        /// A service was created.
        ServiceCreated = "service.created",
        /// A service's rule about holders who switch off their keys was changed.
        ServiceSelfRevocationChanged = "service.self_revocation_changed",
        /// A service was renamed.
        ServiceRenamed = "service.renamed",
        /// A service was switched on, and with it its keys.
        ServiceEnabled = "service.enabled",
        /// A service was switched off, and with it all its keys.
        ServiceDisabled = "service.disabled",
        /// A scope was added to a service.
        ServiceScopeAdded = "service.scope_added",
        /// What a scope of a service allows was described anew.
        ServiceScopeChanged = "service.scope_changed",
        /// A scope was removed from a service and from the keys that had it.
        ServiceScopeRemoved = "service.scope_removed",
        /// An operator joined an account.
        OperatorJoined = "operator.joined",
        /// An operator was renamed.
        OperatorRenamed = "operator.renamed",
        /// An operator's password was changed.
        OperatorPasswordChanged = "operator.password_changed",
        /// A link was made by which somebody can join an account.
        OperatorInvited = "operator.invited",
        /// An invitation was withdrawn before anybody used it.
        OperatorInvitationWithdrawn = "operator.invitation_withdrawn",
        /// An operator got another role.
        OperatorRoleChanged = "operator.role_changed",
        /// An operator was disabled.
        OperatorDisabled = "operator.disabled",
        /// An operator was enabled.
        OperatorEnabled = "operator.enabled",
        /// An operator left an account.
        OperatorRemoved = "operator.removed",
        /// A link was made by which an operator sets a new password.
        OperatorPasswordLinkMade = "operator.password_link_made",
        /// An operator has a second factor now.
        OperatorSecondFactorAdded = "operator.second_factor_added",
        /// An operator has removed their second factor.
        OperatorSecondFactorRemoved = "operator.second_factor_removed",
        /// Somebody else has removed an operator's second factor.
        OperatorSecondFactorReset = "operator.second_factor_reset",
        /// An operator got new recovery codes.
        OperatorRecoveryCodesRenewed = "operator.recovery_codes_renewed",
        /// An operator logged in.
        OperatorLoggedIn = "operator.logged_in",
        /// An operator who was logged in gave the password again.
        OperatorPasswordConfirmed = "operator.password_confirmed",
        /// An operator logged out, or ended one of their other sessions.
        SessionEnded = "session.ended",
        /// An operator ended all their other sessions.
        OtherSessionsEnded = "session.others_ended",
        /// Keys were exported, without or with the digests of their secrets.
        ApiKeysExported = "api_keys.exported",
        /// Audit events were exported.
        AuditExported = "audit.exported",
    }
}

text_enum! {
    /// The kind of thing that an action changed.
    TargetKind {
        /// An API key.
        ApiKey = "api_key",
        /// An account.
        Account = "account",
        /// A service.
        Service = "service",
        /// An operator.
        Operator = "operator",
        /// An invitation.
        Invitation = "invitation",
        /// The installation as a whole.
        Installation = "installation",
    }
}

/// An event under construction.
#[derive(Debug)]
pub struct EventBuilder {
    event: AuditEvent,
    changes: Map<String, Value>,
}

/// Starts an event: `action` was done to the target with this id and its current name.
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

/// Starts the event of a change of the installation's settings.
#[must_use]
pub fn settings_changed() -> EventBuilder {
    event(Action::SettingsChanged, TargetKind::Installation, "installation", "This installation")
}

impl EventBuilder {
    /// The account that the event concerns; without one, it concerns the installation as a whole.
    #[must_use]
    pub fn of(mut self, account: &AccountId) -> Self {
        self.event.account_id = Some(account.to_string());
        self
    }

    /// Adds a field with its values before and after the change; equal values are left out.
    #[must_use]
    pub fn field<T: Serialize>(mut self, name: &str, before: T, after: T) -> Self {
        let (before, after) = (json!(before), json!(after));
        if before != after {
            self.changes.insert(name.to_owned(), json!([before, after]));
        }
        self
    }

    /// Why it was done, where somebody said.
    #[must_use]
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.event.reason = reason;
        self
    }

    /// The finished event.
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
