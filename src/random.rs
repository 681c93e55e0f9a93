//! Random bytes from the operating system's generator, for secrets (OWASP ASVS 5.0
//! §11.5.1).

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::hex;

/// `N` random bytes.
///
/// # Errors
/// When the operating system has no random bytes.
pub fn bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng.try_fill_bytes(&mut *bytes).map_err(|error| Error::internal(anyhow::anyhow!(error)))?;
    Ok(bytes)
}

/// `N` random bytes as lower-case hexadecimal digits.
///
/// # Errors
/// When the operating system has no random bytes.
pub fn hex<const N: usize>() -> Result<String> {
    Ok(hex::encode(&*bytes::<N>()?))
}

/// Appends `length` characters of `alphabet` (at most 256) to `text`. Each is equally
/// likely: bytes beyond the last multiple of the alphabet's length are rejected.
///
/// # Errors
/// When the operating system has no random bytes.
pub fn push_from(alphabet: &[u8], length: usize, text: &mut String) -> Result<()> {
    let fair = 256 - 256 % alphabet.len();
    let end = text.len() + length;
    while text.len() < end {
        let pool = bytes::<64>()?;
        let missing = end - text.len();
        let fair_bytes = pool.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        text.extend(fair_bytes.take(missing).map(|byte| char::from(alphabet[byte % alphabet.len()])));
    }
    Ok(())
}
