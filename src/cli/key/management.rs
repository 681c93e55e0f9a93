//! What `keyfob key create` asks about management keys only.

use clap::Args;

use crate::cli::duration::parse_seconds;
use crate::domain::api_key::{ManagementBounds, Scopes, ServiceReach};
use crate::error::{Error, FieldErrors, Result};

const SECONDS_PER_DAY: i64 = 86_400;

#[derive(Debug, Args)]
#[command(next_help_heading = "Management keys (--service keyfob)")]
pub(super) struct ManagementArguments {
    /// The services whose keys it manages, with commas; all when left out
    #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
    may_services: Option<Vec<String>>,
    /// The scopes that it may give to keys, with commas; all, and full access, when left out
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    grantable_scopes: Option<Vec<String>>,
    /// The longest life of a key that it creates, in whole days or years: 90d, 1y; no limit when left out
    #[arg(long, value_name = "DURATION", value_parser = parse_days)]
    max_lifetime: Option<i64>,
}

fn parse_days(text: &str) -> Result<i64, String> {
    match parse_seconds(text)? {
        seconds if seconds > 0 && seconds % SECONDS_PER_DAY == 0 => Ok(seconds / SECONDS_PER_DAY),
        _ => Err("write whole days or years: 90d or 1y".to_owned()),
    }
}

impl ManagementArguments {
    /// Whether any of them was given.
    pub(super) const fn are_given(&self) -> bool {
        self.may_services.is_some() || self.grantable_scopes.is_some() || self.max_lifetime.is_some()
    }

    /// The bounds of the key.
    pub(super) fn bounds(&self) -> Result<ManagementBounds> {
        let mut errors = FieldErrors::default();
        // An empty variable of a script names the service "", which there is not, and not all of them.
        let services = match &self.may_services {
            None => Ok(ServiceReach::all()),
            Some(slugs) => ServiceReach::parse(slugs.iter().map(|slug| slug.trim())),
        };
        let services = errors.collect(services)?;
        let scopes = match &self.grantable_scopes {
            None => Ok(Scopes::full()),
            Some(names) => {
                ManagementBounds::parse_grantable(names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()))
            }
        };
        let scopes = errors.collect(scopes)?;
        match (services, scopes) {
            (Some(services), Some(scopes)) => ManagementBounds::new(services, scopes, self.max_lifetime),
            _ => Err(Error::Invalid(errors)),
        }
    }
}
