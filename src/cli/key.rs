//! `keyfob key`: the keys of programs.

mod create;
mod delete;
mod export;
mod found;
mod import;
mod list;
mod management;
mod restore;
mod rotate;
mod show;
mod shown;
mod status;
mod trash;

use clap::Subcommand;

use crate::config::Config;
use crate::domain::api_key::KeyStatus;
use crate::error::Error;

use create::CreateArguments;
use export::ExportArguments;
use import::ImportArguments;
use list::ListArguments;
use rotate::RotateArguments;
use status::DisableArguments;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key; it alone is printed on standard output, this once
    Create(CreateArguments),
    /// List keys, newest first, without their secrets
    List(ListArguments),
    /// Show one key, without its secrets
    Show {
        /// Its id, as `key list` prints it
        id: String,
        /// One JSON object on one line
        #[arg(long)]
        json: bool,
    },
    /// Switch a key off; running servers refuse it within a second
    Disable(DisableArguments),
    /// Switch a key on
    Enable {
        /// Its id
        id: String,
    },
    /// Give a key a new secret, which alone is printed; the old one works until the grace is over
    Rotate(RotateArguments),
    /// Delete a key; running servers refuse it within a second, and for 7 days it can be restored
    Delete {
        /// Its id
        id: String,
    },
    /// Restore a key that was deleted in the last 7 days, as it was
    Restore {
        /// Its id, as `key list --trash` prints it
        id: String,
        /// One JSON object on one line
        #[arg(long)]
        json: bool,
    },
    /// Take over keys of another system, or of another Keyfob; a file may be imported again
    Import(ImportArguments),
    /// Print the keys of the first account, without or with their digests
    Export(ExportArguments),
}

impl KeyCommand {
    /// What is wrong with the flags taken together.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        match self {
            Self::Create(arguments) => arguments.conflict(),
            _ => None,
        }
    }
}

pub(super) async fn run(config: &Config, command: KeyCommand) -> Result<(), Error> {
    match command {
        KeyCommand::Create(arguments) => create::create(config, arguments).await,
        KeyCommand::List(arguments) => list::list(config, arguments).await,
        KeyCommand::Show { id, json } => show::show(config, &id, json).await,
        KeyCommand::Disable(arguments) => status::disable(config, arguments).await,
        KeyCommand::Enable { id } => status::set(config, &id, KeyStatus::Enabled.into()).await,
        KeyCommand::Rotate(arguments) => rotate::rotate(config, arguments).await,
        KeyCommand::Delete { id } => delete::delete(config, &id).await,
        KeyCommand::Restore { id, json } => restore::restore(config, &id, json).await,
        KeyCommand::Import(arguments) => import::import(config, arguments).await,
        KeyCommand::Export(arguments) => export::export(config, arguments).await,
    }
}
