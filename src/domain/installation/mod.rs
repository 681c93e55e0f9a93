//! The rows that every installation has from its first start: an account, the SMS
//! service and the key of session cookies.

mod name;

use zeroize::Zeroizing;

pub use name::{DEFAULT_NAME, name, parse_name, rename};

use super::setting::Setting;
use super::{account, guard, service, service_scope, setting};
use crate::error::{Error, Result};
use crate::store::{Conn, Digest, UtcTime, start_alone};
use crate::{hex, random};

/// The bytes of a [`CookieKey`]: half of them encrypt, half of them sign.
const COOKIE_KEY_BYTES: usize = 64;
const FINGERPRINT_CHARS: usize = 8;

/// The key that session cookies are encrypted and signed with. It is in the database,
/// so that every instance has the same one.
pub struct CookieKey(Zeroizing<[u8; COOKIE_KEY_BYTES]>);

impl CookieKey {
    /// Its 64 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &*self.0
    }

    /// A short text that tells installations apart and says nothing of the key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Digest::of(&*self.0).to_hex().chars().take(FINGERPRINT_CHARS).collect()
    }
}

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey(..)")
    }
}

/// Inserts the rows that are missing. Returns the cookie key.
///
/// # Errors
/// When the database fails, or its cookie key is damaged.
pub fn prepare(conn: &mut Conn, now: UtcTime) -> Result<CookieKey> {
    start_alone(conn)?;
    if let Some(account) = account::ensure_one(conn, now)? {
        guard::open_account(conn, &account)?;
    }
    if service::ensure_sms(conn, now)? {
        service_scope::ensure_sms(conn)?;
    }
    service::ensure_management(conn, now)?;
    service_scope::ensure_management(conn)?;
    let key = match setting::get(conn, Setting::CookieKey)? {
        Some(key) => Zeroizing::new(key),
        None => {
            let key = Zeroizing::new(random::hex::<COOKIE_KEY_BYTES>()?);
            setting::set(conn, Setting::CookieKey, &key)?;
            key
        }
    };
    hex::decode(&key)
        .map(CookieKey)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("settings.cookie_key is not 64 bytes of hex")))
}
