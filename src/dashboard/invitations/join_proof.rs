//! The proof that the form of somebody who is logged in comes from their own page. Where
//! browsers say nothing of a form's origin, another page could send it with their cookie.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::domain::identity::link_token::LinkToken;
use crate::domain::identity::operator::OperatorId;
use crate::error::{Error, Result};
use crate::hex;
use crate::http::State;

/// What the keyed digest is for.
const PURPOSE: &[u8] = b"keyfob invitation join";

/// The proof for an operator and the link that they opened.
pub(super) fn join_proof(state: &State, id: &OperatorId, token: &LinkToken) -> Result<String> {
    Ok(hex::encode(&mac(state, id, token)?.finalize().into_bytes()))
}

/// Whether this is the proof.
pub(super) fn is_join_proof(state: &State, id: &OperatorId, token: &LinkToken, text: &str) -> Result<bool> {
    let Some(bytes) = hex::decode::<32>(text) else { return Ok(false) };
    Ok(mac(state, id, token)?.verify_slice(&*bytes).is_ok())
}

fn mac(state: &State, id: &OperatorId, token: &LinkToken) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(state.cookie_key.expose()).map_err(Error::internal)?;
    mac.update(PURPOSE);
    mac.update(id.as_str().as_bytes());
    mac.update(token.expose().as_bytes());
    Ok(mac)
}
