//! The question before many keys are changed: how many, which, and what happens.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::form::BulkForm;
use super::words::verb;
use crate::dashboard::api_keys::filter_words::{FilteredNames, active_filters};
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::cursor::Cursor;
use crate::domain::identity::operator;
use crate::domain::key_action::{KeyActionKind, MAX_KEYS_OF_ACTION, Plan, Selection};
use crate::domain::service;
use crate::error::{FieldErrors, Result};
use crate::format::{count, grouped};
use crate::http::State;

#[derive(Template)]
#[template(path = "api_keys_bulk/question.html")]
struct QuestionPage {
    shell: Shell,
    question: BulkQuestion,
}

/// What is asked.
pub(super) struct BulkQuestion {
    pub(super) form: BulkForm,
    pub(super) plan: Plan,
    kind: KeyActionKind,
    /// The filter in words.
    filters: Vec<String>,
    pub(super) errors: FieldErrors,
    /// Why it is asked once more.
    pub(super) alert: Option<String>,
}

impl BulkQuestion {
    /// Looks at what is selected.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn read(
        state: &State,
        who: &SignedIn,
        mut form: BulkForm,
        selection: Selection,
        kind: KeyActionKind,
    ) -> Result<Self> {
        let (account, now, filter) = (who.account.clone(), state.clock.now(), form.filter.clone());
        let is_matching = form.is_matching;
        let (plan, filters) = state
            .store
            .read(move |conn| {
                let plan = Plan::read(conn, &account, &selection, kind, now)?;
                let slug = filter.filter.service.as_deref();
                let service = service::list_all(conn)?.into_iter().find(|service| Some(&*service.slug) == slug);
                let maker = filter.filter.made_by.as_ref().and_then(|id| operator::find(conn, id).ok());
                let names =
                    FilteredNames { service: service.map(|found| found.name), maker: maker.map(|found| found.name) };
                let active = if is_matching { active_filters(&filter, &names) } else { Vec::new() };
                Ok((plan, active.into_iter().map(|filter| filter.words).collect()))
            })
            .await?;
        form.count = plan.count;
        form.newest.clone_from(&plan.newest);
        Ok(Self { form, plan, kind, filters, errors: FieldErrors::default(), alert: None })
    }

    /// # Errors
    /// When it can't be drawn.
    pub(super) fn draw(self, status: StatusCode, shell: Shell) -> Result<HttpResponse> {
        let status = if self.is_too_many() { StatusCode::UNPROCESSABLE_ENTITY } else { status };
        html(status, &QuestionPage { shell, question: self })
    }

    fn is_too_many(&self) -> bool {
        self.plan.count > MAX_KEYS_OF_ACTION
    }

    fn title(&self) -> String {
        if self.is_too_many() { "Too many keys".to_owned() } else { format!("{} {}?", self.verb(), self.keys()) }
    }

    fn verb(&self) -> &'static str {
        verb(self.kind)
    }

    fn keys(&self) -> String {
        count(number(self.plan.count), "key")
    }

    fn more(&self) -> Option<String> {
        let more = self.plan.count - self.plan.first.len();
        (more > 0).then(|| format!("and {} more", grouped(number(more))))
    }

    fn newest(&self) -> String {
        self.form.newest.clone().map(|(time, id)| Cursor(time, id).to_string()).unwrap_or_default()
    }

    /// What happens to the keys.
    fn effect(&self) -> &'static str {
        match self.kind {
            KeyActionKind::Enable => {
                "From the next request on they are accepted again, where nothing else stands against it."
            }
            KeyActionKind::Disable => {
                "The next request with any of them is refused, everywhere. Switching them on again brings them back."
            }
            KeyActionKind::Extend => {
                "They are accepted until the end of the new day, in UTC. Keys that end later, or never, stay as they are."
            }
            KeyActionKind::Delete => {
                "The next request with any of them is refused, everywhere. For 7 days they can be restored from the trash."
            }
            KeyActionKind::Restore => {
                "Each key is as it was before it was deleted: those that were on are accepted again."
            }
        }
    }

    /// How many of them are so already.
    fn unchanged(&self) -> Option<String> {
        let left = number(self.plan.count - self.plan.changes.min(self.plan.count));
        let word = match self.kind {
            KeyActionKind::Enable => "on already",
            KeyActionKind::Disable => "off already",
            KeyActionKind::Extend => "without an end",
            KeyActionKind::Delete | KeyActionKind::Restore => return None,
        };
        let verb = if left == 1 { "is" } else { "are" };
        (left > 0).then(|| format!("{} of them {verb} {word} and will not change.", grouped(left)))
    }

    fn is_severe(&self) -> bool {
        matches!(self.kind, KeyActionKind::Disable | KeyActionKind::Delete)
    }

    fn asks_why(&self) -> bool {
        self.kind == KeyActionKind::Disable
    }

    fn asks_end(&self) -> bool {
        self.kind == KeyActionKind::Extend
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
