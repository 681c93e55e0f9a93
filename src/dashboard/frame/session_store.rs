//! The rows behind browsers' sessions: kept under the digest of the session's id.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;

use super::session::{owner, set_public_id};
use crate::clock::Clock;
use crate::domain::identity::session as sessions;
use crate::error::{Error, Result};
use crate::random;
use crate::store::{Digest, Store, log_outage};

type Entries = HashMap<String, String>;

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
        let mut entries = serde_json::from_str(&session.state).map_err(Error::internal)?;
        set_public_id(&mut entries, &session.public_id());
        Ok(Some(entries))
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
