//! `keyfob setting`: the rules of the whole installation.

use clap::{Subcommand, ValueEnum};

use super::on_database::{actor, open, print, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{self, Lifetimes};
use crate::domain::identity::second_factor::SecondFactorRule;
use crate::error::{Error, FieldErrors};
use crate::store::{Conn, MayCreate};

#[derive(Debug, Subcommand)]
pub(super) enum SettingCommand {
    /// Print the settings: name, value and what it means
    List,
    /// Change a setting, from now on; keys that exist keep their ends
    Set {
        /// Which
        name: SettingName,
        /// A number of days, 0 is no rule; or nobody, owners or everybody
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
    /// Who needs a second factor
    SecondFactorRule,
}

/// The values of all settings.
#[derive(Clone, Copy)]
struct SettingValues {
    lifetimes: Lifetimes,
    second_factor_rule: SecondFactorRule,
}

impl SettingValues {
    fn read(conn: &mut Conn) -> Result<Self, Error> {
        Ok(Self { lifetimes: Lifetimes::read(conn)?, second_factor_rule: SecondFactorRule::read(conn)? })
    }
}

impl SettingName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays => "default_lifetime_days",
            Self::MaxLifetimeDays => "max_lifetime_days",
            Self::SecondFactorRule => "second_factor_rule",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays => "days after which a new key ends when nobody chose; 0 is never",
            Self::MaxLifetimeDays => "days that a key may last at most; 0 is no limit",
            Self::SecondFactorRule => "who needs a second factor: nobody, owners or everybody",
        }
    }

    /// What is wrong with an empty value.
    const fn expected(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays | Self::MaxLifetimeDays => "Write a number of days; 0 is no rule.",
            Self::SecondFactorRule => "Write nobody, owners or everybody.",
        }
    }

    fn value(self, settings: SettingValues) -> String {
        match self {
            Self::DefaultLifetimeDays => settings.lifetimes.default_days.to_string(),
            Self::MaxLifetimeDays => settings.lifetimes.max_days.to_string(),
            Self::SecondFactorRule => settings.second_factor_rule.as_str().to_owned(),
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
    let settings = open(config, MayCreate::Nothing)?.read(SettingValues::read).await?;
    let line = |name: &SettingName| format!("{:<21}  {:>9}  {}\n", name.as_str(), name.value(settings), name.meaning());
    print(&SettingName::value_variants().iter().map(line).collect::<String>()).map(drop)
}

async fn set(config: &Config, name: SettingName, value: String) -> Result<(), Error> {
    // A script whose variable is empty must not end a rule.
    if value.trim().is_empty() {
        return Err(Error::invalid(name.as_str(), format!("{}: {}", name.as_str(), name.expected())));
    }
    let store = open(config, MayCreate::Nothing)?;
    let change = store.change(actor(), Clock::System.now(), move |tx| {
        let stored = SettingValues::read(tx)?;
        let typed = |other: SettingName| if other == name { value.clone() } else { other.value(stored) };
        let [default, max] = [SettingName::DefaultLifetimeDays, SettingName::MaxLifetimeDays].map(typed);
        api_key::save_lifetimes(tx, Lifetimes::parse(&default, &max)?)?;
        SecondFactorRule::parse(&typed(SettingName::SecondFactorRule))?.save(tx)?;
        SettingValues::read(tx)
    });
    let settings = change.await.map_err(with_names)?;
    say(config, &format!("{} is {} now.", name.as_str(), name.value(settings)))
}

/// A rule may be wrong because of the other one, so each message names its setting.
fn with_names(error: Error) -> Error {
    let Error::Invalid(errors) = error else { return error };
    let mut named = FieldErrors::default();
    errors.iter().for_each(|(field, message)| named.add(field, format!("{field}: {message}")));
    Error::Invalid(named)
}
