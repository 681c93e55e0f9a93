//! The one door for changes by people and programs. What a change does to
//! rows, which cached keys it makes stale and the audit events that it leaves
//! take effect together, with its commit.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::prelude::*;
use parking_lot::RwLock;

use super::schema::audit_events;
use super::types::text_enum;
use super::{Conn, Digest, Store, UtcTime, change_log};
use crate::error::Result;

text_enum! {
    /// What kind of actor made a change.
    ActorKind {
        /// A person, logged in to the dashboard.
        Operator = "operator",
        /// A program, by its management key.
        ApiKey = "api_key",
        /// Somebody with access to the machine.
        CommandLine = "command_line",
        /// Keyfob itself.
        System = "system",
    }
}

text_enum! {
    /// Through which door a change came in.
    Via {
        /// A page.
        Dashboard = "dashboard",
        /// The management API.
        Api = "api",
        /// `keyfob …` in a terminal.
        CommandLine = "command_line",
        /// No door: Keyfob acted by itself.
        System = "system",
    }
}

/// Who makes a change, as its audit events record it.
#[derive(Debug, Clone)]
pub struct Actor {
    /// A person, a program, or Keyfob itself.
    pub kind: ActorKind,
    /// The id of the operator or key.
    pub id: Option<String>,
    /// The name as it is now; the event keeps it when the actor is gone.
    pub name: String,
    /// Through which door.
    pub via: Via,
    /// The client's IP address.
    pub address: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request's id, as the log has it.
    pub request_id: Option<String>,
}

impl Actor {
    /// Somebody at a terminal of the machine, under the name of their system user.
    #[must_use]
    pub fn command_line(user: String) -> Self {
        Self { kind: ActorKind::CommandLine, via: Via::CommandLine, name: user, ..Self::system() }
    }

    /// Keyfob itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            id: None,
            name: "Keyfob".to_owned(),
            via: Via::System,
            address: None,
            user_agent: None,
            request_id: None,
        }
    }
}

/// What happened to what, without the actor and the moment, which the
/// transaction adds. Holds no secret, digest or password.
#[derive(Debug)]
pub struct AuditEvent {
    /// The event's own id.
    pub id: String,
    /// Whose it is; `None` for the installation as a whole.
    pub account_id: Option<String>,
    /// `noun.past`, such as `api_key.created`.
    pub action: &'static str,
    /// The noun of the target, such as `api_key`.
    pub target_kind: &'static str,
    /// The target's id.
    pub target_id: String,
    /// The target's name as it is now.
    pub target_name: String,
    /// JSON object: `{"field": [before, after]}`.
    pub changes: String,
    /// Why, where the actor said so.
    pub reason: Option<String>,
}

/// A transaction that changes something. Derefs to its connection, so that
/// queries take it as they take a connection.
pub struct Tx<'c> {
    conn: &'c mut Conn,
    actor: Actor,
    now: UtcTime,
    stale: Vec<Digest>,
}

impl Tx<'_> {
    /// Makes a change within the transaction that is open on `conn`; gives the
    /// digests that it makes stale. [`Store::change`] is the door for everybody
    /// who serves requests, since it has the caches forget these.
    ///
    /// # Errors
    /// What `work` gives.
    pub fn run<T>(
        conn: &mut Conn,
        actor: Actor,
        now: UtcTime,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<(T, Vec<Digest>)> {
        let mut tx = Tx { conn, actor, now, stale: Vec::new() };
        let value = work(&mut tx)?;
        Ok((value, tx.finish()?))
    }

    /// The connection, where a query does not take the transaction as it is.
    pub fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// The moment of the change.
    #[must_use]
    pub const fn now(&self) -> UtcTime {
        self.now
    }

    /// Who makes the change.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Has every instance forget the key with this digest once the change is
    /// committed: this one before the change is answered, others within a second.
    pub fn forget(&mut self, digest: Digest) {
        self.stale.push(digest);
    }

    /// Records what happened.
    ///
    /// # Errors
    /// When the database fails; then the whole change is undone.
    pub fn audit(&mut self, event: AuditEvent) -> Result<()> {
        let Actor { kind, id, name, via, address, user_agent, request_id } = &self.actor;
        let by = (
            audit_events::at.eq(self.now),
            audit_events::actor_kind.eq(*kind),
            audit_events::actor_id.eq(id.as_deref()),
            audit_events::actor_name.eq(name),
            audit_events::via.eq(*via),
            audit_events::address.eq(address.as_deref()),
            audit_events::user_agent.eq(user_agent.as_deref()),
            audit_events::request_id.eq(request_id.as_deref()),
        );
        let what = (
            audit_events::id.eq(event.id),
            audit_events::account_id.eq(event.account_id),
            audit_events::action.eq(event.action),
            audit_events::target_kind.eq(event.target_kind),
            audit_events::target_id.eq(event.target_id),
            audit_events::target_name.eq(event.target_name),
            audit_events::changes.eq(event.changes),
            audit_events::reason.eq(event.reason),
        );
        diesel::insert_into(audit_events::table).values((what, by)).execute(&mut *self.conn)?;
        Ok(())
    }

    /// Logs the stale digests, as the last statements of the transaction: the
    /// log's row is locked from here to the commit.
    fn finish(self) -> Result<Vec<Digest>> {
        for digest in &self.stale {
            change_log::append(self.conn, *digest)?;
        }
        Ok(self.stale)
    }
}

impl Deref for Tx<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn
    }
}

type Listener = Box<dyn Fn(&Digest) + Send + Sync>;

/// Who hears of stale digests after each commit on this instance.
#[derive(Clone, Default)]
pub(super) struct Listeners(Arc<RwLock<Vec<Listener>>>);

impl Listeners {
    fn hear(&self, stale: &[Digest]) {
        for listener in &*self.0.read() {
            stale.iter().for_each(listener);
        }
    }
}

impl Store {
    /// Calls `listener` with every digest that a change on this instance makes
    /// stale, after its commit and before the change is answered.
    pub fn on_stale(&self, listener: impl Fn(&Digest) + Send + Sync + 'static) {
        self.listeners.0.write().push(Box::new(listener));
    }

    /// Makes a change on behalf of `actor`, in one transaction. Once this
    /// returns, no cache of this instance knows a changed key as it was, and
    /// other instances learn of it within a second.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`](crate::error::Error::Unavailable);
    /// nothing is changed then.
    pub async fn change<T, F>(&self, actor: Actor, now: UtcTime, work: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let listeners = self.listeners.clone();
        let change = move |conn: &mut Conn| Tx::run(conn, actor, now, work);
        let committed = move |(value, stale): (T, Vec<Digest>)| {
            listeners.hear(&stale);
            value
        };
        self.write_then(change, committed).await
    }
}
