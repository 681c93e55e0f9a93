//! Undoing what was done to keys.

use actix_session::Session;
use actix_web::http::header::REFERER;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::bulk::paths::{action_path, parse_action_id};
use super::bulk::runner;
use super::bulk::words::{kept, undone};
use super::paths::PATH;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::key_action::{self, KeyAction, Outcome, OutcomeCounts, UndoStart};
use crate::error::Result;
use crate::http::State;
use crate::store::Tx;

/// What has come of it.
enum Undo {
    Refused(UndoStart),
    MoreLeft,
    Done(Box<KeyAction>, OutcomeCounts),
}

/// `POST /undo/{id}`
pub async fn undo_action(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, PATH),
    };
    who.may(Permission::ManageKeys)?;
    let id = parse_action_id(&id)?;
    let (account, action) = (who.account.clone(), id.clone());
    let undo = move |tx: &mut Tx<'_>| match key_action::begin_undo(tx, &account, &action)? {
        UndoStart::Begun if key_action::step(tx, &account, &action)? => Ok(Undo::MoreLeft),
        UndoStart::Begun => {
            let counts = key_action::counts(tx, &action)?;
            Ok(Undo::Done(Box::new(key_action::find(tx, &account, &action)?), counts))
        }
        refused => Ok(Undo::Refused(refused)),
    };
    let toast = match who.change(&state, undo).await? {
        Undo::MoreLeft => {
            runner::run(state.into_inner(), who, id.clone());
            return Ok(see_other(&action_path(&id)));
        }
        Undo::Refused(UndoStart::AlreadyUndone) => Toast::notice("This was already undone."),
        Undo::Refused(UndoStart::StillRunning) => Toast::notice("Wait until this is finished, and undo it then."),
        Undo::Refused(_) => Toast::error("This can be undone for 10 minutes only. Nothing was changed."),
        Undo::Done(action, counts) => {
            tracing::info!(%action.id, operator = %who.operator.id, "an action on keys was undone");
            done(&action, &counts)
        }
    };
    session::leave_toast(&session, &toast)?;
    let referer = request.headers().get(REFERER).and_then(|referer| referer.to_str().ok()).unwrap_or_default();
    Ok(see_other(NextPath::from_url(referer).as_str()))
}

/// What was undone, and what was not.
fn done(action: &KeyAction, counts: &OutcomeCounts) -> Toast {
    let (back, left) = (counts.of(Outcome::Undone), counts.of(Outcome::Kept));
    match (back, left) {
        (_, 0) => Toast::success(format!("Undone. {}", undone(action.kind, back))),
        (0, left) => Toast::notice(kept(left)),
        (back, left) => Toast::notice(format!("{} {}", undone(action.kind, back), kept(left))),
    }
}
