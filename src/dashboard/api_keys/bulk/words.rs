//! Actions on keys in words.

use crate::domain::key_action::KeyActionKind;
use crate::format::count;

/// As a title or a button: `Switch off`.
#[must_use]
pub const fn verb(kind: KeyActionKind) -> &'static str {
    match kind {
        KeyActionKind::Enable => "Switch on",
        KeyActionKind::Disable => "Switch off",
        KeyActionKind::Extend => "Extend",
        KeyActionKind::Delete => "Delete",
        KeyActionKind::Restore => "Restore",
    }
}

/// While it runs: `Switching off`.
#[must_use]
pub const fn present(kind: KeyActionKind) -> &'static str {
    match kind {
        KeyActionKind::Enable => "Switching on",
        KeyActionKind::Disable => "Switching off",
        KeyActionKind::Extend => "Extending",
        KeyActionKind::Delete => "Deleting",
        KeyActionKind::Restore => "Restoring",
    }
}

/// What somebody did: `switched this key off`.
#[must_use]
pub fn past(kind: KeyActionKind, what: &str) -> String {
    match kind {
        KeyActionKind::Enable => format!("switched {what} on"),
        KeyActionKind::Disable => format!("switched {what} off"),
        KeyActionKind::Extend => format!("extended {what}"),
        KeyActionKind::Delete => format!("deleted {what}"),
        KeyActionKind::Restore => format!("restored {what}"),
    }
}

/// What happened to so many keys: `214 keys switched off.`
#[must_use]
pub fn done(kind: KeyActionKind, keys: i64) -> String {
    let word = match kind {
        KeyActionKind::Enable => "switched on",
        KeyActionKind::Disable => "switched off",
        KeyActionKind::Extend => "extended",
        KeyActionKind::Delete => "deleted",
        KeyActionKind::Restore => "restored",
    };
    format!("{} {word}.", count(keys, "key"))
}

/// What undoing did to so many keys.
#[must_use]
pub fn undone(kind: KeyActionKind, keys: i64) -> String {
    let word = match kind {
        KeyActionKind::Enable => "off again",
        KeyActionKind::Disable => "on again",
        KeyActionKind::Extend => "with the former end again",
        KeyActionKind::Delete => "restored",
        KeyActionKind::Restore => "in the trash again",
    };
    format!("{} {word}.", count(keys, "key"))
}

/// That so many keys were not changed back.
#[must_use]
pub fn kept(keys: i64) -> String {
    if keys == 1 {
        return "1 key was changed since and stays as it is.".to_owned();
    }
    format!("{} were changed since and stay as they are.", count(keys, "key"))
}
