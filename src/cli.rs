//! The command line: its commands, and what they print.

mod licences;
mod on_database;
mod restore;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Parser, Subcommand};

use on_database::{actor, database, open, say};

use crate::app::Keyfob;
use crate::clock::Clock;
use crate::config::{Config, Settings};
use crate::domain::account::membership::Role;
use crate::domain::account::{self, AccountId};
use crate::domain::credit::{self, LedgerEntryId, TopUp};
use crate::domain::identity::operator::{self, NewOperator, OperatorId};
use crate::domain::identity::password::{self, Password};
use crate::domain::installation;
use crate::error::Error;
use crate::format::{count, grouped};
use crate::shutdown::{self, StopSignals};
use crate::store::{self, MayCreate, Tx};

/// What `--help` says about settings without a flag.
const ONLY_VARIABLES: &str = "Environment only:
  KEYFOB_LOG         What is logged: warn, info, debug, or a filter such as keyfob=debug [default: info]
  KEYFOB_LOG_FORMAT  text or json [default: text]";

/// Self-hosted API keys for your services, SMS first
#[derive(Debug, Parser)]
#[command(name = "keyfob", version, after_help = ONLY_VARIABLES)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the dashboard and the API (what happens without a command)
    Serve,
    /// Bring the tables up to date and end, for a `serve` whose role may not create tables
    Migrate,
    /// The people who log in to the dashboard
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Copy the database (SQLite) into a new file, while Keyfob is running or not
    Backup {
        /// The new file; one that exists is never overwritten
        file: PathBuf,
    },
    /// Put a backup (SQLite) in the place of the database, while Keyfob is stopped
    Restore {
        /// The backup; PostgreSQL restores its own
        #[arg(required_unless_present = "keys_off")]
        file: Option<PathBuf>,
        /// Switch every key off, until you have looked at each: a backup brings back keys that
        /// were switched off or deleted since
        #[arg(long)]
        keys_off: bool,
    },
    /// The credits of the first account: what is left, or more of them
    Credits {
        #[command(subcommand)]
        command: Option<CreditsCommand>,
    },
    /// Print the licence of Keyfob and those of everything that is built in
    Licenses,
}

#[derive(Debug, Subcommand)]
enum CreditsCommand {
    /// Add credits
    Add {
        /// How many
        credits: String,
        /// Why; it stands in the ledger
        #[arg(long)]
        note: String,
    },
}

#[derive(Debug, Subcommand)]
enum OperatorCommand {
    /// Make an operator; the password comes from a prompt, or from standard input
    Add {
        /// What they log in with
        email: String,
        /// What they are called on screen; the part before the @ when left out
        #[arg(long)]
        name: Option<String>,
        /// Make the database if it does not exist
        #[arg(long)]
        create: bool,
    },
    /// Give an operator another password, and end all their sessions
    Password {
        /// What they log in with
        email: String,
    },
}

/// Runs the command.
///
/// # Errors
/// Sentences for the user, one per problem.
pub async fn run(cli: Cli) -> Result<(), Vec<String>> {
    let config = Config::parse(&cli.settings)?;
    match cli.command {
        None | Some(Command::Serve) => serve(&config).await.map_err(|problem| vec![problem]),
        Some(Command::Licenses) => licences::print().map_err(|error| vec![error.to_string()]),
        Some(Command::Migrate) => migrate(&config).map_err(|error| sentences(&config, error)),
        Some(Command::Operator(OperatorCommand::Add { email, name, create })) => {
            add_operator(&config, email, name, create).await.map_err(|error| sentences(&config, error))
        }
        Some(Command::Operator(OperatorCommand::Password { email })) => {
            change_password(&config, email).await.map_err(|error| sentences(&config, error))
        }
        Some(Command::Backup { file }) => back_up(&config, file).await.map_err(|problem| vec![problem]),
        Some(Command::Restore { file, keys_off }) => {
            restore::restore(&config, file, keys_off).await.map_err(|error| sentences(&config, error))
        }
        Some(Command::Credits { command: None }) => {
            show_credits(&config).await.map_err(|error| sentences(&config, error))
        }
        Some(Command::Credits { command: Some(CreditsCommand::Add { credits, note }) }) => {
            add_credits(&config, &credits, &note).await.map_err(|error| sentences(&config, error))
        }
    }
}

async fn serve(config: &Config) -> Result<(), String> {
    if env!("BUILT_WITH_SQLITE_FLAGS") == "missing" && config.database_url.file().is_some() {
        tracing::warn!("this SQLite was built without the flags in .cargo/config.toml, and is slower than it could be");
    }
    let keyfob = Keyfob::build(config, Clock::System).await?;
    for caution in config.cautions() {
        tracing::info!("{caution}");
    }
    // From the greeting on, a signal stops the server in order.
    let signals = StopSignals::listen().map_err(|error| error.to_string())?;
    // A server does not depend on who reads its output.
    if let Err(error) = greet(config, &keyfob) {
        tracing::warn!(%error, "the greeting can't be written to standard output");
    }
    shutdown::run(signals, keyfob.server, &keyfob.gate, keyfob.workers, keyfob.drain)
        .await
        .map_err(|error| error.to_string())
}

/// Prints the banner in one write: a program that starts Keyfob may close the pipe
/// after it has read the setup code.
fn greet(config: &Config, keyfob: &Keyfob) -> io::Result<()> {
    let url = config.public_url.clone().unwrap_or_else(|| format!("http://{}", keyfob.address));
    let new = if keyfob.is_new { " (new)" } else { "" };
    let version = env!("CARGO_PKG_VERSION");
    let mut lines = vec![format!("Keyfob {version} · database {}{new}", config.database_url), String::new()];
    match &keyfob.setup_code {
        Some(code) => {
            lines.push(format!("  Open        {url}/setup"));
            lines.push(format!("  Setup code  {}", code.expose()));
        }
        None => lines.push(format!("  Open        {url}")),
    }
    if let Some(address) = keyfob.metrics_address {
        lines.push(format!("  Metrics     http://{address}/metrics"));
    }
    lines.push("\n".to_owned());
    let mut out = io::stdout().lock();
    out.write_all(lines.join("\n").as_bytes())?;
    out.flush()
}

fn migrate(config: &Config) -> Result<(), Error> {
    open(config, MayCreate::Tables)?;
    say(config, "The tables are up to date.")
}

async fn add_operator(config: &Config, email: String, name: Option<String>, create: bool) -> Result<(), Error> {
    let email = operator::parse_email(&email)?;
    let name = operator::parse_name(name.as_deref().or(email.split('@').next()).unwrap_or_default())?;
    let store = open(config, if create { MayCreate::Database } else { MayCreate::Nothing })?;
    let password_hash = ask_for_password(vec![email.clone(), name.clone()]).await?;
    let now = Clock::System.now();
    let shown = email.clone();
    let new = NewOperator { id: OperatorId::mint(), email, name, password_hash };
    store
        .change(actor(), now, move |tx| {
            installation::prepare(tx, now)?;
            let account = account::first(tx)?;
            operator::create(tx, &account, Role::Owner, new)
        })
        .await?;
    say(config, &format!("{shown} can log in now."))
}

async fn change_password(config: &Config, email: String) -> Result<(), Error> {
    let store = open(config, MayCreate::Nothing)?;
    let wanted = email.clone();
    let operator =
        store.read(move |conn| operator::find_by_email(conn, &wanted)).await.map_err(|error| match error {
            Error::NotFound => Error::invalid("email", format!("There is no operator {email}.")),
            error => error,
        })?;
    let hash = ask_for_password(vec![operator.email.clone(), operator.name.clone()]).await?;
    let id = operator.id.clone();
    store.change(actor(), Clock::System.now(), move |tx| operator::set_password(tx, &id, &hash)).await?;
    say(config, &format!("{} has a new password, and all their sessions were ended.", operator.email))
}

async fn show_credits(config: &Config) -> Result<(), Error> {
    let credits = with_account(config, |tx, account| credit::balance(tx, account)).await?;
    say(config, &format!("{}.", count(credits, "credit")))
}

async fn add_credits(config: &Config, credits: &str, note: &str) -> Result<(), Error> {
    let top_up = TopUp::parse(LedgerEntryId::mint().as_str(), credits, note)?;
    let amount = top_up.amount();
    let balance = with_account(config, move |tx, account| {
        credit::add(tx, account, None, top_up)?;
        credit::balance(tx, account)
    });
    let balance = balance.await?;
    say(config, &format!("{} added; the account has {} now.", count(amount, "credit"), grouped(balance)))
}

/// Runs `work` on the first account, after a first start's preparations.
async fn with_account<T: Send + 'static>(
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

async fn back_up(config: &Config, file: PathBuf) -> Result<(), String> {
    let (url, began) = (config.database_url.clone(), Instant::now());
    let shown = format!("The database was copied to {}", file.display());
    let copied = tokio::task::spawn_blocking(move || store::back_up(&url, &file)).await;
    let bytes = copied.map_err(|error| error.to_string())??;
    let (size, seconds) = (bytes as f64 / 1e6, began.elapsed().as_secs_f64());
    say(config, &format!("{shown}: {size:.1} MB in {seconds:.1} s.")).map_err(|error| error.to_string())
}

/// Reads a password and hashes it if it passes the checks; `about` are words that it
/// must not consist of. In a blocking thread, since hashing takes half a second.
async fn ask_for_password(about: Vec<String>) -> Result<String, Error> {
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

fn sentences(config: &Config, error: Error) -> Vec<String> {
    match error {
        Error::Invalid(errors) => errors.iter().map(|(_, message)| message.to_owned()).collect(),
        Error::Unavailable { reason, cause } => {
            vec![format!("{} can't be used: {} ({cause:#})", database(config), reason.sentence())]
        }
        Error::Internal(cause) => vec![format!("{cause:#}")],
        other => vec![other.to_string()],
    }
}
