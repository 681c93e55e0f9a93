//! Delivery receipts in SMPP 3.4: optional parameters (§5.3.2.12, §5.3.2.35), a
//! line of text (appendix B), or both.

use crate::domain::message::ReceiptState;

/// The most characters of an id (SMPP 3.4 §5.2.23).
const MAX_ID_CHARS: usize = 64;
/// The most characters of a carrier's error code; appendix B has 3.
const MAX_ERROR_CHARS: usize = 20;

/// How a carrier writes receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReceiptDialect {
    /// How it writes ids.
    pub(super) ids: ReceiptIds,
    /// Whether a text that reads like a receipt is one, though nothing marks it.
    pub(super) by_text: bool,
}

impl Default for ReceiptDialect {
    fn default() -> Self {
        Self { ids: ReceiptIds::AsIs, by_text: false }
    }
}

/// How a carrier writes ids in receipts, compared with `submit_sm_resp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReceiptIds {
    /// The same.
    AsIs,
    /// Hexadecimal in receipts, decimal in responses.
    Hex,
    /// Decimal in receipts, hexadecimal in responses.
    Decimal,
}

impl ReceiptIds {
    /// The id as the response had it; an id that is not a number is unchanged.
    pub(super) fn as_answered(self, id: &str) -> String {
        let converted = match self {
            Self::AsIs => None,
            Self::Hex => u128::from_str_radix(id, 16).ok().map(|number| number.to_string()),
            Self::Decimal => id.parse::<u128>().ok().map(|number| format!("{number:x}")),
        };
        converted.unwrap_or_else(|| id.to_owned())
    }
}

/// The line of text of a receipt (appendix B).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ReceiptText {
    /// The carrier's id of the segment.
    pub id: Option<String>,
    /// What became of it.
    pub state: Option<ReceiptState>,
    /// The carrier's error code, `None` if it is zero, behind the word for the state
    /// if SMPP does not have it.
    pub error: Option<String>,
}

impl ReceiptText {
    /// Reads `id:… stat:… err:…` in any order and case, with spaces or commas in
    /// between, and a state without `stat:` too. The rest after `text:` is ignored,
    /// since it is the message itself and anybody may have written it. Accepts any
    /// bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut fields = text.split(|c: char| c.is_whitespace() || c == '\0').flat_map(split_fields).peekable();
        let (mut id, mut word, mut bare_word, mut code) = (None, None, None, None);
        while let Some(field) = fields.next() {
            let Some((name, value)) = field.split_once([':', '=']) else {
                set_once(&mut bare_word, known_state(field).map(|_| field));
                continue;
            };
            let value = value.trim_end_matches([',', ';']);
            // The value may stand behind a space.
            let mut value = || match value {
                "" => fields.next_if(|next| !begins_field(next)).unwrap_or_default().trim_end_matches([',', ';']),
                value => value,
            };
            match name.to_ascii_lowercase().as_str() {
                "text" => break,
                "id" => set_once(&mut id, token(value(), MAX_ID_CHARS)),
                "stat" | "status" => set_once(&mut word, token(value(), MAX_ERROR_CHARS).filter(|word| is_word(word))),
                "err" | "error" => set_once(&mut code, token(value(), MAX_ERROR_CHARS)),
                _ => {}
            }
        }
        let word = word.or_else(|| bare_word.map(str::to_owned));
        let known = word.as_deref().and_then(known_state);
        // Every state that SMPP does not have stands for a failure of its own.
        let state = known.or(word.as_ref().map(|_| ReceiptState::Undelivered));
        let code = code.filter(|code| !code.trim_matches('0').is_empty());
        let error = match (word.filter(|_| known.is_none()), code) {
            (Some(word), Some(code)) => Some(format!("{word} {code}")),
            (word, code) => word.or(code),
        };
        Self { id, state, error }
    }
}

/// The fields that receipts are known to have.
const FIELD_NAMES: [&str; 11] =
    ["id", "sub", "dlvrd", "submit", "done", "date", "stat", "status", "err", "error", "text"];

/// Whether a word is a known field with its value.
fn begins_field(word: &str) -> bool {
    word.split_once([':', '=']).is_some_and(|(name, _)| FIELD_NAMES.contains(&name.to_ascii_lowercase().as_str()))
}

/// The fields of a word: commas and semicolons separate them, but an id may have
/// some of its own.
fn split_fields(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(word).filter(|word| !word.is_empty());
    std::iter::from_fn(move || {
        let all = rest.take()?;
        let separators = all.match_indices([',', ';']).map(|(at, _)| at);
        match separators.into_iter().find(|at| begins_field(&all[at + 1..])) {
            Some(at) => {
                rest = Some(&all[at + 1..]);
                Some(&all[..at])
            }
            None => Some(all),
        }
    })
}

/// Sets a field once: the first occurrence counts.
fn set_once<T>(field: &mut Option<T>, value: Option<T>) {
    if field.is_none() {
        *field = value;
    }
}

/// `text`, if it is 1 to `max_chars` visible ASCII characters.
pub(super) fn token(text: &str, max_chars: usize) -> Option<String> {
    let fits = (1..=max_chars).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// A state begins with a letter and has letters, digits and underscores alone.
fn is_word(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Matches the first letters, since carriers abbreviate states differently.
fn known_state(word: &str) -> Option<ReceiptState> {
    let word = word.to_ascii_uppercase();
    let known = [
        ("DELIV", ReceiptState::Delivered),
        ("UNDEL", ReceiptState::Undelivered),
        ("REJEC", ReceiptState::Rejected),
        ("EXPIR", ReceiptState::Expired),
        ("DELET", ReceiptState::Deleted),
        ("UNKNO", ReceiptState::Unknown),
        ("ACCEP", ReceiptState::Accepted),
        ("ACKED", ReceiptState::Accepted),
        ("ENROU", ReceiptState::Enroute),
        ("BUFFR", ReceiptState::Enroute),
        ("BUFFE", ReceiptState::Enroute),
    ];
    // "Delivery" begins a report, or words such as DELIVERY_FAILED.
    let known = known.iter().filter(|_| !word.starts_with("DELIVERY"));
    known.copied().find(|(start, _)| word.starts_with(start)).map(|(_, state)| state)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_line_of_the_appendix_is_read() {
        let line = b"id:0A1b2C sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:UNDELIV err:011 \
                     Text:hello";
        let expected = ReceiptText {
            id: Some("0A1b2C".into()),
            state: Some(ReceiptState::Undelivered),
            error: Some("011".into()),
        };
        assert_eq!(ReceiptText::parse(line), expected);
        assert_eq!(ReceiptText::parse(b"ERR:011\tSTAT:undelivered\r\nID:0A1b2C"), expected);
    }

    #[test]
    fn what_the_message_itself_says_is_not_believed() {
        let line = b"id:1 text:hi id:2 stat:DELIVRD err:7";
        let expected = ReceiptText { id: Some("1".into()), ..ReceiptText::default() };
        assert_eq!(ReceiptText::parse(line), expected);
        assert_eq!(ReceiptText::parse(b"id:1 id:2 stat:DELIVRD stat:UNDELIV").state, Some(ReceiptState::Delivered));
    }

    #[test]
    fn garbage_says_nothing() {
        let long = format!("id:{} err:{}", "1".repeat(65), "1".repeat(21));
        for garbage in ["", "id:", "stat:", "stat:-1", "id", ":::", "id:\u{e9}", "sub:-1", "err:000", &long] {
            assert_eq!(ReceiptText::parse(garbage.as_bytes()), ReceiptText::default(), "{garbage}");
        }
        assert_eq!(ReceiptText::parse(&[0xff, 0, 0x80, b':']), ReceiptText::default());
    }

    #[test]
    fn ids_are_turned_into_what_the_answer_said() {
        assert_eq!(ReceiptIds::AsIs.as_answered("00fF"), "00fF");
        assert_eq!(ReceiptIds::Hex.as_answered("00fF"), "255");
        assert_eq!(ReceiptIds::Decimal.as_answered("255"), "ff");
        for no_number in ["", "g-1", "+1-", &"9".repeat(64)] {
            assert_eq!(ReceiptIds::Hex.as_answered(no_number), no_number);
            assert_eq!(ReceiptIds::Decimal.as_answered(no_number), no_number);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let read = ReceiptText::parse(&bytes);
            prop_assert!(read.id.is_none_or(|id| id.is_ascii() && (1..=64).contains(&id.len())));
        }

        #[test]
        fn what_is_written_is_read(
            id in "[!-~]{0,63}[!-+--:<-~]",
            err in "[1-9a-zA-Z]{1,20}",
            before in "( ?(sub:[0-9-]{1,4}|date:x|[a-z]{1,5}|dlvrd:9))*",
            after in "\\PC*",
        ) {
            let line = format!("{before} id:{id} stat:DELIVRD err:{err} text:{after}");
            let state = Some(ReceiptState::Delivered);
            prop_assume!(!before.contains("text:"));
            prop_assert_eq!(ReceiptText::parse(line.as_bytes()), ReceiptText { id: Some(id), state, error: Some(err) });
        }
    }
}
