//! Secrets that the file refers to and does not hold.

use std::fs;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::environment::Environment;

/// What stands for itself in every part of a URL (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL with the values of its `${VARIABLES}`. Within a URL they are escaped, so that a
/// password is set as it is; a variable alone is the URL.
pub(super) fn fill_in(url: &str, environment: Environment<'_>) -> Result<Zeroizing<String>, String> {
    let mut filled = Zeroizing::new(String::with_capacity(url.len()));
    let mut rest = url;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').ok_or("a ${ has no } behind the name of its variable")?;
        let value = variable(name, environment)?;
        filled.push_str(before);
        if before.is_empty() && filled.is_empty() && behind.is_empty() {
            return Ok(value);
        }
        utf8_percent_encode(&value, ESCAPED).for_each(|part| filled.push_str(part));
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn variable(name: &str, environment: Environment<'_>) -> Result<Zeroizing<String>, String> {
    // What is no name may be a part of a password, which is not repeated.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err("between ${ and } stands the name of an environment variable: letters, digits and _".to_owned());
    }
    match environment(name).map(Zeroizing::new) {
        Some(value) if !value.is_empty() => Ok(value),
        Some(_) => Err(format!("the environment variable {name} is empty")),
        None => Err(format!("the environment variable {name} is not set")),
    }
}

/// The content of a file of secrets, without the end of its line.
pub(super) fn content(path: &str) -> Result<Zeroizing<String>, String> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| format!("the file {path} can't be read ({})", error.kind()))?;
    match text.trim() {
        "" => Err(format!("the file {path} is empty")),
        text => Ok(Zeroizing::new(text.to_owned())),
    }
}
