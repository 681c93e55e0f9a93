//! The browser's session: kept in the database under the digest of its id,
//! and read and written here only.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionExt};
use actix_web::cookie::time::Duration;
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use serde::{Deserialize, Serialize};

use super::request_origin::RequestOrigin;
use super::toast::Toast;
use crate::clock::Clock;
use crate::domain::account::membership::{self, Membership};
use crate::domain::account::{self, Access, AccountId, Permission};
use crate::domain::identity::operator::{self, Operator, OperatorId};
use crate::domain::identity::second_factor;
use crate::domain::identity::session as sessions;
use crate::error::{Error, Result};
use crate::http::State;
use crate::random;
use crate::store::{Actor, Conn, Digest, Store, Tx, UtcTime, log_outage};

const OPERATOR: &str = "operator_id";
const AUTHENTICATED_AT: &str = "authenticated_at";
const TOAST: &str = "toast";
const DRAFT: &str = "draft";

/// How long after a login the operator may do what [`SignedIn::require_fresh_login`] guards
/// (ASVS 7.5.1).
const FRESH_LOGIN_SECONDS: i64 = 10 * 60;

type Entries = HashMap<String, String>;

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
    /// When the password was last given in this session.
    pub authenticated_at: UtcTime,
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
        let is_setup = request.match_pattern().is_some_and(|route| is_open_without_factor(&route));
        Box::pin(async move {
            let state = state.ok_or_else(|| Error::internal(anyhow::anyhow!("no state")))?;
            let id = operator_id(&session).ok_or(Error::Unauthenticated)?;
            let authenticated_at = authenticated_at(&session);
            let find = move |conn: &mut Conn| {
                let (operator, membership) = (operator::find(conn, &id)?, membership::of(conn, &id)?);
                let lacks_factor = !is_setup && second_factor::is_missing(conn, &id, membership.role)?;
                Ok((operator, membership, account::first(conn)?, lacks_factor))
            };
            match state.store.read(find).await {
                Ok((operator, ..)) if operator.disabled_at.is_some() => Err(Error::Unauthenticated),
                Ok((_, _, _, true)) => Err(Error::SecondFactorMissing),
                Ok((operator, Membership { account_id: account, role, .. }, first, false)) => {
                    let access = Access { role, is_of_first_account: account == first };
                    let actor = origin.actor(&operator.id, &operator.name);
                    Ok(Self { operator, account, access, authenticated_at, actor })
                }
                Err(Error::NotFound) => Err(Error::Unauthenticated),
                Err(error) => Err(error),
            }
        })
    }
}

/// Whether an operator who still has to set up a second factor may use a route: to do so,
/// to give the password again for it, or to log out.
fn is_open_without_factor(route: &str) -> bool {
    route.starts_with("/settings/second-factor") || matches!(route, "/login/confirmation" | "/logout")
}

/// The id of the operator who is logged in.
#[must_use]
pub fn operator_id(session: &Session) -> Option<OperatorId> {
    session.get::<String>(OPERATOR).ok().flatten().and_then(|id| id.parse().ok())
}

/// The epoch for a session from before this was kept.
fn authenticated_at(session: &Session) -> UtcTime {
    UtcTime::from_micros(session.get::<i64>(AUTHENTICATED_AT).ok().flatten().unwrap_or_default())
}

/// Logs an operator in, under a new session id (ASVS 7.2.4).
///
/// # Errors
/// When the session can't hold it.
pub fn log_in(session: &Session, id: &OperatorId, now: UtcTime) -> Result<()> {
    session.renew();
    insert(session, AUTHENTICATED_AT, &now.micros())?;
    insert(session, OPERATOR, &id.as_str())
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

/// Where the session middleware keeps sessions.
pub struct DatabaseSessions {
    store: Store,
    clock: Clock,
}

impl DatabaseSessions {
    /// Keeps sessions in `store`.
    #[must_use]
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    async fn find(&self, digest: Digest) -> Result<Option<Entries>> {
        let now = self.clock.now();
        let Some(session) = self.store.read(move |conn| sessions::find(conn, digest, now)).await? else {
            return Ok(None);
        };
        if session.is_seen_stale(now) {
            // A page can be read while nothing can be written.
            let seen = session.clone();
            if let Err(error) = self.store.write(move |conn| sessions::touch(conn, &seen, now)).await {
                log_outage(&error); // a session that is not touched may end early
            }
        }
        serde_json::from_str(&session.state).map(Some).map_err(Error::internal)
    }

    async fn create(&self, entries: Entries) -> Result<SessionKey> {
        let id = random::hex::<32>()?;
        let now = self.clock.now();
        let session = sessions::Session {
            digest: Digest::of(id.as_bytes()),
            operator_id: owner(&entries),
            state: serde_json::to_string(&entries).map_err(Error::internal)?,
            created_at: now,
            seen_at: now,
        };
        self.store.write(move |conn| sessions::create(conn, &session)).await?;
        SessionKey::try_from(id).map_err(Error::internal)
    }

    async fn replace(&self, key: SessionKey, entries: Entries) -> Result<SessionKey> {
        let digest = digest(&key);
        let owner = owner(&entries);
        let state = serde_json::to_string(&entries).map_err(Error::internal)?;
        let kept = self.store.write(move |conn| sessions::update(conn, digest, owner.as_ref(), &state)).await?;
        // One that was ended meanwhile, by a logout elsewhere, stays ended.
        if kept { Ok(key) } else { self.create(Entries::new()).await }
    }
}

fn digest(key: &SessionKey) -> Digest {
    Digest::of(key.as_ref().as_bytes())
}

/// Entries are JSON texts.
fn owner(entries: &Entries) -> Option<OperatorId> {
    serde_json::from_str::<String>(entries.get(OPERATOR)?).ok()?.parse().ok()
}

impl SessionStore for DatabaseSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<Entries>, LoadError> {
        self.find(digest(key)).await.map_err(|error| LoadError::Other(error.into()))
    }

    async fn save(&self, entries: Entries, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        self.create(entries).await.map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(&self, key: SessionKey, entries: Entries, _ttl: &Duration) -> Result<SessionKey, UpdateError> {
        self.replace(key, entries).await.map_err(|error| UpdateError::Other(error.into()))
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> Result<(), anyhow::Error> {
        Ok(()) // `load` writes down every use
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let digest = digest(key);
        Ok(self.store.write(move |conn| sessions::end(conn, digest)).await?)
    }
}
