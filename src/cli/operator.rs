//! `keyfob operator`: the people who log in to the dashboard.

mod reset_second_factor;

use std::io::{self, BufRead, IsTerminal};

use clap::Subcommand;

use super::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account;
use crate::domain::account::membership::Role;
use crate::domain::identity::operator::{self, NewOperator, OperatorId};
use crate::domain::identity::password::{self, Password};
use crate::domain::installation;
use crate::error::Error;
use crate::store::MayCreate;

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
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
    /// Remove the second factor of an operator who has lost it, and end all their sessions
    ResetSecondFactor {
        /// What they log in with
        email: String,
    },
}

pub(super) async fn run(config: &Config, command: OperatorCommand) -> Result<(), Error> {
    match command {
        OperatorCommand::Add { email, name, create } => add(config, email, name, create).await,
        OperatorCommand::Password { email } => change_password(config, email).await,
        OperatorCommand::ResetSecondFactor { email } => reset_second_factor::run(config, email).await,
    }
}

async fn add(config: &Config, email: String, name: Option<String>, create: bool) -> Result<(), Error> {
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
