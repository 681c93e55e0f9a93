//! Passwords from a prompt or from standard input.

use std::io::{self, BufRead, IsTerminal};

use crate::domain::identity::password::{self, Password};
use crate::error::Error;

/// Reads a password and hashes it if it passes the checks; `about` are words that it
/// must not consist of. In a blocking thread, since hashing takes half a second.
pub(super) async fn ask_for_password(about: Vec<String>) -> Result<String, Error> {
    tokio::task::spawn_blocking(move || {
        let password = read_password().map_err(Error::internal)?;
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        password.check("password", &about)?;
        password::hash(&password)
    })
    .await
    .map_err(Error::internal)?
}

fn read_password() -> io::Result<Password> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password("Password (at least 15 characters): ").map(Password::new);
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    // Editors on Windows begin a file with a byte order mark, which nobody sees or types.
    if line.starts_with('\u{feff}') {
        line.drain(..'\u{feff}'.len_utf8());
    }
    Ok(Password::new(line))
}
