//! Passwords: Argon2id, off the async threads, a few at a time.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use super::throttle::Permit;
use crate::error::{Error, Result};
use crate::random;

/// OWASP's floor for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of salt (RFC 9106 §3.1).
const SALT: usize = 16;
/// Memory blocks of 1 KiB that the C library does not keep for later.
const GIVEN_BACK: usize = 33 * 1024;
/// How many hashes are worked out at once: bounds memory to 2 × 19 MiB.
const AT_ONCE: usize = 2;

/// In characters. NIST SP 800-63B-4 §3.1.1.2 for a password that is the only factor.
pub const SHORTEST: usize = 15;
/// In characters; nobody's password is cut, longer ones are refused.
pub const LONGEST: usize = 1000;

/// With fewer characters than this, known words are not made into a password.
const LITTLE: usize = 5;

/// Words that anybody would try here.
const PRODUCT: [&str; 6] = ["keyfob", "api", "keys", "sms", "dashboard", "operator"];

/// A password as it was typed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what was typed, every character as it is.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Holds a new password against the rules: long enough, and not among those
    /// that are tried first; `about` is what is known of its owner. No rule on
    /// which characters (NIST SP 800-63B-4 §3.1.1.2).
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field` when it is too short, too long or too common.
    pub fn check(&self, field: &'static str, about: &[&str]) -> Result<()> {
        match self.0.chars().count() {
            length if length < SHORTEST => Err(Error::invalid(
                field,
                format!("Use at least {SHORTEST} characters; this has {length}. A few words do well."),
            )),
            length if length > LONGEST => Err(Error::invalid(field, format!("Use at most {LONGEST} characters."))),
            _ if self.is_common(about) => Err(Error::invalid(
                field,
                "This is among the first passwords that are tried. Use a few words that do not belong together.",
            )),
            _ => Ok(()),
        }
    }
}

impl Password {
    /// Whether it is found with fewer than a million guesses, by lists of
    /// passwords in use, words, repeats, keyboard rows and what is known of
    /// its owner.
    fn is_common(&self, about: &[&str]) -> bool {
        // Longer ones are beyond such a search, and would take long to try.
        let start: String = self.0.chars().take(100).collect();
        let start = Zeroizing::new(start);
        let words = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let known: Vec<&str> = about.iter().copied().chain(words).chain(PRODUCT).collect();
        is_little_beside(&start, &known) || zxcvbn(&start, &known).score() < Score::Two
    }
}

/// Whether there is hardly more to a text than known words, in any order.
fn is_little_beside(text: &str, known: &[&str]) -> bool {
    let text = Zeroizing::new(text.to_lowercase());
    let mut words: Vec<String> = known.iter().map(|word| word.to_lowercase()).filter(|word| word.len() > 2).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let rest = words.iter().fold(text.clone(), |rest, word| Zeroizing::new(rest.replace(word, "")));
    let own = rest.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation()).count();
    rest.len() < text.len() && own < LITTLE
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What a right or wrong password came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Check {
    /// It is not the password, or there is nobody to log in.
    Wrong,
    /// It is the password.
    Right,
    /// It is, and its hash was made with weaker parameters: keep this one.
    RightWithNewHash(String),
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// A hash in PHC form with a salt of its own.
    ///
    /// # Errors
    /// When the operating system has no random bytes or no memory to give.
    pub async fn hash(&self, password: Password) -> Result<String> {
        self.work(move || hash(&password)).await
    }

    /// Checks a password against a hash. Where nobody is known it is hashed all
    /// the same, so that both take as long (ASVS 6.3.8). Wants the
    /// throttle's permit, so that no route can compare without it.
    ///
    /// # Errors
    /// When the hash is none.
    pub async fn check(&self, password: Password, known: Option<String>, _: Permit) -> Result<Check> {
        self.work(move || match known {
            Some(known) => check(&password, &known),
            None => hash(&password).map(|_| Check::Wrong),
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _permit = self.permits.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

/// What new hashes are made with.
fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What an existing hash was made with.
fn argon2_of(hash: &PasswordHash) -> Result<Argon2<'static>> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(failed)?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(failed)?;
    Ok(Argon2::new(algorithm, version, Params::try_from(hash).map_err(failed)?))
}

fn failed(error: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Error {
    Error::internal(anyhow::anyhow!(error))
}

/// Hashes on this thread; for the command line.
///
/// # Errors
/// As [`Passwords::hash`].
pub fn hash(password: &Password) -> Result<String> {
    let argon2 = argon2()?;
    let salt = random::bytes::<SALT>()?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(failed)?,
        salt: Some(Salt::new(&*salt).map_err(failed)?),
        hash: Some(derive(&argon2, password, &*salt)?),
    };
    Ok(hash.to_string())
}

fn check(password: &Password, known: &str) -> Result<Check> {
    let parsed = PasswordHash::new(known).map_err(failed)?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Ok(Check::Wrong);
    };
    // Compared in constant time: `Output` sees to it.
    if derive(&argon2_of(&parsed)?, password, salt)? != *expected {
        return Ok(Check::Wrong);
    }
    if is_current(&parsed) { Ok(Check::Right) } else { hash(password).map(Check::RightWithNewHash) }
}

fn derive(argon2: &Argon2, password: &Password, salt: &[u8]) -> Result<Output> {
    let mut output = vec![0; argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    let memory = memory(argon2.params().block_count())?;
    argon2.hash_password_into_with_memory(password.0.as_bytes(), salt, &mut output, memory).map_err(failed)?;
    Output::new(&output).map_err(failed)
}

/// Room for one hash, out of a piece so large that it goes back to the system
/// after the hash. glibc keeps pieces below 32 MiB, one for each thread that
/// ever hashed: 19 MiB a piece, for good. What is not used is not resident.
fn memory(blocks: usize) -> Result<Vec<Block>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(GIVEN_BACK)).map_err(failed)?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

fn is_current(hash: &PasswordHash) -> bool {
    let at_least = |name: &str, floor: u32| hash.params.get_decimal(name).is_some_and(|value| value >= floor);
    hash.algorithm.as_str() == "argon2id" && at_least("m", MEMORY_KIB) && at_least("t", PASSES) && at_least("p", LANES)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn a_hash_is_argon2id_with_the_owasp_floor_and_a_salt_of_its_own() {
        let one = hash(&password("correct horse battery")).unwrap();
        let two = hash(&password("correct horse battery")).unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
    }

    #[test]
    fn hashes_are_those_of_the_argon2_library() {
        let ours = hash(&password("correct horse battery")).unwrap();
        let parsed = PasswordHash::new(&ours).unwrap();
        assert_eq!(argon2().unwrap().verify_password(b"correct horse battery", &parsed), Ok(()));
        let theirs = argon2().unwrap().hash_password(b"correct horse battery").unwrap().to_string();
        assert_eq!(check(&password("correct horse battery"), &theirs).unwrap(), Check::Right);
    }

    #[test]
    fn every_byte_of_a_long_password_counts() {
        let long = "x".repeat(200);
        let known = hash(&password(&long)).unwrap();
        assert_eq!(check(&password(&long), &known).unwrap(), Check::Right);
        assert_eq!(check(&password(&format!("{}y", &long[1..])), &known).unwrap(), Check::Wrong);
    }

    #[test]
    fn a_right_password_with_old_parameters_gives_a_new_hash() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).unwrap());
        let known = weak.hash_password(b"correct horse battery").unwrap().to_string();
        let Check::RightWithNewHash(new) = check(&password("correct horse battery"), &known).unwrap() else {
            panic!("the old hash was taken for a current one");
        };
        assert_eq!(check(&password("correct horse battery"), &new).unwrap(), Check::Right);
        assert_eq!(check(&password("wrong"), &known).unwrap(), Check::Wrong);
    }

    #[test]
    fn length_is_the_only_rule_and_spaces_and_any_script_are_fine() {
        let long = "correct horse battery staple ".repeat(34);
        for fine in ["correct horse battery", "žluťoučký kůň pěl", "🦀 🐎 🔋 📎 🚲 🥕 🎈 🧭", "xq7tz9wkjvpm2rc", &long]
        {
            assert!(password(fine).check("password", &[]).is_ok(), "{fine}");
        }
        for wrong in ["", "fourteen chars", &"correct horse ".repeat(72)] {
            assert!(password(wrong).check("password", &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        let about = ["ada@example.com", "Ada Lovelace"];
        for common in [
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfghjkl",
            "aaaaaaaaaaaaaaaa",
            "               ",
            "keyfobkeyfobkeyfob",
            "Keyfob API keys 2026",
            "dashboard-of-Lovelace",
            "ada@example.com",
            "adalovelaceadalovelace",
            "iloveyouiloveyou",
            "abcdefghijklmnop",
        ] {
            assert!(password(common).check("password", &about).is_err(), "{common}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_password() {
        assert_eq!(format!("{:?}", password("hunter2")), "Password(..)");
    }
}
