//! Which audit events are wanted: read from the address, and drawn as a form.

use serde::Deserialize;

use super::paths::PATH;
use super::words::{action_choice, group_words};
use crate::dashboard::frame::list_query::{Choice, Days, query_string, written};
use crate::domain::audit::Action;
use crate::domain::audit::actors::{self, NamedActor};
use crate::domain::audit::filter::{ActionChoice, ActionGroup, ActorChoice, AuditFilter, group_of};
use crate::domain::audit::list::{self, AuditCursor};
use crate::domain::audit::scope::AuditScope;
use crate::error::{FieldErrors, Result};
use crate::store::{ActorKind, Conn};

/// The filter lists this many people; the events of others lead to the rest of theirs.
const MAX_PEOPLE_CHOICES: i64 = 200;

/// The address, as it was written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AuditFilterQuery {
    actor: String,
    action: String,
    target: String,
    /// The first day.
    from: String,
    /// The last day.
    to: String,
    /// How many minutes east of UTC these days are; set by a script.
    utc_offset: String,
    /// A cursor: what is older than it.
    after: String,
    /// A cursor: what is newer than it.
    before: String,
}

/// The beginning of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AuditStart {
    Newest,
    After(AuditCursor),
    Before(AuditCursor),
}

/// The address, understood.
pub(super) struct WantedEvents {
    pub(super) filter: AuditFilter,
    pub(super) start: AuditStart,
    /// What is wrong with the days, which can be typed.
    pub(super) errors: FieldErrors,
    query: AuditFilterQuery,
}

impl WantedEvents {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) for a malformed parameter.
    pub(super) fn parse(query: &AuditFilterQuery) -> Result<Self> {
        let start = match (written(&query.after)?, written(&query.before)?) {
            (Some(after), _) => AuditStart::After(after),
            (None, Some(before)) => AuditStart::Before(before),
            (None, None) => AuditStart::Newest,
        };
        let days = Days::parse(&query.from, &query.to, &query.utc_offset)?;
        let filter = AuditFilter {
            actor: written(&query.actor)?,
            action: written(&query.action)?,
            target: written(&query.target)?,
            from: days.from,
            until: days.until,
        };
        Ok(Self { filter, start, errors: days.errors, query: query.clone() })
    }

    /// Whether anything is left out.
    pub(super) fn is_filtered(&self) -> bool {
        let AuditFilter { actor, action, target, from, until } = &self.filter;
        let has_days = from.is_some() || until.is_some() || !self.errors.is_empty();
        actor.is_some() || action.is_some() || target.is_some() || has_days
    }

    /// The list with the same choice, from `start` on.
    pub(super) fn url(&self, start: &AuditStart) -> String {
        format!("{PATH}{}", self.suffix(&self.query.actor, &self.query.target, start))
    }

    /// The list with the same choice, of one actor.
    pub(super) fn url_of_actor(&self, actor: &str) -> String {
        format!("{PATH}{}", self.suffix(actor, &self.query.target, &AuditStart::Newest))
    }

    /// What is chosen, as the address has it, without the `?`.
    pub(super) fn as_text(&self) -> String {
        let suffix = self.suffix(&self.query.actor, &self.query.target, &AuditStart::Newest);
        suffix.trim_start_matches('?').to_owned()
    }

    fn suffix(&self, actor: &str, target: &str, start: &AuditStart) -> String {
        let query = &self.query;
        let has_days = !query.from.is_empty() || !query.to.is_empty();
        let (after, before) = match start {
            AuditStart::Newest => (String::new(), String::new()),
            AuditStart::After(place) => (place.to_string(), String::new()),
            AuditStart::Before(place) => (String::new(), place.to_string()),
        };
        query_string(&[
            ("actor", actor),
            ("action", &query.action),
            ("target", target),
            ("from", query.from.trim()),
            ("to", query.to.trim()),
            ("utc_offset", if has_days { &query.utc_offset } else { "" }),
            ("after", &after),
            ("before", &before),
        ])
    }
}

/// All events of one target.
pub(super) fn history_url(target: &str) -> String {
    format!("{PATH}{}", query_string(&[("target", target)]))
}

/// Actions of one group, to choose from.
pub(super) struct ActionChoices {
    pub(super) heading: &'static str,
    pub(super) actions: Vec<Choice>,
}

/// The target whose history is shown, and the link to the events of all.
pub(super) struct TargetView {
    /// The target's name, or its id where nothing is known of it.
    pub(super) name: String,
    pub(super) href: String,
}

/// The names that a form needs from the database.
#[derive(Default)]
pub(super) struct FilterNames {
    people: Vec<NamedActor>,
    target: Option<String>,
}

impl FilterNames {
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, scope: &AuditScope, filter: &AuditFilter) -> Result<Self> {
        let mut people = actors::operators(conn, &scope.account, MAX_PEOPLE_CHOICES)?;
        if let Some(ActorChoice::Id(id)) = &filter.actor
            && people.iter().all(|person| person.id != id.as_str())
        {
            let name = actors::last_name(conn, scope, id)?.unwrap_or_else(|| id.as_str().to_owned());
            people.push(NamedActor { id: id.as_str().to_owned(), name });
        }
        let target = filter.target.as_ref().map(|target| list::last_target_name(conn, scope, target));
        Ok(Self { people, target: target.transpose()?.flatten() })
    }
}

/// The form.
pub(super) struct AuditFilterView {
    pub(super) actors: Vec<Choice>,
    pub(super) actions: Vec<ActionChoices>,
    pub(super) actor: String,
    pub(super) action: String,
    /// The id of the target, which has no field of its own.
    pub(super) target_id: String,
    pub(super) target: Option<TargetView>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) utc_offset: String,
    pub(super) errors: FieldErrors,
    pub(super) is_filtered: bool,
}

impl AuditFilterView {
    /// The form as the address has it.
    pub(super) fn new(wanted: &WantedEvents, names: FilterNames) -> Self {
        let AuditFilterQuery { actor, action, target, from, to, utc_offset, .. } = &wanted.query;
        let person = |NamedActor { id, name }: NamedActor| Choice { selected: id == *actor, label: name, value: id };
        let kind = |(kind, label): (ActorKind, &str)| Choice {
            selected: wanted.filter.actor == Some(ActorChoice::Kind(kind)),
            label: label.to_owned(),
            value: kind.as_str().to_owned(),
        };
        let kinds = [(ActorKind::CommandLine, "Command line"), (ActorKind::System, "Keyfob and links")];
        Self {
            actors: names.people.into_iter().map(person).chain(kinds.into_iter().map(kind)).collect(),
            actions: ActionGroup::VARIANTS.iter().map(|group| choices(wanted, *group)).collect(),
            target: wanted.filter.target.as_ref().map(|target| TargetView {
                name: names.target.unwrap_or_else(|| target.as_str().to_owned()),
                href: format!("{PATH}{}", wanted.suffix(actor, "", &AuditStart::Newest)),
            }),
            actor: actor.clone(),
            action: action.clone(),
            target_id: target.clone(),
            from: from.trim().to_owned(),
            to: to.trim().to_owned(),
            utc_offset: utc_offset.clone(),
            errors: wanted.errors.clone(),
            is_filtered: wanted.is_filtered(),
        }
    }
}

fn choices(wanted: &WantedEvents, group: ActionGroup) -> ActionChoices {
    let (heading, all) = group_words(group);
    let choice = |choice: ActionChoice, label: &str| Choice {
        selected: wanted.filter.action == Some(choice),
        label: label.to_owned(),
        value: choice.as_str().to_owned(),
    };
    let of_group = Action::VARIANTS.iter().filter(|action| group_of(**action) == group);
    let each = of_group.map(|action| choice(ActionChoice::One(*action), action_choice(*action)));
    ActionChoices { heading, actions: [choice(ActionChoice::Group(group), all)].into_iter().chain(each).collect() }
}
