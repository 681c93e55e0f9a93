//! The page of an action on many keys: how far it is, and what has come of it.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::paths::{BULK, action_path, parse_action_id};
use super::runner;
use super::words::{done, kept, present, undone, verb};
use crate::dashboard::frame::htmx::{Htmx, REFRESH};
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::key_action::{self, KeyAction, KeyActionState, LeftItem, Outcome, OutcomeCounts};
use crate::error::Result;
use crate::format::{count, grouped};
use crate::http::State;
use crate::store::UtcTime;

/// Keys that could not be changed are named up to so many.
const SHOWN_LEFT: i64 = 100;

/// The page; its block `progress` is what htmx polls.
#[derive(Template)]
#[template(path = "api_keys_bulk/progress.html", blocks = ["progress"])]
struct ProgressPage {
    shell: Shell,
    action: KeyAction,
    counts: OutcomeCounts,
    left: Vec<LeftItem>,
    now: UtcTime,
}

/// `GET /api-keys/bulk/{id}`
pub async fn show_action(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let (id, account, now) = (parse_action_id(&id)?, who.account.clone(), state.clock.now());
    let read = state.store.read(move |conn| {
        let action = key_action::find(conn, &account, &id)?;
        Ok((action, key_action::counts(conn, &id)?, key_action::left_items(conn, &id, SHOWN_LEFT)?))
    });
    let (action, counts, left) = read.await?;
    let page = ProgressPage { shell: Shell::new("api-keys", &who, &session), action, counts, left, now };
    match htmx {
        Htmx::No => html(StatusCode::OK, &page),
        Htmx::Part { .. } if page.is_running() => html(StatusCode::OK, &page.as_progress()),
        // The title of the page says the result too.
        Htmx::Part { .. } => Ok(HttpResponse::Ok().insert_header((REFRESH, "true")).finish()),
    }
}

/// `POST /api-keys/bulk/{id}`: goes on with an action that has stopped.
pub async fn continue_action(
    state: Data<State>,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, &format!("{BULK}/{id}")),
    };
    who.may(Permission::ManageKeys)?;
    let id = parse_action_id(&id)?;
    let (account, action) = (who.account.clone(), id.clone());
    if who.change(&state, move |tx| key_action::resume(tx, &account, &action)).await? {
        runner::run(state.into_inner(), who, id.clone());
    }
    Ok(see_other(&action_path(&id)))
}

impl ProgressPage {
    fn path(&self) -> String {
        action_path(&self.action.id)
    }

    fn title(&self) -> String {
        let keys = count(self.action.total, "key");
        match self.action.state {
            KeyActionState::Running if self.is_running() => format!("{} {keys}", present(self.action.kind)),
            KeyActionState::Undoing if self.is_running() => format!("Undoing {keys}"),
            KeyActionState::Undone => format!("{} {keys}: undone", verb(self.action.kind)),
            KeyActionState::Done => format!("{} {keys}: done", verb(self.action.kind)),
            KeyActionState::Running | KeyActionState::Undoing => {
                format!("{} {keys}: stopped", verb(self.action.kind))
            }
        }
    }

    fn is_running(&self) -> bool {
        self.action.is_under_way() && !self.is_stopped()
    }

    fn is_stopped(&self) -> bool {
        self.action.is_stopped(self.now)
    }

    fn can_be_undone(&self) -> bool {
        self.action.can_be_undone(self.now) && self.counts.of(Outcome::Changed) > 0
    }

    /// How many keys are done, while it runs.
    fn done_so_far(&self) -> i64 {
        match self.action.state {
            KeyActionState::Undoing | KeyActionState::Undone => self.action.total - self.counts.of(Outcome::Changed),
            KeyActionState::Running | KeyActionState::Done => self.action.total - self.counts.of(Outcome::Pending),
        }
    }

    fn progress_words(&self) -> String {
        format!("{} of {}", grouped(self.done_so_far()), count(self.action.total, "key"))
    }

    /// What has come of it, a sentence each.
    fn result(&self) -> Vec<String> {
        let (action, of) = (&self.action, |outcome| self.counts.of(outcome));
        let mut sentences = Vec::new();
        let is_undone = matches!(action.state, KeyActionState::Undone | KeyActionState::Undoing);
        if is_undone {
            sentences.push(undone(action.kind, of(Outcome::Undone)));
        } else {
            sentences.push(done(action.kind, of(Outcome::Changed)));
        }
        let mut add = |number: i64, words: String| {
            if number > 0 {
                sentences.push(words);
            }
        };
        let said = |outcome, words: &str| format!("{} {words}", count(of(outcome), "key"));
        add(of(Outcome::Kept), kept(of(Outcome::Kept)));
        add(of(Outcome::Unchanged), said(Outcome::Unchanged, "already like that."));
        add(of(Outcome::Gone), said(Outcome::Gone, "deleted meanwhile and left alone."));
        add(of(Outcome::Refused), said(Outcome::Refused, "not changed: the end is against this installation’s rules."));
        add(of(Outcome::Pending), said(Outcome::Pending, "not done."));
        sentences
    }
}

/// Why a key was left as it is.
fn why(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Gone => "deleted meanwhile",
        Outcome::Refused => "against the rules for ends",
        Outcome::Kept => "changed since",
        Outcome::Pending | Outcome::Changed | Outcome::Unchanged | Outcome::Undone => "",
    }
}
