//! The management key that a request came with.

use std::sync::Arc;

use actix_web::HttpRequest;

use crate::api::caller::{Door, ask};
use crate::api::client::{actor_of, described};
use crate::domain::account::AccountId;
use crate::domain::api_key::ManagementBounds;
use crate::domain::management::{self, ManagementScope};
use crate::error::{Error, Result};
use crate::gate::{Code, KeyRecord};
use crate::http::State;
use crate::store::Actor;

/// A management key that may do what its request asks for, within its bounds.
pub(super) struct Manager {
    key: Arc<KeyRecord>,
    pub(super) bounds: ManagementBounds,
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
        Ok(Self { key, bounds })
    }

    /// The account whose keys it manages.
    pub(super) fn account(&self) -> &AccountId {
        &self.key.account_id
    }

    /// The key as the actor of changes.
    pub(super) fn actor(&self, state: &State, request: &HttpRequest) -> Actor {
        described(actor_of(&self.key), state, request)
    }
}
