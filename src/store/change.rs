//! Changes by people and programs. The rows that a change writes, its audit
//! events and the cached keys that it makes stale take effect together, with
//! its commit.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::RwLock;

use super::actor::Actor;
use super::audit_row::AuditRow;
use super::change_log::{self, SecretChange};
use super::{Conn, Digest, UtcTime};
use crate::error::Result;

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
    stale: Vec<SecretChange>,
    events: Vec<AuditRow>,
}

impl Tx<'_> {
    /// Makes a change within the transaction that is open on `conn`. Returns its
    /// effects, which the caller has to make known after the commit; code that
    /// serves requests calls [`Store::change`](super::Store::change), which does.
    ///
    /// # Errors
    /// What `work` gives.
    pub fn run<T>(
        conn: &mut Conn,
        actor: Actor,
        now: UtcTime,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<(T, Effects)> {
        let mut tx = Tx { conn, actor, now, stale: Vec::new(), events: Vec::new() };
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
        self.stale.push(SecretChange { digest, is_imported: false });
    }

    /// Makes a secret known that another system generated: the gate of this instance looks it
    /// up from before the change returns on, other instances within a second.
    pub fn admit(&mut self, digest: Digest) {
        self.stale.push(SecretChange { digest, is_imported: true });
    }

    /// The same for every cached record, where too many may be stale to name them.
    pub fn forget_all(&mut self) {
        self.forget(Digest::ANY);
    }

    /// Writes an audit event.
    ///
    /// # Errors
    /// When the database fails; then the whole change is rolled back.
    pub fn audit(&mut self, event: AuditEvent) -> Result<()> {
        self.audit_all(vec![event])
    }

    /// Writes audit events, many in one statement.
    ///
    /// # Errors
    /// When the database fails; then the whole change is rolled back.
    pub fn audit_all(&mut self, events: Vec<AuditEvent>) -> Result<()> {
        let rows: Vec<AuditRow> = events.into_iter().map(|event| self.row(event)).collect();
        AuditRow::insert(self.conn, &rows)?;
        self.events.extend(rows);
        Ok(())
    }

    fn row(&self, event: AuditEvent) -> AuditRow {
        let Actor { kind, id, name, via, address, user_agent, request_id } = self.actor.clone();
        AuditRow {
            id: event.id,
            account_id: event.account_id,
            at: self.now,
            actor_kind: kind,
            actor_id: id,
            actor_name: name,
            via,
            action: event.action.to_owned(),
            target_kind: event.target_kind.to_owned(),
            target_id: event.target_id,
            target_name: event.target_name,
            changes: event.changes,
            reason: event.reason,
            address,
            user_agent,
            request_id,
        }
    }

    /// Appends the stale digests to the change log. These are the last statements
    /// of the transaction, since they hold the log's row lock until the commit.
    fn finish(self) -> Result<Effects> {
        change_log::append(self.conn, &self.stale)?;
        Ok(Effects { stale: self.stale, events: self.events })
    }
}

/// What is to be made known once a change is committed.
#[derive(Debug)]
pub struct Effects {
    /// The secrets whose cached records are stale.
    pub stale: Vec<SecretChange>,
    /// The audit events that were written.
    pub events: Vec<AuditRow>,
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

type Listener<T> = Box<dyn Fn(&T) + Send + Sync>;

/// Callbacks that run after each commit on this instance.
pub(super) struct Listeners<T>(Arc<RwLock<Vec<Listener<T>>>>);

impl<T> Listeners<T> {
    pub(super) fn add(&self, listener: impl Fn(&T) + Send + Sync + 'static) {
        self.0.write().push(Box::new(listener));
    }

    pub(super) fn notify(&self, news: &[T]) {
        for listener in &*self.0.read() {
            news.iter().for_each(listener);
        }
    }
}

impl<T> Clone for Listeners<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
