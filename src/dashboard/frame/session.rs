//! The values of a browser's session, which are read and written here only.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use actix_session::{Session, SessionExt};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use serde::{Deserialize, Serialize};

use super::htmx::Htmx;
use super::login_notice::TakenNotice;
use super::request_origin::RequestOrigin;
use super::toast::Toast;
use crate::domain::account::membership::{self, Membership};
use crate::domain::account::{self, Access, AccountId, Permission};
use crate::domain::identity::login_notice::{self, LoginNotice};
use crate::domain::identity::operator::{self, Operator, OperatorId};
use crate::domain::identity::second_factor;
use crate::domain::identity::session as sessions;
use crate::domain::installation;
use crate::error::{Error, Result};
use crate::http::{State, head};
use crate::store::{Actor, Conn, Tx, UtcTime, log_outage};

const OPERATOR: &str = "operator_id";
const AUTHENTICATED_AT: &str = "authenticated_at";
const LOGIN: &str = "login";
const PUBLIC_ID: &str = "public_id";
const TOAST: &str = "toast";
const LOGIN_NOTICES: &str = "login_notices";
const DRAFT: &str = "draft";

/// How long after a login the operator may do what [`SignedIn::require_fresh_login`] guards
/// (ASVS 7.5.1).
const FRESH_LOGIN_SECONDS: i64 = 10 * 60;

/// Who is logged in, and for which account. Read from the database with every
/// request, so that what an operator may do ends at once; a handler that takes it
/// turns everybody else away.
#[derive(Clone)]
pub struct SignedIn {
    /// The person.
    pub operator: Operator,
    /// The account they work for.
    pub account: AccountId,
    /// What they may do for it.
    pub access: Access,
    /// The name that was given to the installation.
    pub installation: Option<String>,
    /// When the password was last given in this session.
    pub authenticated_at: UtcTime,
    /// When this was read.
    pub read_at: UtcTime,
    /// The same person as audit events record them.
    pub actor: Actor,
}

impl SignedIn {
    /// Requires a permission.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without it.
    pub const fn may(&self, permission: Permission) -> Result<()> {
        if self.access.allows(permission) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Requires that the password was given within the last 10 minutes.
    ///
    /// # Errors
    /// [`Error::StaleLogin`], which leads to the page that asks for it.
    pub fn require_fresh_login(&self, now: UtcTime) -> Result<()> {
        let is_fresh = now < self.authenticated_at.plus_seconds(FRESH_LOGIN_SECONDS);
        if is_fresh { Ok(()) } else { Err(Error::StaleLogin) }
    }

    /// Makes a change on behalf of this operator.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn change<T, F>(&self, state: &State, work: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        state.store.change(self.actor.clone(), state.clock.now(), work).await
    }
}

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = request.get_session();
        let state = request.app_data::<Data<State>>().cloned();
        let origin = RequestOrigin::of(request);
        // A notice is taken where a whole page can show it.
        let is_page =
            request.method() == Method::GET && !head::is_head(request) && !Htmx::of(request.headers()).is_part();
        let is_setup = is_open_without_factor(request.path());
        Box::pin(async move {
            let state = state.ok_or_else(|| Error::internal(anyhow::anyhow!("no state")))?;
            let id = operator_id(&session).ok_or(Error::Unauthenticated)?;
            let authenticated_at = authenticated_at(&session);
            let find = move |conn: &mut Conn| {
                let (operator, membership) = (operator::find(conn, &id)?, membership::of(conn, &id)?);
                let lacks_factor = !is_setup && second_factor::is_missing(conn, &id, membership.role)?;
                let (first, installation) = (account::first(conn)?, installation::name(conn)?);
                Ok((operator, membership, first, lacks_factor, installation, login_notice::unseen(conn, &id)?))
            };
            match state.store.read(find).await {
                Ok((operator, ..)) if operator.disabled_at.is_some() => Err(Error::Unauthenticated),
                Ok((_, _, _, true, ..)) => Err(Error::SecondFactorMissing),
                Ok((operator, Membership { account_id: account, role, .. }, first, false, installation, notices)) => {
                    if is_page {
                        take_notices(&state, &session, notices).await?;
                    }
                    let access = Access { role, is_of_first_account: account == first };
                    let actor = origin.actor(&operator.id, &operator.name);
                    Ok(Self {
                        operator,
                        account,
                        access,
                        installation,
                        authenticated_at,
                        read_at: state.clock.now(),
                        actor,
                    })
                }
                Err(Error::NotFound) => Err(Error::Unauthenticated),
                Err(error) => Err(error),
            }
        })
    }
}

/// Whether an operator who still has to set up a second factor may use a path: to do so,
/// to give the password again for it, or to log out.
fn is_open_without_factor(path: &str) -> bool {
    path.starts_with("/settings/second-factor") || matches!(path, "/login/confirmation" | "/logout")
}

/// The id of the operator who is logged in.
#[must_use]
pub fn operator_id(session: &Session) -> Option<OperatorId> {
    session.get::<String>(OPERATOR).ok().flatten().and_then(|id| id.parse().ok())
}

/// Moves the notices that are for this session into it. Those who look at the same moment
/// get each once; a page can be read while nothing can be written.
async fn take_notices(state: &State, session: &Session, notices: Vec<LoginNotice>) -> Result<()> {
    let address = login(session).address;
    let mine: Vec<_> = notices.into_iter().filter(|notice| notice.is_for(address.as_deref())).collect();
    if mine.is_empty() {
        return Ok(());
    }
    match state.store.write(move |conn| login_notice::take(conn, mine)).await {
        Ok(taken) => {
            let mut waiting = take_login_notices(session);
            waiting.extend(taken.into_iter().map(TakenNotice::from));
            insert(session, LOGIN_NOTICES, &waiting)
        }
        Err(error) => {
            log_outage(&error);
            Ok(())
        }
    }
}

/// The notices that no page has shown yet, once.
#[must_use]
pub fn take_login_notices(session: &Session) -> Vec<TakenNotice> {
    take(session, LOGIN_NOTICES).unwrap_or_default()
}

/// The public id of this session, which was put among its values when it was loaded.
#[must_use]
pub fn public_id(session: &Session) -> String {
    session.get(PUBLIC_ID).ok().flatten().unwrap_or_default()
}

/// Puts the public id among the values of a session.
pub(super) fn set_public_id(entries: &mut HashMap<String, String>, id: &str) {
    entries.insert(PUBLIC_ID.to_owned(), serde_json::Value::from(id).to_string());
}

/// The operator whose session holds these entries, which are JSON texts.
pub(super) fn owner(entries: &HashMap<String, String>) -> Option<OperatorId> {
    serde_json::from_str::<String>(entries.get(OPERATOR)?).ok()?.parse().ok()
}

/// The epoch for a session from before this was kept.
fn authenticated_at(session: &Session) -> UtcTime {
    UtcTime::from_micros(session.get::<i64>(AUTHENTICATED_AT).ok().flatten().unwrap_or_default())
}

/// The login that began a session.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Login {
    /// The client's address.
    pub address: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// When it was, in microseconds since the epoch.
    pub at: i64,
}

/// The login that began this session, as far as it is known.
fn login(session: &Session) -> Login {
    session.get(LOGIN).ok().flatten().unwrap_or_default()
}

/// The login that began a stored session, as far as it is known.
#[must_use]
pub fn login_of(stored: &sessions::Session) -> Login {
    let entries: HashMap<String, String> = serde_json::from_str(&stored.state).unwrap_or_default();
    entries.get(LOGIN).and_then(|login| serde_json::from_str(login).ok()).unwrap_or_default()
}

/// Logs an operator in, under a new session id (ASVS 7.2.4).
///
/// # Errors
/// When the session can't hold it.
pub fn log_in(session: &Session, id: &OperatorId, origin: &RequestOrigin, now: UtcTime) -> Result<()> {
    let login = Login { address: origin.address.clone(), user_agent: origin.user_agent.clone(), at: now.micros() };
    insert(session, LOGIN, &login)?;
    insert(session, OPERATOR, &id.as_str())?;
    confirm(session, now)
}

/// Keeps that the operator has given the password again, under a new session id (ASVS 7.2.4).
///
/// # Errors
/// When the session can't hold it.
pub fn confirm(session: &Session, now: UtcTime) -> Result<()> {
    session.renew();
    insert(session, AUTHENTICATED_AT, &now.micros())
}

/// Leaves a message for the next page.
///
/// # Errors
/// When the session can't hold it.
pub fn leave_toast(session: &Session, toast: &Toast) -> Result<()> {
    insert(session, TOAST, toast)
}

/// The message that was left, once.
#[must_use]
pub fn take_toast(session: &Session) -> Option<Toast> {
    take(session, TOAST)
}

/// A form that was sent by somebody who had to log in first.
#[derive(Serialize, Deserialize)]
struct FormDraft {
    /// The path of the page with the form: no other page takes the draft.
    form: String,
    /// The form as it was sent, URL-encoded.
    body: String,
}

/// Keeps what was typed into the form of the page `form`, for after the login.
///
/// # Errors
/// When the session can't hold it.
pub fn keep_draft(session: &Session, form: &str, body: &str) -> Result<()> {
    insert(session, DRAFT, &FormDraft { form: form.to_owned(), body: body.to_owned() })
}

/// The draft of the page `form`, once. A draft of another page stays for that page.
#[must_use]
pub fn take_draft(session: &Session, form: &str) -> Option<String> {
    let draft = session.get::<FormDraft>(DRAFT).ok().flatten().filter(|draft| draft.form == form)?;
    session.remove(DRAFT);
    Some(draft.body)
}

/// Looks before it removes: a removal is written to the database even where
/// there was nothing.
fn take<T: serde::de::DeserializeOwned>(session: &Session, key: &str) -> Option<T> {
    session.contains_key(key).then(|| session.remove_as(key)?.ok()).flatten()
}

fn insert(session: &Session, key: &str, value: &impl serde::Serialize) -> Result<()> {
    session.insert(key, value).map_err(|error| Error::internal(anyhow::anyhow!(error)))
}
