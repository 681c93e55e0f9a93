//! Which audit events are wanted.

use std::str::FromStr;

use diesel::prelude::*;

use super::Action;
use super::scope::{AuditScope, of_keys};
use crate::domain::account::AccountId;
use crate::domain::api_key::ServiceReach;
use crate::store::schema::audit_events;
use crate::store::types::text_enum;
use crate::store::{ActorKind, MultiBackend, UtcTime};

/// Ids of actors and targets have at most this many characters.
const MAX_REFERENCE_CHARS: usize = 64;

text_enum! {
    /// Actions on one kind of thing, to choose by.
    ActionGroup {
        /// Keys, and the links that show them.
        ApiKeys = "api_keys",
        /// Callbacks of keys.
        Callbacks = "callbacks",
        /// Credits.
        Credits = "credits",
        /// Services.
        Services = "services",
        /// Operators and their sessions.
        Operators = "operators",
        /// The settings of the installation, and this record.
        Installation = "installation",
    }
}

/// The group of an action.
#[must_use]
pub const fn group_of(action: Action) -> ActionGroup {
    match action {
        Action::ApiKeyCreated
        | Action::ApiKeyImported
        | Action::ApiKeysExported
        | Action::ApiKeyRelabelled
        | Action::ApiKeyReferenceChanged
        | Action::ApiKeySenderChanged
        | Action::ApiKeyExpiryChanged
        | Action::ApiKeyScopesChanged
        | Action::ApiKeyAllowedIpsChanged
        | Action::ApiKeyLimitsChanged
        | Action::ApiKeyRotated
        | Action::ApiKeyRotationEnded
        | Action::ApiKeyRotationExtended
        | Action::ApiKeyEnabled
        | Action::ApiKeyDisabled
        | Action::ApiKeyHandedOver
        | Action::ApiKeyHandoverOpened
        | Action::ApiKeyHandoverWithdrawn
        | Action::ApiKeyReported
        | Action::ApiKeyReportDismissed
        | Action::ApiKeyLookedUp
        | Action::ApiKeyDeleted
        | Action::ApiKeyRestored
        | Action::ApiKeyPurged => ActionGroup::ApiKeys,
        Action::CallbackChanged | Action::CallbackSecretRenewed | Action::CallbackRemoved => ActionGroup::Callbacks,
        Action::CreditsAdded | Action::CreditsCorrected => ActionGroup::Credits,
        Action::ServiceCreated
        | Action::ServiceSelfRevocationChanged
        | Action::ServiceRenamed
        | Action::ServiceEnabled
        | Action::ServiceDisabled
        | Action::ServiceScopeAdded
        | Action::ServiceScopeChanged
        | Action::ServiceScopeRemoved => ActionGroup::Services,
        Action::OperatorInvited
        | Action::OperatorInvitationWithdrawn
        | Action::OperatorJoined
        | Action::OperatorRoleChanged
        | Action::OperatorDisabled
        | Action::OperatorEnabled
        | Action::OperatorRemoved
        | Action::OperatorPasswordLinkMade
        | Action::OperatorRenamed
        | Action::OperatorPasswordChanged
        | Action::OperatorSecondFactorAdded
        | Action::OperatorSecondFactorRemoved
        | Action::OperatorSecondFactorReset
        | Action::OperatorRecoveryCodesRenewed
        | Action::OperatorLoggedIn
        | Action::OperatorPasswordConfirmed
        | Action::SessionEnded
        | Action::OtherSessionsEnded => ActionGroup::Operators,
        Action::SettingsChanged
        | Action::AccountLimitsChanged
        | Action::AccountLimitsDeclined
        | Action::AuditExported => ActionGroup::Installation,
    }
}

/// One action, or all of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionChoice {
    /// One action.
    One(Action),
    /// All of a group.
    Group(ActionGroup),
}

impl ActionChoice {
    fn includes(self, action: Action) -> bool {
        match self {
            Self::One(one) => one == action,
            Self::Group(group) => group_of(action) == group,
        }
    }

    /// Its text in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One(action) => action.as_str(),
            Self::Group(group) => group.as_str(),
        }
    }
}

impl FromStr for ActionChoice {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        // Actions have a dot in their names, and groups have none.
        text.parse().map(Self::One).or_else(|()| text.parse().map(Self::Group))
    }
}

/// The id of an actor or a target, as an address has it: it need not exist any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reference {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let fits = !text.is_empty() && text.len() <= MAX_REFERENCE_CHARS && text.chars().all(is_plain);
        fits.then(|| Self(text.to_owned())).ok_or(())
    }
}

/// Who made changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorChoice {
    /// One operator, or one key.
    Id(Reference),
    /// Everybody of a kind that has no ids.
    Kind(ActorKind),
}

impl FromStr for ActorChoice {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse() {
            Ok(kind @ (ActorKind::CommandLine | ActorKind::System)) => Ok(Self::Kind(kind)),
            _ => text.parse().map(Self::Id),
        }
    }
}

/// Conditions on audit events; `None` is no condition.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Who made the change.
    pub actor: Option<ActorChoice>,
    /// What was done.
    pub action: Option<ActionChoice>,
    /// What it was done to.
    pub target: Option<Reference>,
    /// At this time or later.
    pub from: Option<UtcTime>,
    /// Before this time.
    pub until: Option<UtcTime>,
}

/// The events of one account or of the installation, and of one action or of all:
/// an index has them in the order of the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuditPart<'a> {
    filter: &'a AuditFilter,
    account: Option<&'a AccountId>,
    action: Option<Action>,
    keys_of: Option<&'a ServiceReach>,
}

impl AuditFilter {
    /// What may be seen of what matches, in parts that have no event in common.
    pub(super) fn parts<'a>(&'a self, scope: &'a AuditScope) -> Vec<AuditPart<'a>> {
        let actions: Vec<Option<Action>> = match self.action {
            None => vec![None],
            Some(choice) => {
                Action::VARIANTS.iter().copied().filter(|action| choice.includes(*action)).map(Some).collect()
            }
        };
        let keys_of = scope.keys_of.as_ref();
        let of =
            |account| actions.iter().map(move |action| AuditPart { filter: self, account, action: *action, keys_of });
        let of_installation = scope.with_installation.then(|| of(None));
        of(Some(&scope.account)).chain(of_installation.into_iter().flatten()).collect()
    }
}

impl<'a> AuditPart<'a> {
    /// The events of this part.
    pub(super) fn query(self) -> audit_events::BoxedQuery<'a, MultiBackend> {
        let AuditPart { filter, account, action, keys_of } = self;
        let mut query = audit_events::table.into_boxed();
        query = match account {
            Some(account) => query.filter(audit_events::account_id.eq(account)),
            None => query.filter(audit_events::account_id.is_null()),
        };
        if let Some(action) = action {
            query = query.filter(audit_events::action.eq(action.as_str()));
        }
        if let Some(services) = keys_of {
            query = of_keys(query, services);
        }
        match &filter.actor {
            Some(ActorChoice::Id(id)) => query = query.filter(audit_events::actor_id.eq(id.as_str())),
            Some(ActorChoice::Kind(kind)) => {
                query = query.filter(audit_events::actor_id.is_null()).filter(audit_events::actor_kind.eq(*kind));
            }
            None => {}
        }
        if let Some(target) = &filter.target {
            query = query.filter(audit_events::target_id.eq(target.as_str()));
        }
        if let Some(from) = filter.from {
            query = query.filter(audit_events::at.ge(from));
        }
        if let Some(until) = filter.until {
            query = query.filter(audit_events::at.lt(until));
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_and_each_group_can_be_chosen_by_its_name() {
        for action in Action::VARIANTS {
            assert_eq!(action.as_str().parse(), Ok(ActionChoice::One(*action)));
        }
        for group in ActionGroup::VARIANTS {
            assert_eq!(group.as_str().parse(), Ok(ActionChoice::Group(*group)));
        }
        assert_eq!("api_key.forgotten".parse::<ActionChoice>(), Err(()));
    }

    #[test]
    fn no_id_has_what_a_database_would_not_take() {
        for wrong in ["", "key 1", "key_\0", "ключ", &"a".repeat(65)] {
            assert_eq!(wrong.parse::<Reference>(), Err(()), "{wrong}");
        }
        assert!("key_01jdv3".parse::<Reference>().is_ok());
    }
}
