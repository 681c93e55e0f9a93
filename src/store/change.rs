//! Changes by people and programs. The rows that a change writes, its audit
//! events and the cached keys that it makes stale take effect together, with
//! its commit.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::prelude::*;
use parking_lot::RwLock;

use super::schema::audit_events;
use super::types::text_enum;
use super::{Conn, Digest, UtcTime, change_log};
use crate::error::Result;

text_enum! {
    /// What kind of actor made a change.
    ActorKind {
        /// An operator who is logged in to the dashboard.
        Operator = "operator",
        /// A program that authenticates with a management key.
        ApiKey = "api_key",
        /// A person with a shell on the server.
        CommandLine = "command_line",
        /// Keyfob itself.
        System = "system",
    }
}

text_enum! {
    /// The interface that a change was made through.
    Via {
        /// A page of the dashboard.
        Dashboard = "dashboard",
        /// The management API.
        Api = "api",
        /// `keyfob …` in a terminal.
        CommandLine = "command_line",
        /// None: Keyfob acted by itself.
        System = "system",
    }
}

/// Who makes a change, as its audit events record it.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The id of the operator or key; `None` for the other kinds.
    pub id: Option<String>,
    /// The name at the moment of the change. Events store a copy, so that they
    /// can be read after the actor was deleted.
    pub name: String,
    /// The interface that the actor uses.
    pub via: Via,
    /// The client's IP address.
    pub address: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request's id, by which its log lines are found.
    pub request_id: Option<String>,
}

impl Actor {
    /// A person at a terminal of the server, named by their system user.
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

/// An audit event without its actor and time, which the transaction adds. It
/// must hold no secret, digest or password.
#[derive(Debug)]
pub struct AuditEvent {
    /// The event's own id.
    pub id: String,
    /// The account that it concerns; `None` for the installation as a whole.
    pub account_id: Option<String>,
    /// `noun.past`, such as `api_key.created`.
    pub action: &'static str,
    /// The noun of the target, such as `api_key`.
    pub target_kind: &'static str,
    /// The target's id.
    pub target_id: String,
    /// The target's name at the moment of the change.
    pub target_name: String,
    /// JSON object: `{"field": [before, after]}`.
    pub changes: String,
    /// The reason, if the actor gave one.
    pub reason: Option<String>,
}

/// The transaction of a change. Derefs to its connection, so that it can be
/// passed to queries.
pub struct Tx<'c> {
    conn: &'c mut Conn,
    actor: Actor,
    now: UtcTime,
    stale: Vec<Digest>,
}

impl Tx<'_> {
    /// Makes a change within the transaction that is open on `conn`. Returns the
    /// digests that it makes stale, which the caller has to drop from caches;
    /// code that serves requests calls [`Store::change`](super::Store::change), which does.
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

    /// The connection, for methods that need it by its own type.
    pub fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// The time of the change, the same for all its rows and events.
    #[must_use]
    pub const fn now(&self) -> UtcTime {
        self.now
    }

    /// Who makes the change.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Invalidates cached records of the key with this digest after the commit: on
    /// this instance before the change returns, on others within a second.
    pub fn forget(&mut self, digest: Digest) {
        self.stale.push(digest);
    }

    /// Writes an audit event.
    ///
    /// # Errors
    /// When the database fails; then the whole change is rolled back.
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

    /// Appends the stale digests to the change log. These are the last statements
    /// of the transaction, since they hold the log's row lock until the commit.
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

/// Callbacks for stale digests, which run after each commit on this instance.
#[derive(Clone, Default)]
pub(super) struct Listeners(Arc<RwLock<Vec<Listener>>>);

impl Listeners {
    pub(super) fn add(&self, listener: impl Fn(&Digest) + Send + Sync + 'static) {
        self.0.write().push(Box::new(listener));
    }

    pub(super) fn notify(&self, stale: &[Digest]) {
        for listener in &*self.0.read() {
            stale.iter().for_each(listener);
        }
    }
}
