//! What the commands share that work on a database.

use std::io::{self, Write};

use crate::audit_log;
use crate::config::Config;
use crate::error::Error;
use crate::store::{Actor, MayCreate, OpenOptions, Store};

/// The person at the terminal, by the name of their system user.
pub(super) fn actor() -> Actor {
    let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    Actor::command_line(user.unwrap_or_else(|| "command line".to_owned()))
}

pub(super) fn open(config: &Config, may_create: MayCreate) -> Result<Store, Error> {
    let options = OpenOptions { may_create, ..config.database };
    let store =
        Store::open_with(&config.database_url, options).map_err(|problem| Error::invalid("database", problem))?;
    let followed = config.audit_log.as_ref().map(|target| audit_log::follow(&store, target)).transpose();
    followed.map_err(|problem| Error::invalid("audit_log", problem))?;
    Ok(store)
}

/// Prints what was done, and in which database: a command may run in another folder
/// than the server.
pub(super) fn say(config: &Config, text: &str) -> Result<(), Error> {
    writeln!(io::stdout(), "{text} ({})", database(config)).map_err(Error::internal)
}

/// The database with the whole path of its file.
pub(super) fn database(config: &Config) -> String {
    let file = config.database_url.file().and_then(|path| std::path::absolute(path).ok());
    file.map_or_else(|| config.database_url.to_string(), |path| format!("sqlite:{}", path.display()))
}
