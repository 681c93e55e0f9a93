//! Why the database can't be opened, in one sentence for the operator.

use super::DatabaseUrl;

/// The first line of the cause; others only repeat it for each address of a server.
pub(super) fn first_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().next().unwrap_or_default().to_owned()
}

/// Whether the server may only not be up yet, or not be known to the name service yet.
pub(super) fn may_come_up(error: &anyhow::Error) -> bool {
    let cause = format!("{error:#}");
    [
        "onnection refused",
        "timeout expired",
        "translate host name",
        "the database system is starting up",
        "the database system is in recovery mode",
        "the database system is shutting down",
        "server closed the connection",
        "No route to host",
        "Network is unreachable",
    ]
    .iter()
    .any(|text| cause.contains(text))
}

/// The cause, and what to change where the cause is a known one.
pub(super) fn describe(url: &DatabaseUrl, error: &anyhow::Error) -> String {
    let cause = first_line(error);
    let has = |text: &str| cause.contains(text);
    let advice = match url {
        DatabaseUrl::Postgres(_) if has("no encryption") => {
            "; this server takes TLS only: write sslmode=verify-full in place of sslmode=disable"
        }
        DatabaseUrl::Postgres(_) if has("prepared statement") => {
            "; behind a connection pooler in transaction mode start Keyfob with --database-pooler"
        }
        DatabaseUrl::Postgres(_) if has("onnection refused") || has("translate host name") => {
            "; start the server, or mend the address in --database-url (DATABASE_URL)"
        }
        DatabaseUrl::Postgres(_) if has("authentication failed") || has("does not exist") => {
            "; mend the user, password or database in --database-url (DATABASE_URL)"
        }
        DatabaseUrl::Postgres(_) if has("too many") || has("connection slots") => {
            "; allow this role more connections, or take fewer with --database-connections"
        }
        DatabaseUrl::Postgres(_) if has("is a standby") || has("session is read-only") || has("hot standby mode") => {
            "; name the primary in --database-url (DATABASE_URL), or all servers as in postgres://USER@HOST1,HOST2/DATABASE"
        }
        DatabaseUrl::Postgres(_) if has("permission denied") => {
            "; make this role the owner of the database (ALTER DATABASE … OWNER TO …), or bring the tables up to date \
             with `keyfob migrate` as a role that may create them"
        }
        DatabaseUrl::Postgres(_) if has("lock timeout") => {
            "; another program is changing its tables: try again when that is done"
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
