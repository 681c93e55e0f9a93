//! `keyfob setting`: the rules of the whole installation.

use clap::{Subcommand, ValueEnum};

use super::on_database::{actor, open, print, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{self, Lifetimes};
use crate::error::{Error, FieldErrors};
use crate::store::MayCreate;

#[derive(Debug, Subcommand)]
pub(super) enum SettingCommand {
    /// Print the settings: name, value and what it means
    List,
    /// Change a setting, from now on; keys that exist keep their ends
    Set {
        /// Which
        name: SettingName,
        /// A number of days; 0 is no rule
        value: String,
    },
}

/// The settings that may be seen and changed. Others of the same table are secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum SettingName {
    /// Days after which a new key ends when nobody chose
    DefaultLifetimeDays,
    /// Days that a key may last at most
    MaxLifetimeDays,
}

impl SettingName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays => "default_lifetime_days",
            Self::MaxLifetimeDays => "max_lifetime_days",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays => "days after which a new key ends when nobody chose; 0 is never",
            Self::MaxLifetimeDays => "days that a key may last at most; 0 is no limit",
        }
    }

    const fn value(self, rules: Lifetimes) -> i64 {
        match self {
            Self::DefaultLifetimeDays => rules.default_days,
            Self::MaxLifetimeDays => rules.max_days,
        }
    }
}

pub(super) async fn run(config: &Config, command: SettingCommand) -> Result<(), Error> {
    match command {
        SettingCommand::List => list(config).await,
        SettingCommand::Set { name, value } => set(config, name, value).await,
    }
}

async fn list(config: &Config) -> Result<(), Error> {
    let rules = open(config, MayCreate::Nothing)?.read(Lifetimes::read).await?;
    let line = |name: &SettingName| format!("{:<21}  {:>5}  {}\n", name.as_str(), name.value(rules), name.meaning());
    print(&SettingName::value_variants().iter().map(line).collect::<String>()).map(drop)
}

async fn set(config: &Config, name: SettingName, value: String) -> Result<(), Error> {
    let store = open(config, MayCreate::Nothing)?;
    let change = store.change(actor(), Clock::System.now(), move |tx| {
        let rules = Lifetimes::read(tx)?;
        let typed = |other: SettingName| if other == name { value.clone() } else { other.value(rules).to_string() };
        let rules = Lifetimes::parse(&typed(SettingName::DefaultLifetimeDays), &typed(SettingName::MaxLifetimeDays))?;
        api_key::save_lifetimes(tx, rules)?;
        Ok(rules)
    });
    let rules = change.await.map_err(with_names)?;
    say(config, &format!("{} is {} now.", name.as_str(), name.value(rules)))
}

/// A rule may be wrong because of the other one, so each message names its setting.
fn with_names(error: Error) -> Error {
    let Error::Invalid(errors) = error else { return error };
    let mut named = FieldErrors::default();
    errors.iter().for_each(|(field, message)| named.add(field, format!("{field}: {message}")));
    Error::Invalid(named)
}
