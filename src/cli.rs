//! The command line: its commands, and what they print.

mod audit;
mod carriers;
mod copy;
mod credits;
mod doctor;
mod duration;
mod health;
mod key;
mod licences;
mod minute;
mod on_database;
mod operator;
mod restore;
mod setting;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use audit::AuditCommand;
use carriers::CarriersCommand;
use credits::CreditsCommand;
use key::KeyCommand;
use on_database::{database, open, say};
use operator::OperatorCommand;
use setting::SettingCommand;

use crate::app::Keyfob;
use crate::clock::Clock;
use crate::config::{Config, Settings};
use crate::environment;
use crate::error::Error;
use crate::secret_text::SecretText;
use crate::server::listen_address::ListenAddress;
use crate::service_manager;
use crate::shutdown::{self, StopSignals};
use crate::store::{self, MayCreate};

/// What `--help` says about settings without a flag.
const ONLY_VARIABLES: &str = "Environment only:
  KEYFOB_LOG         What is logged: warn, info, debug, or a filter such as keyfob=debug [default: info]
  KEYFOB_LOG_FORMAT  text or json [default: text]
  DATABASE_URL_FILE, KEYFOB_SMS_TRANSPORT_FILE
                     A file that holds the value, such as /run/secrets/database_url";

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
    /// The keys of programs: make, list, switch off, rotate and delete them
    ///
    /// `create` and `list` are about the first account; the other commands find a key by its id,
    /// whatever its account: a shell on the server gives access to all of them.
    #[command(subcommand)]
    Key(KeyCommand),
    /// The people who log in to the dashboard
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// The rules of the whole installation, such as how long keys last at most
    #[command(subcommand)]
    Setting(SettingCommand),
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
    /// Copy everything into another, empty database (SQLite or PostgreSQL), while Keyfob is stopped
    Copy {
        /// The database to fill; one that has anything in it is refused
        #[arg(long, value_name = "URL")]
        to: SecretText,
    },
    /// The credits of the first account: what is left, or more of them
    Credits {
        #[command(subcommand)]
        command: Option<CreditsCommand>,
    },
    /// Check the carriers that --carriers or --sms-transport names, and list their routes
    Carriers {
        #[command(subcommand)]
        command: Option<CarriersCommand>,
    },
    /// The record of every change
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Ask the running server whether it is ready: exit 0 if it is, 1 if not
    Health,
    /// Look for what is wrong, and change nothing: exit 0 if all is well, 1 after warnings, 2 after failures
    Doctor {
        /// One JSON object on each line
        #[arg(long)]
        json: bool,
    },
    /// Print the licence of Keyfob and those of everything that is built in
    #[command(alias = "licences")]
    Licenses,
}

impl Cli {
    /// Checks what the flags mean together, which their definitions can't say.
    ///
    /// # Errors
    /// A wrong use of the command line, for the library to explain.
    pub fn checked(self) -> Result<Self, clap::Error> {
        let conflict = match &self.command {
            Some(Command::Key(command)) => command.conflict(),
            _ => None,
        };
        conflict.map_or(Ok(self), |sentence| Err(Self::command().error(ErrorKind::ArgumentConflict, sentence)))
    }
}

/// Runs the command. `problems` are faults of environment variables and secret files, one sentence for each.
///
/// # Errors
/// Sentences for the user, one per problem.
pub async fn run(cli: Cli, mut problems: Vec<String>) -> Result<ExitCode, Vec<String>> {
    let command = cli.command.unwrap_or(Command::Serve);
    match command {
        Command::Licenses => return licences::print().map(success).map_err(|error| vec![error.to_string()]),
        // Asking the server needs none of its secrets.
        Command::Health => problems.clear(),
        _ => {}
    }
    let config = match Config::parse(&cli.settings) {
        Ok(config) if problems.is_empty() => Ok(config),
        parsed => Err(problems.into_iter().chain(parsed.err().into_iter().flatten()).collect()),
    };
    if let Command::Doctor { json } = command {
        let unknown = environment::unknown_variables(&Cli::command());
        return doctor::examine(config, &unknown, json).await.map_err(|error| sentences("the database", error));
    }
    run_with(&config?, command).await
}

const fn success((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

async fn run_with(config: &Config, command: Command) -> Result<ExitCode, Vec<String>> {
    let one = |problem| vec![problem];
    let done = match command {
        Command::Serve => return serve(config).await.map(success).map_err(one),
        Command::Backup { file } => return back_up(config, file).await.map(success).map_err(one),
        // Run before: they do without valid settings.
        Command::Licenses | Command::Doctor { .. } => Ok(()),
        Command::Health => health::tell(config).await,
        Command::Migrate => migrate(config),
        Command::Key(command) => key::run(config, command).await,
        Command::Operator(command) => operator::run(config, command).await,
        Command::Setting(command) => setting::run(config, command).await,
        Command::Restore { file, keys_off } => restore::restore(config, file, keys_off).await,
        Command::Copy { to } => copy::copy(config, &to).await,
        Command::Credits { command } => credits::run(config, command).await,
        Command::Carriers { command } => carriers::run(config, command),
        Command::Audit(command) => audit::run(config, command).await,
    };
    done.map(success).map_err(|error| sentences(&database(config), error))
}

/// The settings that a command's help shows; all others are the server's.
fn shown_settings(command: &str) -> &'static [&'static str] {
    match command {
        "health" => &["listen"],
        _ => &["database_url", "wait_for_database", "database_pooler"],
    }
}

/// Leaves the settings of the server out of the help of other commands, which take them
/// all the same: a script may give every command the same flags.
#[must_use]
pub fn hide_server_settings(command: clap::Command) -> clap::Command {
    let settings: Vec<_> = command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    command.mut_subcommands(|sub| {
        let shown = shown_settings(sub.get_name());
        let is_of_server = |arg: &&clap::Arg| !shown.contains(&arg.get_id().as_str());
        let hidden = settings.iter().filter(is_of_server).map(|arg| arg.clone().hide(true));
        if ["serve", "doctor"].contains(&sub.get_name()) { sub } else { sub.args(hidden.collect::<Vec<_>>()) }
    })
}

async fn serve(config: &Config) -> Result<(), String> {
    if env!("BUILT_WITH_SQLITE_FLAGS") == "missing" && config.database_url.file().is_some() {
        tracing::warn!("this SQLite was built without the flags in .cargo/config.toml, and is slower than it could be");
    }
    let keyfob = Keyfob::build(config, Clock::System).await?;
    keyfob.store.log_encryption();
    for caution in config.cautions() {
        tracing::info!("{caution}");
    }
    // From the greeting on, a signal stops the server in order.
    let signals = StopSignals::listen().map_err(|error| error.to_string())?;
    // A server does not depend on who reads its output.
    if let Err(error) = greet(config, &keyfob) {
        tracing::warn!(%error, "the greeting can't be written to standard output");
    }
    service_manager::ready(&url(config, &keyfob));
    actix_web::rt::spawn(service_manager::feed_watchdog());
    shutdown::run(signals, keyfob.server, &keyfob.gate, keyfob.workers, keyfob.drain)
        .await
        .map_err(|error| error.to_string())
}

fn url(config: &Config, keyfob: &Keyfob) -> String {
    match (&config.public_url, keyfob.address.from_this_machine()) {
        (Some(url), _) => url.to_string(),
        (None, ListenAddress::Tcp(address)) => format!("http://{address}"),
        (None, ListenAddress::Unix(_)) => "https://YOUR-PROXY".to_owned(),
    }
}

/// Prints the banner in one write: a program that starts Keyfob may close the pipe
/// after it has read the setup code.
fn greet(config: &Config, keyfob: &Keyfob) -> io::Result<()> {
    let url = url(config, keyfob);
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
    if keyfob.address.tcp().is_none() {
        lines.push(format!("  Listens at  {}", keyfob.address));
    }
    if let Some(address) = &keyfob.metrics_address {
        let scheme = if address.tcp().is_some() { "http://" } else { "" };
        lines.push(format!("  Metrics     {scheme}{}/metrics", address.from_this_machine()));
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

async fn back_up(config: &Config, file: PathBuf) -> Result<(), String> {
    let (url, began) = (config.database_url.clone(), Instant::now());
    let shown = format!("The database was copied to {}", file.display());
    let copied = tokio::task::spawn_blocking(move || store::back_up(&url, &file)).await;
    let bytes = copied.map_err(|error| error.to_string())??;
    let (size, seconds) = (bytes as f64 / 1e6, began.elapsed().as_secs_f64());
    say(config, &format!("{shown}: {size:.1} MB in {seconds:.1} s.")).map_err(|error| error.to_string())
}

fn sentences(database: &str, error: Error) -> Vec<String> {
    match error {
        Error::Invalid(errors) => errors.iter().map(|(_, message)| message.to_owned()).collect(),
        Error::Unavailable { reason, cause } => {
            vec![format!("{database} can't be used: {} ({cause:#})", reason.sentence())]
        }
        Error::Internal(cause) => vec![format!("{cause:#}")],
        other => vec![other.to_string()],
    }
}
