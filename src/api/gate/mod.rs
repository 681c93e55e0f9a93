//! Questions about keys: `verify` for services, `auth` for reverse proxies.

pub mod auth;
mod parameters;
pub mod presented_key;
pub mod verify;

use actix_web::guard::GuardContext;

/// The gate has one spelling of its addresses: `/v1/%61uth` is another one, so
/// that a proxy's rule for `/v1/auth` covers all that reaches it.
#[must_use]
pub fn is_written_plainly(context: &GuardContext<'_>) -> bool {
    !context.head().uri.path().contains('%')
}
