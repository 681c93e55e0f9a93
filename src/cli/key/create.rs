//! `keyfob key create`.

use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::found::require_service;
use super::management::ManagementArguments;
use super::shown::{end, print_secret};
use crate::cli::duration::parse_seconds;
use crate::cli::on_database::{say_aside, with_account};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{self, AllowedIps, ApiKeyId, Creation, Expiry, KeyRules, NewApiKey, Scopes};
use crate::domain::management;
use crate::error::{Error, FieldErrors, Result};
use crate::store::UtcTime;

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// The service that it is for, such as sms; keyfob for a key that manages those of others
    #[arg(long)]
    service: String,
    /// What it is called on screen
    #[arg(long)]
    name: String,
    /// Keys of test mode send nothing and cost nothing
    #[arg(long, default_value = "live", value_parser = ["live", "test"])]
    mode: String,
    /// What it is for
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    description: String,
    /// A scope, repeatable; full access when left out, which management keys do not have
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// No scope at all: it opens only what asks for none
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// An address or range that it may be used from, repeatable; anywhere when left out
    #[arg(long = "allow-ip", value_name = "CIDR")]
    allowed_ips: Vec<String>,
    /// For how long it works: 90s, 30m, 24h, 30d, 1y, or never; the default of the installation when left out,
    /// 90d for a management key
    #[arg(long, value_name = "DURATION", value_parser = parse_lifetime, conflicts_with = "expires_at")]
    expires_in: Option<Lifetime>,
    /// Until when it works: a time with its zone, such as 2027-11-28T12:00:00Z, or a day, to its end in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_end)]
    expires_at: Option<Expiry>,
    #[command(flatten)]
    management: ManagementArguments,
    /// One JSON object on one line: the key with its secret
    #[arg(long)]
    json: bool,
}

/// For how long a new key works.
#[derive(Debug, Clone, Copy)]
enum Lifetime {
    Unlimited,
    Seconds(i64),
}

fn parse_lifetime(text: &str) -> Result<Lifetime, String> {
    if text.trim() == "never" { Ok(Lifetime::Unlimited) } else { parse_seconds(text).map(Lifetime::Seconds) }
}

fn parse_end(text: &str) -> Result<Expiry, String> {
    if let Ok(time) = OffsetDateTime::parse(text.trim(), &Rfc3339) {
        return Ok(Expiry::At(time.into()));
    }
    let no_time =
        |_| "write a time with its zone, such as 2027-11-28T12:00:00Z, or a day, such as 2027-11-28".to_owned();
    Expiry::parse("date", text).map_err(no_time)
}

impl CreateArguments {
    /// What is wrong with the flags taken together.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        let is_for_management = self.service == management::SERVICE;
        (!is_for_management && self.management.are_given()).then_some(
            "--may-services, --grantable-scopes and --max-lifetime are for management keys: --service keyfob",
        )
    }

    fn validate(&self, now: UtcTime) -> Result<NewApiKey> {
        let mut errors = FieldErrors::default();
        let (id, mode) = (ApiKeyId::mint(), &self.mode);
        let new = errors.collect(NewApiKey::parse(id.as_str(), &self.service, mode, &self.name, &self.description))?;
        let scopes = errors.collect(self.scopes())?;
        let is_for_management = self.service == management::SERVICE;
        let bounds = errors.collect(is_for_management.then(|| self.management.bounds()).transpose())?;
        let allowed_ips = errors.collect(self.allowed_ips())?;
        let expiry = match (self.expires_in, self.expires_at) {
            (Some(Lifetime::Unlimited), _) => Expiry::Never,
            (Some(Lifetime::Seconds(seconds)), _) => Expiry::At(now.plus_seconds(seconds)),
            (None, Some(end)) => end,
            (None, None) => Expiry::Default,
        };
        match (new, scopes, allowed_ips, bounds) {
            (Some(new), Some(scopes), Some(allowed_ips), Some(bounds)) => {
                let new = new.with_rules(KeyRules { expiry, scopes, allowed_ips });
                Ok(if let Some(bounds) = bounds { new.with_bounds(bounds) } else { new })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn scopes(&self) -> Result<Scopes> {
        if self.scopes.is_empty() && !self.no_scopes {
            return Ok(Scopes::full());
        }
        Scopes::parse(self.scopes.iter().map(String::as_str))
    }

    fn allowed_ips(&self) -> Result<AllowedIps> {
        let allowed = AllowedIps::parse(&self.allowed_ips.join(" "))?;
        // A script whose variable is empty must not get a key that works from anywhere.
        if self.allowed_ips.iter().any(|typed| typed.trim().is_empty()) {
            return Err(Error::invalid("allowed_ips", "--allow-ip is empty. Write 203.0.113.9 or 10.0.0.0/8."));
        }
        Ok(allowed)
    }
}

pub(super) async fn create(config: &Config, arguments: CreateArguments) -> Result<()> {
    let new = arguments.validate(Clock::System.now())?;
    let creation = with_account(config, move |tx, account| {
        require_service(tx, &arguments.service)?;
        api_key::create(tx, account, None, new)
    });
    let Creation::Made(entry, secret) = creation.await? else {
        return Err(Error::internal(anyhow::anyhow!("the id of the new key is taken")));
    };
    print_secret(&entry, &secret, arguments.json)?;
    let (name, id, service, mode) = (&entry.key.name, &entry.key.id, &entry.key.service, entry.key.mode.as_str());
    say_aside(config, &format!("Created “{name}”, {id}: a {mode} key for {service} that {}.", end(&entry)));
    Ok(())
}
