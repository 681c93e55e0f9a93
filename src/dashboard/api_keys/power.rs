//! A management key makes and opens other keys, so that whoever reveals or widens one gives
//! the password again.

use crate::dashboard::frame::session::SignedIn;
use crate::domain::api_key::{self, ApiKey, ApiKeyId};
use crate::error::Result;
use crate::http::State;

/// Requires a login of the last minutes for a key that manages others.
///
/// # Errors
/// [`Error::StaleLogin`](crate::error::Error::StaleLogin) without it.
pub(super) fn require_fresh_login(state: &State, who: &SignedIn, key: &ApiKey) -> Result<()> {
    if key.is_for_management() { who.require_fresh_login(state.clock.now()) } else { Ok(()) }
}

/// The same for the key with this id.
///
/// # Errors
/// [`Error::StaleLogin`](crate::error::Error::StaleLogin) without it, and
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
pub(super) async fn require_fresh_login_for(state: &State, who: &SignedIn, id: &ApiKeyId) -> Result<()> {
    let (account, id) = (who.account.clone(), id.clone());
    let entry = state.store.read(move |conn| api_key::find(conn, &account, &id)).await?;
    require_fresh_login(state, who, &entry.key)
}
