//! What every installation has from its first start: an account, the SMS
//! service and the key for its cookies.

use zeroize::Zeroizing;

use super::setting::Setting;
use super::{account, service, setting};
use crate::error::{Error, Result};
use crate::random;
use crate::store::{Conn, UtcTime, start_alone};

/// Signs and encrypts session cookies; the same for every instance on a database.
pub struct CookieKey(Zeroizing<Vec<u8>>);

impl CookieKey {
    /// Its 64 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    fn from_hex(text: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> =
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
        bytes.filter(|bytes| bytes.len() == 64).map(|bytes| Self(Zeroizing::new(bytes)))
    }
}

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey(..)")
    }
}

/// Makes what is missing; gives the cookie key.
///
/// # Errors
/// When the database fails, or holds a cookie key that is none.
pub fn prepare(conn: &mut Conn, now: UtcTime) -> Result<CookieKey> {
    start_alone(conn)?;
    account::ensure_one(conn, now)?;
    service::ensure_sms(conn, now)?;
    let key = match setting::get(conn, Setting::CookieKey)? {
        Some(key) => Zeroizing::new(key),
        None => {
            let key = Zeroizing::new(random::hex::<64>()?);
            setting::set(conn, Setting::CookieKey, &key)?;
            key
        }
    };
    CookieKey::from_hex(&key)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("settings.cookie_key is not 64 bytes of hex")))
}
