//! `keyfob operator role`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::found::find;
use crate::cli::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account::membership::Role;
use crate::domain::identity::operator;
use crate::error::Result;
use crate::store::MayCreate;

#[derive(Debug, Args)]
pub(crate) struct RoleArguments {
    /// What they log in with
    email: String,
    /// Viewers look, admins also change, owners also manage people
    #[arg(value_parser = parse_role())]
    role: Role,
}

/// Reads the name of a role.
pub(super) fn parse_role() -> impl TypedValueParser<Value = Role> {
    let names = Role::VARIANTS.iter().map(|role| role.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Role>().map_err(|()| "there is no such role"))
}

pub(super) async fn change_role(config: &Config, arguments: RoleArguments) -> Result<()> {
    let RoleArguments { email, role } = arguments;
    let store = open(config, MayCreate::Nothing)?;
    let changed = store.change(actor(), Clock::System.now(), move |tx| {
        let (operator, account) = find(tx, &email)?;
        operator::change_role(tx, &account, &operator.id, role)
    });
    let (member, is_changed) = changed.await?;
    let (email, role) = (member.operator.email, role.as_str());
    say(config, &format!("{email} {} {role}.", if is_changed { "is now" } else { "was already" }))
}
