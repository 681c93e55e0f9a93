//! `keyfob operator add`.

use clap::Args;

use super::role::parse_role;
use super::typed_password::ask_for_password;
use crate::cli::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account;
use crate::domain::account::membership::Role;
use crate::domain::identity::operator::{self, NewOperator};
use crate::domain::installation;
use crate::error::Error;
use crate::store::MayCreate;

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// What they log in with
    email: String,
    /// What they may do: viewers look, admins also change, owners also manage people
    #[arg(long, value_parser = parse_role(), default_value = "owner")]
    role: Role,
    /// What they are called on screen; the part before the @ when left out
    #[arg(long)]
    name: Option<String>,
    /// Make the database if it does not exist
    #[arg(long)]
    create: bool,
}

pub(super) async fn add(config: &Config, arguments: AddArguments) -> Result<(), Error> {
    let AddArguments { email, role, name, create } = arguments;
    let email = operator::parse_email(&email)?;
    let name = operator::parse_name(name.as_deref().or(email.split('@').next()).unwrap_or_default())?;
    let store = open(config, if create { MayCreate::Database } else { MayCreate::Nothing })?;
    let password_hash = ask_for_password(vec![email.clone(), name.clone()]).await?;
    let now = Clock::System.now();
    let shown = email.clone();
    store
        .change(actor(), now, move |tx| {
            installation::prepare(tx, now)?;
            let account = account::first(tx)?;
            let id = operator::id_for(tx, &email)?;
            operator::create(tx, &account, role, NewOperator { id, email, name, password_hash })
        })
        .await?;
    say(config, &format!("{shown} can log in now."))
}
