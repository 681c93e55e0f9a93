//! How commands show keys to people.

use zeroize::Zeroizing;

use crate::cli::minute::minute;
use crate::cli::on_database::print;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::api_key::{ApiKeyEntry, NewSecretView};
use crate::error::Error;

/// `ends 2026-12-28 16:10 UTC`, or that it never does.
pub(super) fn end(entry: &ApiKeyEntry) -> String {
    entry.key.expires_at.map_or_else(|| "never ends".to_owned(), |end| format!("ends {} UTC", minute(end)))
}

/// Prints a new secret, alone or, as JSON, with its key on one line. There is no second chance to see it, so a reader that is
/// gone is a failure here.
pub(super) fn print_secret(entry: &ApiKeyEntry, secret: &KeySecret, json: bool) -> Result<(), Error> {
    let mut text = Zeroizing::new(if json {
        serde_json::to_string(&NewSecretView::new(entry, secret)).map_err(Error::internal)?
    } else {
        secret.expose().to_owned()
    });
    text.push('\n');
    let cause = match print(&text) {
        Ok(true) => return Ok(()),
        Ok(false) => "nobody reads standard output".to_owned(),
        Err(Error::Internal(cause)) => format!("{cause:#}"),
        Err(error) => return Err(error),
    };
    let id = &entry.key.id;
    Err(Error::invalid(
        "key",
        format!("The new secret of {id} could not be printed and is lost: {cause}. Rotate or delete this key."),
    ))
}
