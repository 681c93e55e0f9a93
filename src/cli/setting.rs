//! `keyfob setting`: the rules of the whole installation.

use clap::{Subcommand, ValueEnum};

use super::on_database::{actor, open, print, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{self, Lifetimes};
use crate::domain::identity::second_factor::SecondFactorRule;
use crate::domain::installation;
use crate::domain::leak_report::LeakReportPolicy;
use crate::error::{Error, FieldErrors, Result};
use crate::store::{Conn, MayCreate};

#[derive(Debug, Subcommand)]
pub(super) enum SettingCommand {
    /// Print the settings: name, value and what it means
    List,
    /// Change a setting, from now on; keys that exist keep their ends
    Set {
        /// Which
        name: SettingName,
        /// A number of days, of which 0 is no rule; a name; or one of the words that `setting list` tells
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
    /// What people call this installation
    InstanceName,
    /// Who needs a second factor
    SecondFactorRule,
    /// What a leak report does
    LeakReports,
}

impl SettingName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays => "default_lifetime_days",
            Self::MaxLifetimeDays => "max_lifetime_days",
            Self::InstanceName => "instance_name",
            Self::SecondFactorRule => "second_factor_rule",
            Self::LeakReports => "leak_reports",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays => "days after which a new key ends when nobody chose; 0 is never",
            Self::MaxLifetimeDays => "days that a key may last at most; 0 is no limit",
            Self::InstanceName => "shown beside “Keyfob” on pages; Keyfob takes it away",
            Self::SecondFactorRule => "who needs a second factor: nobody, owners or everybody",
            Self::LeakReports => "what happens to a reported key: mark, disable or off",
        }
    }

    /// What to write where a script gave nothing.
    const fn wanted(self) -> &'static str {
        match self {
            Self::DefaultLifetimeDays | Self::MaxLifetimeDays => "Write a number of days; 0 is no rule.",
            Self::InstanceName => "Write a name; Keyfob takes it away.",
            Self::SecondFactorRule => "Write nobody, owners or everybody.",
            Self::LeakReports => "Write mark, disable or off.",
        }
    }
}

/// The value of each setting.
struct Values {
    lifetimes: Lifetimes,
    instance_name: Option<String>,
    second_factor_rule: SecondFactorRule,
    leak_reports: LeakReportPolicy,
}

impl Values {
    fn read(conn: &mut Conn) -> Result<Self> {
        Ok(Self {
            lifetimes: Lifetimes::read(conn)?,
            instance_name: installation::name(conn)?,
            second_factor_rule: SecondFactorRule::read(conn)?,
            leak_reports: LeakReportPolicy::read(conn)?,
        })
    }

    fn of(&self, name: SettingName) -> String {
        match name {
            SettingName::DefaultLifetimeDays => self.lifetimes.default_days.to_string(),
            SettingName::MaxLifetimeDays => self.lifetimes.max_days.to_string(),
            SettingName::InstanceName => self.instance_name.as_deref().unwrap_or(installation::DEFAULT_NAME).to_owned(),
            SettingName::SecondFactorRule => self.second_factor_rule.as_str().to_owned(),
            SettingName::LeakReports => self.leak_reports.as_str().to_owned(),
        }
    }
}

pub(super) async fn run(config: &Config, command: SettingCommand) -> Result<()> {
    match command {
        SettingCommand::List => list(config).await,
        SettingCommand::Set { name, value } => set(config, name, value).await,
    }
}

async fn list(config: &Config) -> Result<()> {
    let values = open(config, MayCreate::Nothing)?.read(Values::read).await?;
    let line = |name: &SettingName| format!("{:<21}  {:>9}  {}\n", name.as_str(), values.of(*name), name.meaning());
    print(&SettingName::value_variants().iter().map(line).collect::<String>()).map(drop)
}

async fn set(config: &Config, name: SettingName, value: String) -> Result<()> {
    // A script whose variable is empty must not end a rule.
    if value.trim().is_empty() {
        return Err(Error::invalid(name.as_str(), format!("{}: {}", name.as_str(), name.wanted())));
    }
    let store = open(config, MayCreate::Nothing)?;
    let change = store.change(actor(), Clock::System.now(), move |tx| {
        match name {
            SettingName::InstanceName => installation::rename(tx, installation::parse_name(&value)?.as_deref())?,
            SettingName::SecondFactorRule => SecondFactorRule::parse(&value)?.save(tx)?,
            SettingName::LeakReports => LeakReportPolicy::parse(&value)?.save(tx)?,
            SettingName::DefaultLifetimeDays | SettingName::MaxLifetimeDays => {
                let before = Values::read(tx)?;
                let typed = |other| if other == name { value.clone() } else { before.of(other) };
                let default = typed(SettingName::DefaultLifetimeDays);
                let rules = Lifetimes::parse(&default, &typed(SettingName::MaxLifetimeDays))?;
                api_key::save_lifetimes(tx, rules)?;
            }
        }
        Values::read(tx)
    });
    let values = change.await.map_err(with_names)?;
    say(config, &format!("{} is {} now.", name.as_str(), values.of(name)))
}

/// A rule may be wrong because of the other one, so each message names its setting.
fn with_names(error: Error) -> Error {
    let Error::Invalid(errors) = error else { return error };
    let mut named = FieldErrors::default();
    errors.iter().for_each(|(field, message)| named.add(field, format!("{field}: {message}")));
    Error::Invalid(named)
}
