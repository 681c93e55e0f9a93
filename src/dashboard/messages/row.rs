//! A message's row in the table, and the name of its key.

use super::words::status_word;
use crate::dashboard::api_keys::paths;
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::secret::Mode;
use crate::domain::message::{Message, MessageEntry, MessageId};
use crate::store::UtcTime;

/// Stands for a number that the retention has removed.
const REMOVED: &str = "Number removed";
/// A row shows this many characters of a text.
const MAX_EXCERPT_CHARS: usize = 120;

/// What a row shows.
pub(super) struct MessageRow {
    pub(super) id: MessageId,
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
    pub(super) credits: i64,
    pub(super) key: KeyName,
    pub(super) when: When,
    pub(super) ago: String,
}

impl MessageRow {
    pub(super) fn new(MessageEntry { message, api_key }: MessageEntry, now: UtcTime) -> Self {
        Self {
            key: KeyName::of(&message, api_key),
            recipient: if message.recipient.is_removed() { REMOVED.to_owned() } else { message.recipient.to_string() },
            is_test: message.mode == Mode::Test,
            rehearsed: message.rehearsed,
            text: shortened(message.text.as_str()),
            status: message.status.as_str(),
            status_word: status_word(message.status),
            fault: message.error.map(|fault| fault.sentence()),
            is_final: message.has_ended(),
            segments: message.segments,
            credits: message.credits,
            when: message.created_at.into(),
            ago: ago(message.created_at, now),
            id: message.id,
        }
    }
}

/// What a message was sent with.
pub(super) enum KeyName {
    /// A key, with the address of its page.
    Known { name: String, href: String },
    /// A key that was deleted since.
    Deleted,
    /// No key: an operator did it.
    Dashboard,
}

impl KeyName {
    pub(super) fn of(message: &Message, name: Option<String>) -> Self {
        match (&message.api_key_id, name) {
            (None, _) => Self::Dashboard,
            (Some(_), None) => Self::Deleted,
            (Some(id), Some(name)) => Self::Known { name, href: paths::path(id) },
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
