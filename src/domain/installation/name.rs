//! What people call the installation.

use crate::domain::audit;
use crate::domain::setting::{self, Setting};
use crate::domain::text;
use crate::error::Result;
use crate::store::{Conn, Tx};

/// The name of an installation that was given none.
pub const DEFAULT_NAME: &str = "Keyfob";
const MAX_NAME_CHARS: usize = 60;

/// The name that was given to the installation.
///
/// # Errors
/// When the database fails.
pub fn name(conn: &mut Conn) -> Result<Option<String>> {
    Ok(setting::get(conn, Setting::InstanceName)?.filter(|name| !name.is_empty()))
}

/// Validates a name: one line of 1 to 60 characters. Nothing, or the default, is no name.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) for `instance_name`.
pub fn parse_name(typed: &str) -> Result<Option<String>> {
    if text::is_blank(typed) {
        return Ok(None);
    }
    let name = text::line("instance_name", "Name", MAX_NAME_CHARS, typed)?;
    Ok(Some(name).filter(|name| name != DEFAULT_NAME))
}

/// Gives the installation a name or takes it away; the same name changes nothing.
///
/// # Errors
/// When the database fails.
pub fn rename(tx: &mut Tx<'_>, new: Option<&str>) -> Result<()> {
    let before = name(tx)?;
    if before.as_deref() == new {
        return Ok(());
    }
    setting::set(tx, Setting::InstanceName, new.unwrap_or_default())?;
    let event = audit::settings_changed();
    tx.audit(event.field("instance_name", before.as_deref(), new).done())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_nothing_or_the_default_is_none() {
        for nothing in ["", " \u{200b}", "Keyfob", " Keyfob "] {
            assert_eq!(parse_name(nothing).unwrap(), None, "{nothing:?}");
        }
        for name in ["Acme <b>keys</b>", "K", &"ž".repeat(60)] {
            assert_eq!(parse_name(name).unwrap().as_deref(), Some(name));
        }
        for wrong in ["a\nb", &"x".repeat(61)] {
            assert!(parse_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
