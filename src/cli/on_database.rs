//! What the commands share that work on a database.

use std::io::{self, ErrorKind, Write};

use crate::audit_log;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account::{self, AccountId};
use crate::domain::{credit, installation};
use crate::error::Error;
use crate::store::{Actor, MayCreate, OpenOptions, Store, Tx};

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

/// Runs `work` on the first account, after a first start's preparations.
pub(super) async fn with_account<T: Send + 'static>(
    config: &Config,
    work: impl FnOnce(&mut Tx<'_>, &AccountId) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (opening, now) = (config.opening_credits, Clock::System.now());
    let prepared = move |tx: &mut Tx<'_>| {
        installation::prepare(tx, now)?;
        credit::open_accounts(tx, opening, now)?;
        let account = account::first(tx)?;
        work(tx, &account)
    };
    open(config, MayCreate::Nothing)?.change(actor(), now, prepared).await
}

/// Prints what was done, and in which database: a command may run in another folder
/// than the server.
pub(super) fn say(config: &Config, text: &str) -> Result<(), Error> {
    print(&format!("{text} ({})\n", database(config))).map(drop)
}

/// The same on standard error, for commands whose standard output is for programs.
pub(super) fn say_aside(config: &Config, text: &str) {
    // The change is committed: a closed standard error makes no failure of it.
    let _ = writeln!(io::stderr(), "{text} ({})", database(config));
}

/// Prints on standard output. Returns whether there is still a reader: one such as
/// `head` may close the pipe before the end.
pub(super) fn print(text: &str) -> Result<bool, Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::internal(error)),
    }
}

/// The database with the whole path of its file.
pub(super) fn database(config: &Config) -> String {
    let file = config.database_url.file().and_then(|path| std::path::absolute(path).ok());
    file.map_or_else(|| config.database_url.to_string(), |path| format!("sqlite:{}", path.display()))
}
