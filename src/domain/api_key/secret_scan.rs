//! Finding secrets in any text: a log, a diff, a file of a public repository.

use std::collections::HashSet;

use super::secret::{KeySecret, MAX_PREFIX_CHARS, Mode, SIGNED_CHARS, is_prefix};
use crate::error::{Error, Result};

/// The most secrets that are found in one text.
pub const MAX_FOUND_SECRETS: usize = 100;

/// What a text holds.
#[derive(Debug, Default)]
pub struct FoundSecrets {
    /// The well-formed secrets, each once, in the order of the text.
    pub secrets: Vec<KeySecret>,
    /// How many passages have the shape of a secret and a wrong checksum: a typing error,
    /// or a made-up key.
    pub mistyped: usize,
    /// Whether the text holds more secrets than [`MAX_FOUND_SECRETS`].
    pub is_cut: bool,
}

/// Finds the secrets in a text, whatever stands right before and after them.
#[must_use]
pub fn find_secrets(text: &str) -> FoundSecrets {
    let mut found = FoundSecrets::default();
    let mut digests = HashSet::new();
    for (place, _) in text.match_indices('_') {
        let Some(end) = end_of_secret(text, place) else { continue };
        let starts = starts_of_prefix(text, place);
        let secret = starts.clone().find_map(|start| KeySecret::parse(text.get(start..end)?));
        match secret {
            Some(secret) if !digests.insert(secret.digest()) => {}
            Some(_) if found.secrets.len() >= MAX_FOUND_SECRETS => found.is_cut = true,
            Some(secret) => found.secrets.push(secret),
            None if starts.count() > 0 => found.mistyped += 1,
            None => {}
        }
    }
    found
}

/// Checks that a text which is stored and shown holds no secret.
///
/// # Errors
/// [`Error::Invalid`] for `field`, which repeats nothing of the text.
pub fn refuse_secrets(field: &'static str, text: &str) -> Result<()> {
    if find_secrets(text).secrets.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(field, "This holds an API key, which would be shown to others. Remove it."))
}

/// Where a secret ends whose mode begins after the underscore at `place`.
fn end_of_secret(text: &str, place: usize) -> Option<usize> {
    let rest = text.get(place + 1..)?;
    let body = [Mode::Live, Mode::Test].iter().find_map(|mode| rest.strip_prefix(mode.as_str())?.strip_prefix('_'))?;
    let signed = body.get(..SIGNED_CHARS)?;
    let is_alphanumeric = signed.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_alphanumeric.then(|| text.len() - body.len() + SIGNED_CHARS)
}

/// Where a prefix that ends at `end` may begin, the longest one first: other letters may
/// stand right before it, as in `KEYsms_live_…`. Only one of them has the right checksum.
fn starts_of_prefix(text: &str, end: usize) -> impl Iterator<Item = usize> + Clone {
    let longest = end.saturating_sub(MAX_PREFIX_CHARS);
    (longest..end).filter(move |start| text.get(*start..end).is_some_and(is_prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(prefix: &str) -> KeySecret {
        KeySecret::generate(prefix, Mode::Live).unwrap()
    }

    fn texts(found: &FoundSecrets) -> Vec<&str> {
        found.secrets.iter().map(KeySecret::expose).collect()
    }

    #[test]
    fn a_secret_is_found_whatever_stands_around_it() {
        let key = secret("sms");
        let key = key.expose();
        for text in [
            key.to_owned(),
            format!("X-API-Key: {key}\r\n"),
            format!("+KEY={key};\n-x"),
            format!("https://example.com/?key={key}&x=1"),
            format!("“{key}”"),
            format!("ÄKEY{key}ß"),
            format!("KEY_{key}_{key}"),
            format!("abc{key}abc"),
            format!("_live_{key}"),
            format!("{{\"key\":\"{key}\\n\"}}"),
        ] {
            let found = find_secrets(&text);
            assert_eq!((texts(&found), found.mistyped, found.is_cut), (vec![key], 0, false), "{text}");
        }
    }

    #[test]
    fn each_secret_is_found_once_in_the_order_of_the_text() {
        let (one, other, mail) = (secret("sms"), KeySecret::generate("sms", Mode::Test).unwrap(), secret("mail"));
        let text = format!("{} {} {} {}", mail.expose(), one.expose(), other.expose(), one.expose());

        assert_eq!(texts(&find_secrets(&text)), [mail.expose(), one.expose(), other.expose()]);
    }

    #[test]
    fn what_has_only_the_shape_of_a_secret_is_counted() {
        let key = secret("sms");
        let key = key.expose();
        let mistyped = format!("{}{}", &key[..20], if key.as_bytes()[20] == b'a' { "b" } else { "a" }) + &key[21..];
        let strangers =
            [&key[..46], &key[4..], "sms_live_", "1_live_00000000000000000000000000000000000000", "ghp_live"];

        let found = find_secrets(&format!("{mistyped} {}", strangers.join(" ")));

        assert_eq!((texts(&found), found.mistyped), (vec![], 1));
    }

    #[test]
    fn a_text_without_end_gives_as_many_as_are_looked_up_and_says_so() {
        let keys: Vec<_> = (0..=MAX_FOUND_SECRETS).map(|_| secret("sms")).collect();
        let all: Vec<_> = keys.iter().map(KeySecret::expose).collect();

        let full = find_secrets(&all[1..].join("\n"));
        let cut = find_secrets(&all.join("\n"));

        assert_eq!((full.secrets.len(), full.is_cut), (MAX_FOUND_SECRETS, false));
        assert_eq!((texts(&cut), cut.is_cut), (all[..MAX_FOUND_SECRETS].to_vec(), true));
        assert_eq!(find_secrets(&"_live_".repeat(10_000)).mistyped, 0);
    }
}
