//! `keyfob operator`: the people who log in to the dashboard.

mod add;
mod found;
mod list;
mod password;
mod remove;
mod reset_second_factor;
mod role;
mod status;
mod typed_password;

use clap::Subcommand;

use crate::config::Config;
use crate::error::Error;

use add::AddArguments;
use role::RoleArguments;

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// List the people of the first account
    List {
        /// One JSON object on each line
        #[arg(long)]
        json: bool,
    },
    /// Make an operator; the password comes from a prompt, or from standard input
    Add(AddArguments),
    /// Give an operator another role
    Role(RoleArguments),
    /// Keep an operator from logging in, and end all their sessions
    Disable {
        /// What they log in with
        email: String,
    },
    /// Let an operator log in again
    Enable {
        /// What they log in with
        email: String,
    },
    /// Remove an operator, and end all their sessions
    Remove {
        /// What they log in with
        email: String,
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
        OperatorCommand::List { json } => list::list(config, json).await,
        OperatorCommand::Add(arguments) => add::add(config, arguments).await,
        OperatorCommand::Role(arguments) => role::change_role(config, arguments).await,
        OperatorCommand::Disable { email } => status::disable(config, email).await,
        OperatorCommand::Enable { email } => status::enable(config, email).await,
        OperatorCommand::Remove { email } => remove::remove(config, email).await,
        OperatorCommand::Password { email } => password::change_password(config, email).await,
        OperatorCommand::ResetSecondFactor { email } => reset_second_factor::run(config, email).await,
    }
}
