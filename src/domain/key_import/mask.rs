//! What is shown of a secret that another system generated: what the file says of it.

use crate::domain::api_key::secret::{KeySecret, TAIL_CHARS};
use crate::error::{Error, Result};
use crate::store::Digest;

/// The longest prefix of ours, with its mode.
const MAX_START_CHARS: usize = 20;
/// Of a secret that is given as a whole, the end is shown if at least this much is not.
const MIN_HIDDEN_CHARS: usize = 16;
const HIDDEN: &str = "••••••";
/// Of a secret of which nothing is known.
const UNKNOWN: &str = "imported ••••";

/// The mask of a secret and its last characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImportedMask {
    pub(super) mask: String,
    /// Empty when it is not known.
    pub(super) tail: String,
}

impl ImportedMask {
    /// The mask of a secret of which the file has the digest, and maybe its start and end.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `start` and `tail` that are too long, or are no part of a secret.
    pub(super) fn of_digest(digest: &Digest, start: Option<&str>, tail: Option<&str>) -> Result<Self> {
        let (start, tail) = (start.unwrap_or_default(), tail.unwrap_or_default());
        check_part("start", start, MAX_START_CHARS)?;
        check_part("tail", tail, TAIL_CHARS)?;
        let holds_secret = |text: &str| Digest::of(text.as_bytes()) == *digest;
        if holds_secret(start) || holds_secret(&format!("{start}{tail}")) {
            return Err(Error::invalid(
                "start",
                "This is the whole key, which would be shown. Give its first characters.",
            ));
        }
        Ok(Self::new(start, tail))
    }

    /// The mask of a secret that is given as a whole.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `start` and `tail` that are too long, are not of this secret, or
    /// leave too little of it hidden.
    pub(super) fn of_key(key: &str, start: Option<&str>, tail: Option<&str>) -> Result<Self> {
        if let (Some(own), None, None) = (KeySecret::parse(key), start, tail) {
            return Ok(Self { mask: own.mask(), tail: own.tail().to_owned() });
        }
        let is_long = key.len() >= MIN_HIDDEN_CHARS + TAIL_CHARS;
        let end = key.get(key.len().saturating_sub(TAIL_CHARS)..).filter(|_| is_long);
        let (start, tail) = (start.unwrap_or_default(), tail.or(end).unwrap_or_default());
        check_part("start", start, MAX_START_CHARS)?;
        check_part("tail", tail, TAIL_CHARS)?;
        if !key.starts_with(start) || !key.ends_with(tail) {
            return Err(Error::invalid("start", "The key does not begin and end like this."));
        }
        if !(start.is_empty() && tail.is_empty()) && start.len() + tail.len() + MIN_HIDDEN_CHARS > key.len() {
            return Err(Error::invalid("start", "This shows too much of so short a key. Leave start and tail out."));
        }
        Ok(Self::new(start, tail))
    }

    fn new(start: &str, tail: &str) -> Self {
        let mask =
            if start.is_empty() && tail.is_empty() { UNKNOWN.to_owned() } else { format!("{start}{HIDDEN}{tail}") };
        Self { mask, tail: tail.to_owned() }
    }
}

/// The start and the end that a mask shows, for a file that is to be imported.
pub(in crate::domain) fn parts(mask: &str) -> (Option<&str>, Option<&str>) {
    match mask.split_once(HIDDEN) {
        Some((start, tail)) => {
            (Some(start).filter(|start| !start.is_empty()), Some(tail).filter(|tail| !tail.is_empty()))
        }
        None => (None, None),
    }
}

fn check_part(field: &'static str, part: &str, limit: usize) -> Result<()> {
    if part.len() > limit {
        return Err(Error::invalid(field, format!("{} characters; {limit} is the most that is shown.", part.len())));
    }
    if !part.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid(field, "Keys have visible ASCII characters only."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::secret::Mode;

    const KEY: &str = "sk-0123456789abcdefghij";

    fn of_digest(start: Option<&str>, tail: Option<&str>) -> Option<String> {
        ImportedMask::of_digest(&Digest::of(KEY.as_bytes()), start, tail).ok().map(|mask| mask.mask)
    }

    fn of_key(key: &str, start: Option<&str>, tail: Option<&str>) -> Option<String> {
        ImportedMask::of_key(key, start, tail).ok().map(|mask| mask.mask)
    }

    #[test]
    fn a_mask_shows_what_was_given() {
        assert_eq!(of_digest(None, None).as_deref(), Some("imported ••••"));
        assert_eq!(of_digest(Some("sk-0"), Some("ghij")).as_deref(), Some("sk-0••••••ghij"));
        assert_eq!(of_digest(Some("sk-0"), None).as_deref(), Some("sk-0••••••"));
        assert_eq!(of_key(KEY, None, None).as_deref(), Some("••••••ghij"));
        assert_eq!(of_key("12345678", None, None).as_deref(), Some("imported ••••"));
        assert_eq!(of_key(KEY, Some("sk-"), Some("ij")).as_deref(), Some("sk-••••••ij"));
    }

    #[test]
    fn no_mask_shows_a_secret() {
        assert_eq!(of_digest(Some(KEY), None), None, "it is too long");
        assert_eq!(of_digest(Some("sk-01234567890123456789x"), None), None);
        assert_eq!(of_digest(None, Some("fghij")), None);
        let short = Digest::of(b"12345678abcd");
        assert!(ImportedMask::of_digest(&short, Some("12345678abcd"), None).is_err());
        assert!(ImportedMask::of_digest(&short, Some("12345678"), Some("abcd")).is_err());
        for (start, tail) in [(Some("sk-01"), None), (Some("pk-"), None), (None, Some("xxxx")), (Some("s k"), None)] {
            assert_eq!(of_key(KEY, start, tail), None, "{start:?} {tail:?}");
        }
    }

    #[test]
    fn one_of_ours_gets_its_own_mask_back() {
        let own = KeySecret::generate("sms", Mode::Live).unwrap();
        let mask = own.mask();
        let (start, tail) = parts(&mask);
        assert_eq!(ImportedMask::of_digest(&own.digest(), start, tail).unwrap().mask, own.mask());
        assert_eq!(of_key(own.expose(), None, None).as_deref(), Some(&*own.mask()));
        assert_eq!(parts(UNKNOWN), (None, None));
    }
}
