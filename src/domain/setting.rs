//! Values of the whole installation, by name.

use diesel::prelude::*;

use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::settings;

/// The name of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
    /// The key of session cookies: 64 random bytes in hexadecimal.
    CookieKey,
    /// The SHA-256 of the setup code in hexadecimal, until there is an operator.
    SetupCode,
    /// The lifetime of a new key in days when nobody chose one; `0` is none.
    DefaultLifetimeDays,
    /// The longest lifetime of a key in days; `0` is none.
    MaxLifetimeDays,
    /// What people call the installation; empty is no name of its own.
    InstanceName,
    /// Who needs a second factor.
    SecondFactorRule,
    /// What a leak report does.
    LeakReports,
}

impl Setting {
    const fn name(self) -> &'static str {
        match self {
            Self::CookieKey => "cookie_key",
            Self::SetupCode => "setup_code",
            Self::DefaultLifetimeDays => "default_lifetime_days",
            Self::MaxLifetimeDays => "max_lifetime_days",
            Self::InstanceName => "instance_name",
            Self::SecondFactorRule => "second_factor_rule",
            Self::LeakReports => "leak_reports",
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

/// Removes the value if it is `value`. Returns whether it was: of two concurrent
/// calls, one succeeds.
pub(super) fn take(conn: &mut Conn, setting: Setting, value: &str) -> Result<bool> {
    let row = settings::table.filter(settings::name.eq(setting.name())).filter(settings::value.eq(value));
    Ok(diesel::delete(row).execute(conn)? == 1)
}
