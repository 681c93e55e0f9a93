//! Why the database can't be opened, in one sentence for the operator.

use super::DatabaseUrl;

/// The cause, and what to change where the cause is a known one.
pub(super) fn describe(url: &DatabaseUrl, error: &anyhow::Error) -> String {
    let cause = format!("{error:#}");
    let cause = cause.lines().next().unwrap_or_default();
    let has = |text: &str| cause.contains(text);
    let advice = match url {
        DatabaseUrl::Postgres(_) if has("no encryption") || has("SSL") => {
            "; this server wants TLS, which needs a build with: cargo build --release --features pg-tls"
        }
        DatabaseUrl::Postgres(_) if has("onnection refused") || has("translate host name") => {
            "; start the server, or mend the address in --database-url (DATABASE_URL)"
        }
        DatabaseUrl::Postgres(_) if has("authentication failed") || has("does not exist") => {
            "; mend the user, password or database in --database-url (DATABASE_URL)"
        }
        DatabaseUrl::Sqlite(_) if has("locked") => "; another program holds it: stop that program and start again",
        DatabaseUrl::Sqlite(_) if has("readonly") || has("unable to open") => {
            "; give Keyfob's user the right to write it and its folder"
        }
        DatabaseUrl::Sqlite(_) if has("not a database") || has("malformed") => "; restore it from a backup",
        DatabaseUrl::Sqlite(_) if has("full") => "; free some space on its disk",
        _ => "",
    };
    format!("{url} can't be used: {cause}{advice}")
}
