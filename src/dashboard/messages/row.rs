//! A message's row in the table, and the name of its key.

use super::paths::path;
use super::words::status_word;
use crate::dashboard::api_keys;
use crate::dashboard::frame::ago::Age;
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::Mode;
use crate::domain::message::{MessageEntry, MessageId};
use crate::format::grouped;
use crate::store::UtcTime;

/// Stands for a number that the retention has removed.
const REMOVED: &str = "Number removed";
/// A row shows this many characters of a text.
const MAX_EXCERPT_CHARS: usize = 120;

/// What a row shows.
pub(super) struct MessageRow {
    pub(super) id: MessageId,
    /// Its page, which knows the way back to the same list.
    pub(super) href: String,
    pub(super) recipient: String,
    pub(super) is_test: bool,
    pub(super) rehearsed: bool,
    pub(super) text: String,
    pub(super) status: &'static str,
    pub(super) status_word: &'static str,
    /// What is wrong, if anything, in a sentence.
    pub(super) fault: Option<&'static str>,
    pub(super) is_final: bool,
    pub(super) segments: i64,
    /// What it cost in the end.
    pub(super) credits: String,
    pub(super) refunded: Option<String>,
    pub(super) key: KeyName,
    /// The carrier that has it or that it waits for; `None` for a rehearsal.
    pub(super) carrier: Option<String>,
    pub(super) when: When,
    pub(super) age: Age,
}

impl MessageRow {
    /// A row of a list whose address ends with `suffix`.
    pub(super) fn new(entry: MessageEntry, refunded: i64, suffix: &str, now: UtcTime) -> Self {
        let key = KeyName::of(&entry);
        let message = entry.message;
        Self {
            key,
            href: format!("{}{suffix}", path(&message.id)),
            recipient: if message.recipient.is_removed() { REMOVED.to_owned() } else { message.recipient.to_string() },
            is_test: message.mode == Mode::Test,
            rehearsed: message.rehearsed,
            text: shortened(message.text.as_str()),
            status: message.status.as_str(),
            status_word: status_word(message.status),
            fault: message.error.map(|fault| fault.sentence()),
            is_final: message.has_ended(),
            segments: message.segments,
            credits: grouped(message.credits - refunded),
            refunded: (refunded > 0).then(|| format!("{} refunded", grouped(refunded))),
            carrier: (!message.carrier.is_sandbox()).then(|| message.carrier.to_string()),
            when: message.created_at.into(),
            age: Age::of(message.created_at, now),
            id: message.id,
        }
    }
}

/// What a message was sent with.
pub(in crate::dashboard) enum KeyName {
    /// A key, with the last four characters of its secret and the address of its page.
    Known { name: String, tail: String, href: String },
    /// A key that was deleted since.
    Deleted,
    /// No key: an operator did it.
    Dashboard,
}

impl KeyName {
    fn of(MessageEntry { message, api_key, key_tail }: &MessageEntry) -> Self {
        let name = api_key.clone().map(|name| (name, key_tail.clone().unwrap_or_default()));
        Self::new(message.api_key_id.as_ref(), name)
    }

    /// A key with its name and the end of its secret, which a deleted key has no more; `None`
    /// for the dashboard.
    pub(in crate::dashboard) fn new(id: Option<&ApiKeyId>, name: Option<(String, String)>) -> Self {
        match (id, name) {
            (None, _) => Self::Dashboard,
            (Some(_), None) => Self::Deleted,
            (Some(id), Some((name, tail))) => Self::Known { name, tail, href: api_keys::paths::path(id) },
        }
    }
}

/// The beginning of a text, cut between characters.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened(&"😀".repeat(120)), "😀".repeat(120));
        assert_eq!(shortened(&"😀".repeat(121)), format!("{}…", "😀".repeat(120)));
        assert_eq!(shortened(&format!("{} b", "a".repeat(119))), format!("{}…", "a".repeat(119)));
    }
}
