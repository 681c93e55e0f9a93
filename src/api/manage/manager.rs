//! The management key that a request came with.

use std::sync::Arc;

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use crate::api::caller::{Door, announce_end, ask};
use crate::api::client::{actor_of, described};
use crate::domain::api_key::{ApiKeyEntry, KeyView};
use crate::domain::management::{self, KeyRemit, ManagementScope};
use crate::error::{Error, Result};
use crate::gate::{Code, KeyRecord};
use crate::http::State;
use crate::store::{Actor, Tx};

/// A management key that may do what its request asks for, within its bounds.
pub(super) struct Manager {
    pub(super) key: Arc<KeyRecord>,
    pub(super) remit: KeyRemit,
}

impl Manager {
    /// The management key of a request that needs `scope`.
    ///
    /// # Errors
    /// [`Error::KeyRefused`], with the scope if the key lacks it.
    pub(super) async fn of(state: &State, request: &HttpRequest, scope: ManagementScope) -> Result<Self> {
        let scopes = [scope.as_str()];
        let door = Door {
            service: Some(management::SERVICE),
            scopes: &scopes,
            takes_management_keys: true,
            ..Door::default()
        };
        let key = ask(state, request.head(), door).await?.map_err(Error::KeyRefused)?;
        let bounds = key.bounds().cloned().ok_or_else(|| Error::KeyRefused(Code::NotFound.denial()))?;
        let remit = KeyRemit { account: key.account_id.clone(), bounds };
        Ok(Self { key, remit })
    }

    /// The key as the actor of changes.
    pub(super) fn actor(&self, state: &State, request: &HttpRequest) -> Actor {
        described(actor_of(&self.key), state, request)
    }

    /// Makes a change as this key, within its remit.
    pub(super) async fn change<T, F>(&self, state: &State, request: &HttpRequest, work: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>, &KeyRemit) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let remit = self.remit.clone();
        state.store.change(self.actor(state, request), state.clock.now(), move |tx| work(tx, &remit)).await
    }

    /// The answer that tells a key.
    pub(super) fn tell(&self, entry: &ApiKeyEntry) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        with_version(&mut response, entry.key.version);
        self.answer(response.json(KeyView::from(entry)))
    }

    /// An answer, with the end of the secret that it was asked with, if it was replaced.
    pub(super) fn answer(&self, response: HttpResponse) -> HttpResponse {
        announce_end(response, &self.key)
    }
}

/// Adds the version of a key, which a later `If-Match` names.
pub(super) fn with_version(response: &mut HttpResponseBuilder, version: i64) {
    response.insert_header((ETAG, format!("\"{version}\"")));
}
