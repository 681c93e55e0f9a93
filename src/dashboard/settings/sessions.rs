//! One's own sessions: where one is logged in, and the end of what one does not know.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::sessions_view::SessionView;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::identity::session as sessions;
use crate::error::{Error, Result};
use crate::format::count;
use crate::http::State;

const PATH: &str = "/settings/sessions";

#[derive(Template)]
#[template(path = "settings/sessions.html")]
struct SessionsPage {
    shell: Shell,
    rows: Vec<SessionView>,
    others: usize,
}

/// `GET /settings/sessions`
pub async fn list_sessions(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    let now = state.clock.now();
    let id = who.operator.id.clone();
    let own = session::public_id(&session);
    let found = state.store.read(move |conn| sessions::list(conn, &id, now)).await?;
    let mut rows: Vec<_> = found.iter().map(|found| SessionView::new(found, &own, now)).collect();
    rows.sort_by_key(|row| !row.is_own);
    let others = rows.iter().filter(|row| !row.is_own).count();
    html(StatusCode::OK, &SessionsPage { shell: Shell::new("settings", &who, &session), rows, others })
}

/// `POST /settings/sessions/{id}/end`
pub async fn end_session(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    let operator = who.operator.clone();
    let now = state.clock.now();
    let own = operator.id.clone();
    let found = state.store.read(move |conn| sessions::list(conn, &own, now)).await?;
    let found = found.into_iter().find(|found| found.public_id() == *id).ok_or(Error::NotFound)?;
    let address = session::login_of(&found).address;
    who.change(&state, move |tx| sessions::end_one(tx, &operator, found.digest, address)).await?;
    tracing::info!(operator = %who.operator.id, "an operator ended one of their sessions");
    session::leave_toast(&session, &Toast::success("Success. Session ended."))?;
    Ok(see_other(PATH))
}

/// `POST /settings/sessions/end-others`
pub async fn end_other_sessions(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    let operator = who.operator.clone();
    let own = session::public_id(&session);
    let ended = who.change(&state, move |tx| sessions::end_others(tx, &operator, &own)).await?;
    let toast = match ended {
        0 => Toast::notice("There is no other session."),
        ended => {
            tracing::info!(operator = %who.operator.id, sessions = ended, "an operator ended their other sessions");
            Toast::success(format!("Success. {} ended.", count(i64::try_from(ended).unwrap_or(i64::MAX), "session")))
        }
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(PATH))
}
