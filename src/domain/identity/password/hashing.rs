//! Argon2id hashes of passwords. Hashing runs on threads that may block, and
//! few hashes at a time, since each takes much memory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use super::Password;
use crate::domain::identity::throttle::Permit;
use crate::error::{Error, Result};
use crate::random;

/// OWASP's minimum for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// As recommended by RFC 9106 §3.1.
const SALT_BYTES: usize = 16;
/// Allocations of at least this many blocks of 1 KiB are returned to the system
/// when they are freed: glibc's largest threshold for `mmap` is 32 MiB.
const MIN_ALLOCATED_BLOCKS: usize = 33 * 1024;
/// Bounds the memory of hashing to 2 × 19 MiB.
const MAX_CONCURRENT_HASHES: usize = 2;
/// Rating a new password takes up to a second of one processor for texts that are
/// made to take long.
const MAX_CONCURRENT_RATINGS: usize = 1;
/// How long a new password may wait for its rating, and be rated.
const RATING_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of checking a password.
#[derive(Debug, PartialEq, Eq)]
pub enum Check {
    /// It is not the password, or there is no operator to log in.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, but its hash has weaker parameters than today's: store this one instead.
    RightWithNewHash(String),
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    ratings: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT_HASHES)),
            ratings: Arc::new(Semaphore::new(MAX_CONCURRENT_RATINGS)),
        }
    }
}

impl Passwords {
    /// Hashes a password with a random salt, in PHC form.
    ///
    /// # Errors
    /// When the operating system has no random bytes or no memory left.
    pub async fn hash(&self, password: Password) -> Result<String> {
        self.work(move || hash(&password)).await
    }

    /// Checks whether a new password of somebody with these names and addresses is
    /// strong enough, on a thread that may block. The throttle's permit bounds how
    /// often an outsider can ask for it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field` when it is not, [`Error::TooMany`] when other
    /// passwords are rated for too long.
    pub async fn check_new(
        &self,
        password: Password,
        field: &'static str,
        about: Vec<String>,
        _: &Permit,
    ) -> Result<()> {
        let ratings = Arc::clone(&self.ratings);
        let rate = async move {
            let permit = ratings.acquire_owned().await.map_err(Error::internal)?;
            let check = move || {
                // Held for as long as the thread works, though nobody may wait for it any more.
                let _permit = permit;
                password.check(field, &about.iter().map(String::as_str).collect::<Vec<_>>())
            };
            tokio::task::spawn_blocking(check).await.map_err(Error::internal)?
        };
        let too_long = |_| Error::TooMany { retry_after: RATING_TIMEOUT.as_secs() };
        tokio::time::timeout(RATING_TIMEOUT, rate).await.map_err(too_long)?
    }

    /// Checks a password against the hash of an operator. Without an operator the
    /// password is hashed all the same, so that the response time does not reveal
    /// whether an address is known (ASVS 6.3.8). The throttle's permit is a
    /// parameter, so that no route can check passwords without a rate limit.
    ///
    /// # Errors
    /// When the stored hash is damaged.
    pub async fn check(&self, password: Password, known: Option<String>, _: Permit) -> Result<Check> {
        self.work(move || match known {
            Some(known) => check(&password, &known),
            None => decoy(&password).map(|()| Check::Wrong),
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _permit = self.permits.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

/// The parameters of new hashes.
fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The parameters of an existing hash.
fn argon2_of(hash: &PasswordHash) -> Result<Argon2<'static>> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(failed)?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(failed)?;
    Ok(Argon2::new(algorithm, version, Params::try_from(hash).map_err(failed)?))
}

fn failed(error: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Error {
    Error::internal(anyhow::anyhow!(error))
}

/// Hashes on the calling thread, for the command line.
///
/// # Errors
/// As [`Passwords::hash`].
pub fn hash(password: &Password) -> Result<String> {
    let argon2 = argon2()?;
    let salt = random::bytes::<SALT_BYTES>()?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(failed)?,
        salt: Some(Salt::new(&*salt).map_err(failed)?),
        hash: Some(derive(&argon2, password.normalized().as_bytes(), &*salt)?),
    };
    Ok(hash.to_string())
}

fn check(password: &Password, known: &str) -> Result<Check> {
    let parsed = PasswordHash::new(known).map_err(failed)?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Ok(Check::Wrong);
    };
    let argon2 = argon2_of(&parsed)?;
    let normalized = password.normalized();
    for spelling in password.spellings() {
        // `Output` compares in constant time.
        if derive(&argon2, spelling.as_bytes(), salt)? == *expected {
            let is_current = spelling == normalized && is_current(&parsed);
            return if is_current { Ok(Check::Right) } else { hash(password).map(Check::RightWithNewHash) };
        }
    }
    Ok(Check::Wrong)
}

/// As much work as the check of a wrong password.
fn decoy(password: &Password) -> Result<()> {
    let (argon2, salt) = (argon2()?, random::bytes::<SALT_BYTES>()?);
    password.spellings().iter().try_for_each(|spelling| derive(&argon2, spelling.as_bytes(), &*salt).map(|_| ()))
}

fn derive(argon2: &Argon2, password: &[u8], salt: &[u8]) -> Result<Output> {
    let mut output = vec![0; argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    let memory = memory(argon2.params().block_count())?;
    argon2.hash_password_into_with_memory(password, salt, &mut output, memory).map_err(failed)?;
    Output::new(&output).map_err(failed)
}

/// The memory for one hash, allocated so large that the system gets it back after
/// the hash. glibc would keep 19 MiB in the arena of every thread that has ever
/// hashed. Pages beyond the blocks are never touched, and so not resident.
fn memory(blocks: usize) -> Result<Vec<Block>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(MIN_ALLOCATED_BLOCKS)).map_err(failed)?;
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
    fn a_letter_is_the_same_however_it_is_composed() {
        let (composed, decomposed, wide) =
            ("gr\u{fc}ne Pferde ziehen", "gru\u{308}ne Pferde ziehen", "ｇrüne Pferde ziehen");
        let known = hash(&password(decomposed)).unwrap();
        for typed in [composed, decomposed, wide] {
            assert_eq!(check(&password(typed), &known).unwrap(), Check::Right, "{typed}");
        }
        assert_eq!(check(&password("grune Pferde ziehen"), &known).unwrap(), Check::Wrong);
    }

    #[test]
    fn a_hash_of_the_text_as_it_was_typed_is_known_and_replaced() {
        for as_typed in ["gr\u{fc}ne Pferde ziehen", "gru\u{308}ne Pferde ziehen", "ﬁsche schwimmen weit"] {
            let known = argon2().unwrap().hash_password(as_typed.as_bytes()).unwrap().to_string();
            let replaced = check(&password(as_typed), &known).unwrap();
            let is_normal = *password(as_typed).normalized() == *as_typed;
            assert_eq!(matches!(replaced, Check::RightWithNewHash(_)), !is_normal, "{as_typed}");
            assert_eq!(matches!(replaced, Check::Right), is_normal, "{as_typed}");
        }
        let decomposed = argon2().unwrap().hash_password("gru\u{308}ne Pferde ziehen".as_bytes()).unwrap().to_string();
        let composed = check(&password("gr\u{fc}ne Pferde ziehen"), &decomposed).unwrap();
        assert!(matches!(composed, Check::RightWithNewHash(_)), "{composed:?}");
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
}
