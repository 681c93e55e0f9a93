//! Values of the installation as a whole, by name.

use diesel::prelude::*;

use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::settings;

/// Which value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
    /// 64 random bytes in hexadecimal: signs and encrypts the session cookie.
    CookieKey,
    /// The SHA-256 of the setup code, until the first operator is made.
    SetupCode,
}

impl Setting {
    const fn name(self) -> &'static str {
        match self {
            Self::CookieKey => "cookie_key",
            Self::SetupCode => "setup_code",
        }
    }
}

pub(super) fn get(conn: &mut Conn, setting: Setting) -> Result<Option<String>> {
    Ok(settings::table.find(setting.name()).select(settings::value).first(conn).optional()?)
}

pub(super) fn set(conn: &mut Conn, setting: Setting, value: &str) -> Result<()> {
    let changed = diesel::update(settings::table.find(setting.name())).set(settings::value.eq(value)).execute(conn)?;
    if changed == 0 {
        diesel::insert_into(settings::table)
            .values((settings::name.eq(setting.name()), settings::value.eq(value)))
            .execute(conn)?;
    }
    Ok(())
}

/// Removes the value if it is `value`; tells whether it was. Of two who try,
/// one succeeds.
pub(super) fn take(conn: &mut Conn, setting: Setting, value: &str) -> Result<bool> {
    let row = settings::table.filter(settings::name.eq(setting.name())).filter(settings::value.eq(value));
    Ok(diesel::delete(row).execute(conn)? == 1)
}
