//! What was done, how and by whom, in the words of pages.

use crate::domain::audit::Action;
use crate::domain::audit::filter::ActionGroup;
use crate::store::Via;

/// What somebody did, as it stands between their name and the target's; `is_self` when
/// they did it to themselves.
#[expect(clippy::too_many_lines, reason = "a line for each action")]
pub(super) const fn action_words(action: Action, is_self: bool) -> &'static str {
    match action {
        Action::ApiKeyCreated => "created the key",
        Action::ApiKeyImported => "imported the key",
        Action::ApiKeyRelabelled => "changed the name or description of the key",
        Action::ApiKeyReferenceChanged => "changed the external ID or metadata of the key",
        Action::ApiKeySenderChanged => "changed the default sender of the key",
        Action::ApiKeyExpiryChanged => "changed the end of the key",
        Action::ApiKeyScopesChanged => "changed the scopes of the key",
        Action::ApiKeyAllowedIpsChanged => "changed the allowed addresses of the key",
        Action::ApiKeyLimitsChanged => "changed the sending limits of the key",
        Action::ApiKeyRotated => "rotated the key",
        Action::ApiKeyRotationEnded => "ended the previous secret of the key",
        Action::ApiKeyRotationExtended => "moved the end of the previous secret of the key",
        Action::ApiKeyEnabled => "switched on the key",
        Action::ApiKeyDisabled => "switched off the key",
        Action::ApiKeyReported => "reported to have found the key",
        Action::ApiKeyReportDismissed => "dismissed the report about the key",
        Action::ApiKeyLookedUp => "looked up the key by its secret",
        Action::ApiKeyHandedOver => "made a link that shows the key",
        Action::ApiKeyHandoverOpened => "opened the link and saw the key",
        Action::ApiKeyHandoverWithdrawn => "withdrew the link to the key",
        Action::ApiKeyDeleted => "deleted the key",
        Action::ApiKeyRestored => "restored the key",
        Action::ApiKeyPurged => "deleted for good the key",
        Action::CallbackChanged => "changed the callback of the key",
        Action::CallbackSecretRenewed => "renewed the callback secret of the key",
        Action::CallbackRemoved => "removed the callback of the key",
        Action::CreditsAdded => "added credits",
        Action::CreditsCorrected => "corrected the credits",
        Action::AccountLimitsChanged => "changed the sending limits of the account",
        Action::AccountLimitsDeclined => "left the usual sending limits off for the account",
        Action::SettingsChanged => "changed the settings of the installation",
        Action::ServiceCreated => "created the service",
        Action::ServiceSelfRevocationChanged => "changed whether holders may switch off their keys of the service",
        Action::ServiceRenamed => "renamed the service",
        Action::ServiceEnabled => "switched on the service",
        Action::ServiceDisabled => "switched off the service",
        Action::ServiceScopeAdded => "added a scope to the service",
        Action::ServiceScopeChanged => "described a scope of the service anew",
        Action::ServiceScopeRemoved => "removed a scope of the service",
        Action::OperatorJoined if is_self => "joined",
        Action::OperatorJoined => "added the person",
        Action::OperatorRenamed if is_self => "changed their own name",
        Action::OperatorRenamed => "changed the name of the person",
        Action::OperatorPasswordChanged if is_self => "changed their own password",
        Action::OperatorPasswordChanged => "changed the password of the person",
        Action::OperatorInvited => "invited",
        Action::OperatorInvitationWithdrawn => "withdrew the invitation of",
        Action::OperatorRoleChanged => "changed the role of",
        Action::OperatorDisabled => "disabled the person",
        Action::OperatorEnabled => "enabled the person",
        Action::OperatorRemoved => "removed the person",
        Action::OperatorPasswordLinkMade => "made a link for a new password of",
        Action::OperatorSecondFactorAdded => "set up their second factor",
        Action::OperatorSecondFactorRemoved => "turned off their second factor",
        Action::OperatorSecondFactorReset => "reset the second factor of the person",
        Action::OperatorRecoveryCodesRenewed => "made new recovery codes",
        Action::OperatorLoggedIn => "logged in",
        Action::OperatorPasswordConfirmed => "confirmed their password",
        Action::SessionEnded => "logged out",
        Action::OtherSessionsEnded => "logged out their other sessions",
        Action::ApiKeysExported => "exported the keys of",
        Action::AuditExported => "exported audit events",
    }
}

/// An action by itself, to choose.
#[expect(clippy::too_many_lines, reason = "a line for each action")]
pub(super) const fn action_choice(action: Action) -> &'static str {
    match action {
        Action::ApiKeyCreated => "Key created",
        Action::ApiKeyImported => "Key imported",
        Action::ApiKeyRelabelled => "Name or description changed",
        Action::ApiKeyReferenceChanged => "External ID or metadata changed",
        Action::ApiKeySenderChanged => "Default sender changed",
        Action::ApiKeyExpiryChanged => "End changed",
        Action::ApiKeyScopesChanged => "Scopes changed",
        Action::ApiKeyAllowedIpsChanged => "Allowed addresses changed",
        Action::ApiKeyLimitsChanged => "Sending limits of a key changed",
        Action::ApiKeyRotated => "Key rotated",
        Action::ApiKeyRotationEnded => "Previous secret ended",
        Action::ApiKeyRotationExtended => "End of the previous secret moved",
        Action::ApiKeyEnabled => "Key switched on",
        Action::ApiKeyDisabled => "Key switched off",
        Action::ApiKeyReported => "Key reported as found",
        Action::ApiKeyReportDismissed => "Report about a key dismissed",
        Action::ApiKeyLookedUp => "Key looked up by its secret",
        Action::ApiKeyHandedOver => "Link to a key made",
        Action::ApiKeyHandoverOpened => "Link to a key opened",
        Action::ApiKeyHandoverWithdrawn => "Link to a key withdrawn",
        Action::ApiKeyDeleted => "Key deleted",
        Action::ApiKeyRestored => "Key restored",
        Action::ApiKeyPurged => "Key deleted for good",
        Action::CallbackChanged => "Callback changed",
        Action::CallbackSecretRenewed => "Callback secret renewed",
        Action::CallbackRemoved => "Callback removed",
        Action::CreditsAdded => "Credits added",
        Action::CreditsCorrected => "Credits corrected",
        Action::AccountLimitsChanged => "Sending limits of the account changed",
        Action::AccountLimitsDeclined => "Usual sending limits left off",
        Action::SettingsChanged => "Settings changed",
        Action::ServiceCreated => "Service created",
        Action::ServiceSelfRevocationChanged => "Rule about holders changed",
        Action::ServiceRenamed => "Service renamed",
        Action::ServiceEnabled => "Service switched on",
        Action::ServiceDisabled => "Service switched off",
        Action::ServiceScopeAdded => "Scope added",
        Action::ServiceScopeChanged => "Scope described anew",
        Action::ServiceScopeRemoved => "Scope removed",
        Action::OperatorJoined => "Person added",
        Action::OperatorRenamed => "Name of a person changed",
        Action::OperatorPasswordChanged => "Password changed",
        Action::OperatorInvited => "Person invited",
        Action::OperatorInvitationWithdrawn => "Invitation withdrawn",
        Action::OperatorRoleChanged => "Role changed",
        Action::OperatorDisabled => "Person disabled",
        Action::OperatorEnabled => "Person enabled",
        Action::OperatorRemoved => "Person removed",
        Action::OperatorPasswordLinkMade => "Link for a new password made",
        Action::OperatorSecondFactorAdded => "Second factor set up",
        Action::OperatorSecondFactorRemoved => "Second factor turned off",
        Action::OperatorSecondFactorReset => "Second factor reset",
        Action::OperatorRecoveryCodesRenewed => "Recovery codes renewed",
        Action::OperatorLoggedIn => "Logged in",
        Action::OperatorPasswordConfirmed => "Password confirmed",
        Action::SessionEnded => "Logged out",
        Action::OtherSessionsEnded => "Other sessions logged out",
        Action::ApiKeysExported => "Keys exported",
        Action::AuditExported => "Audit events exported",
    }
}

/// The heading of a group of actions, and the choice of all of them.
pub(super) const fn group_words(group: ActionGroup) -> (&'static str, &'static str) {
    match group {
        ActionGroup::ApiKeys => ("Keys", "All about keys"),
        ActionGroup::Callbacks => ("Callbacks", "All about callbacks"),
        ActionGroup::Credits => ("Credits", "All about credits"),
        ActionGroup::Services => ("Services", "All about services"),
        ActionGroup::Operators => ("People", "All about people"),
        ActionGroup::Installation => ("Settings and audit", "All about settings and audit"),
    }
}

/// How somebody made a change.
pub(super) const fn via_words(via: Via) -> &'static str {
    match via {
        Via::Dashboard => "dashboard",
        Via::Api => "API",
        Via::CommandLine => "command line",
        Via::System => "system",
    }
}
