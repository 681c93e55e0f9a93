//! Random bytes from the operating system's generator, for secrets.

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// `N` random bytes.
///
/// # Errors
/// When the operating system has none to give.
pub fn bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng.try_fill_bytes(&mut *bytes).map_err(|error| Error::internal(anyhow::anyhow!(error)))?;
    Ok(bytes)
}

/// `N` random bytes in hexadecimal.
///
/// # Errors
/// When the operating system has none to give.
pub fn hex<const N: usize>() -> Result<String> {
    Ok(bytes::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Adds `length` characters of `alphabet` to `text`, each equally likely:
/// bytes beyond the last whole multiple of the alphabet are thrown away.
///
/// # Errors
/// When the operating system has none to give.
pub fn push_from(alphabet: &[u8], length: usize, text: &mut String) -> Result<()> {
    let fair = 256 - 256 % alphabet.len();
    let wanted = text.len() + length;
    while text.len() < wanted {
        let pool = bytes::<64>()?;
        let missing = wanted - text.len();
        let fair_bytes = pool.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        text.extend(fair_bytes.take(missing).map(|byte| char::from(alphabet[byte % alphabet.len()])));
    }
    Ok(())
}
