//! The end of a login, with or without a second factor.

use actix_session::Session;
use actix_web::HttpResponse;

use super::pending::PendingLogin;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::request_origin::RequestOrigin;
use crate::dashboard::frame::{session, trusted_browser};
use crate::domain::identity::login_metrics::LoginResult;
use crate::domain::identity::operator::OperatorId;
use crate::error::Result;
use crate::http::State;

/// Logs the operator in and leads to where they were going.
pub(super) fn complete(
    state: &State,
    session: &Session,
    operator: &OperatorId,
    origin: &RequestOrigin,
    login: &PendingLogin,
) -> Result<HttpResponse> {
    PendingLogin::forget(session);
    session::log_in(session, operator, origin, login.since())?;
    let next = NextPath::parse(&login.next);
    if !login.draft.is_empty() {
        session::keep_draft(session, next.as_str(), &login.draft)?;
    }
    state.logins.count(LoginResult::Succeeded);
    tracing::info!(%operator, "logged in");
    let mut response = see_other(next.as_str());
    trusted_browser::remember(state, operator, &mut response)?;
    Ok(response)
}
