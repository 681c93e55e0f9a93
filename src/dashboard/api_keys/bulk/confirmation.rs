//! The start of what was confirmed.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};

use super::form::{BulkForm, NOTHING_SELECTED, Wish};
use super::paths::action_path;
use super::question::BulkQuestion;
use super::runner;
use super::words::done;
use crate::dashboard::api_keys::paths::PATH;
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::api_key::{Expiry, StatusReason};
use crate::domain::key_action::{self, KeyActionId, KeyActionKind, NewKeyAction, Outcome, OutcomeCounts, Selection};
use crate::error::{Error, Result};
use crate::format::count;
use crate::http::State;
use crate::store::Tx;

/// The reasons that the question offers.
const REASONS: [StatusReason; 4] =
    [StatusReason::Superseded, StatusReason::Unused, StatusReason::Policy, StatusReason::Compromised];

/// What has come of the first keys: `None` while more are left.
type Started = (KeyActionId, Option<OutcomeCounts>);

/// `POST /api-keys/bulk/confirmation`: asks again where the keys have changed since.
pub async fn start_action(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, PATH),
    };
    who.may(Permission::ManageKeys)?;
    let form = BulkForm::parse(&body)?;
    let (Wish::Change(kind), Some(selection)) = (form.wish, form.selection()) else {
        return form.back_to_list(&session, NOTHING_SELECTED);
    };
    match start(&state, &who, &form, selection, kind).await {
        Ok((id, counts)) => {
            tracing::info!(action = %id, operator = %who.operator.id, kind = kind.as_str(), keys = form.count, "an action on keys began");
            lead_on(state, &session, who, &form, kind, (id, counts))
        }
        Err(error @ (Error::ChangedMeanwhile | Error::Invalid(_))) => {
            ask_once_more(&state, &session, &who, form, kind, error).await
        }
        Err(error) => Err(error),
    }
}

async fn start(
    state: &State,
    who: &SignedIn,
    form: &BulkForm,
    selection: Selection,
    kind: KeyActionKind,
) -> Result<Started> {
    let end = if kind == KeyActionKind::Extend { Some(Expiry::parse("date", &form.ends_on)?) } else { None };
    let reason = form.reason.parse().ok().filter(|reason| REASONS.contains(reason));
    let new = NewKeyAction { selection, kind, reason, end, count: form.count };
    let account = who.account.clone();
    let start = move |tx: &mut Tx<'_>| {
        let id = key_action::start(tx, &account, &new)?;
        let has_more = key_action::step(tx, &account, &id)?;
        let counts = if has_more { None } else { Some(key_action::counts(tx, &id)?) };
        Ok((id, counts))
    };
    who.change(state, start).await
}

/// To the list where all is done, else to the action's page.
fn lead_on(
    state: Data<State>,
    session: &Session,
    who: SignedIn,
    form: &BulkForm,
    kind: KeyActionKind,
    (id, counts): Started,
) -> Result<HttpResponse> {
    let Some(counts) = counts else {
        let page = action_path(&id);
        runner::run(state.into_inner(), who, id);
        return Ok(see_other(&page));
    };
    if counts.of(Outcome::Gone) + counts.of(Outcome::Refused) > 0 {
        return Ok(see_other(&action_path(&id)));
    }
    let toast = match counts.of(Outcome::Changed) {
        0 => Toast::notice("They were like that already, so nothing was changed."),
        changed => Toast::success(done(kind, changed)).with_undo(Some(id)),
    };
    session::leave_toast(session, &toast)?;
    Ok(see_other(&form.list_url()))
}

async fn ask_once_more(
    state: &State,
    session: &Session,
    who: &SignedIn,
    mut form: BulkForm,
    kind: KeyActionKind,
    error: Error,
) -> Result<HttpResponse> {
    // With the keys that were made since.
    form.newest = None;
    let Some(selection) = form.selection() else { return Ok(see_other(&form.list_url())) };
    let mut question = BulkQuestion::read(state, who, form, selection, kind).await?;
    let status = match error {
        Error::Invalid(errors) => {
            question.errors = errors;
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ if question.plan.count == 0 => {
            return question.form.back_to_list(session, "No key matches any more, so nothing was done.");
        }
        _ => {
            let keys = i64::try_from(question.plan.count).unwrap_or(i64::MAX);
            let verb = if keys == 1 { "is" } else { "are" };
            question.alert = Some(format!(
                "The keys have changed since: there {verb} {} now. Nothing was done.",
                count(keys, "key")
            ));
            StatusCode::CONFLICT
        }
    };
    question.draw(status, Shell::new("api-keys", who, session))
}
