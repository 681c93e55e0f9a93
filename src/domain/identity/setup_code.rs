//! The setup code: printed in the terminal at the start, and needed once to create
//! the first operator, so that a stranger who finds a new installation can't.

use std::fmt;

use zeroize::Zeroizing;

use super::operator;
use super::throttle::Permit;
use crate::domain::setting::{self, Setting};
use crate::error::{Error, Result};
use crate::random;
use crate::store::{Conn, Digest};

/// Without letters and digits that look alike.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const GROUP_COUNT: usize = 4;
const GROUP_CHARS: usize = 5;

/// A setup code: 100 random bits as `XXXXX-XXXXX-XXXXX-XXXXX`.
pub struct SetupCode(Zeroizing<String>);

impl SetupCode {
    /// The code, for printing in the terminal.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupCode(..)")
    }
}

/// Replaces any earlier code by a new one; `None` if an operator exists.
///
/// # Errors
/// When the database fails.
pub fn issue(conn: &mut Conn) -> Result<Option<SetupCode>> {
    if operator::exists(conn)? {
        return Ok(None);
    }
    let mut code = Zeroizing::new(String::with_capacity(GROUP_COUNT * (GROUP_CHARS + 1)));
    for group in 0..GROUP_COUNT {
        if group > 0 {
            code.push('-');
        }
        random::push_from(ALPHABET, GROUP_CHARS, &mut code)?;
    }
    setting::set(conn, Setting::SetupCode, &digest(&code))?;
    Ok(Some(SetupCode(code)))
}

/// Redeems the code, in upper or lower case, with or without dashes. It is valid once.
///
/// # Errors
/// [`Error::Invalid`] for `code` when it is wrong.
pub fn redeem(conn: &mut Conn, typed: &str, _: Permit) -> Result<()> {
    if setting::take(conn, Setting::SetupCode, &digest(typed))? {
        return Ok(());
    }
    Err(Error::invalid("code", "This code is wrong. The current one is in the terminal where Keyfob was last started."))
}

fn digest(code: &str) -> String {
    let code: Zeroizing<String> =
        Zeroizing::new(code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect());
    Digest::of(code.as_bytes()).to_hex()
}
