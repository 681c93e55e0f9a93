//! Argon2id hashes of passwords. Hashing runs on threads that may block, and
//! few hashes at a time, since each takes much memory.

use std::fmt;
use std::sync::Arc;

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
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_CONCURRENT_HASHES)) }
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
            None => hash(&password).map(|_| Check::Wrong),
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
        hash: Some(derive(&argon2, password, &*salt)?),
    };
    Ok(hash.to_string())
}

fn check(password: &Password, known: &str) -> Result<Check> {
    let parsed = PasswordHash::new(known).map_err(failed)?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Ok(Check::Wrong);
    };
    // `Output` compares in constant time.
    if derive(&argon2_of(&parsed)?, password, salt)? != *expected {
        return Ok(Check::Wrong);
    }
    if is_current(&parsed) { Ok(Check::Right) } else { hash(password).map(Check::RightWithNewHash) }
}

fn derive(argon2: &Argon2, password: &Password, salt: &[u8]) -> Result<Output> {
    let mut output = vec![0; argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    let memory = memory(argon2.params().block_count())?;
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, memory).map_err(failed)?;
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
