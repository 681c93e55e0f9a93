//! `keyfob key rotate`.

use clap::Args;

use super::found::{account_of, parse_id};
use super::shown::print_secret;
use crate::cli::duration::parse_seconds;
use crate::cli::minute::minute;
use crate::cli::on_database::{actor, open, say_aside};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::rotation::{self, Grace, Rotation, RotationRequest};
use crate::domain::api_key::{KeySecretId, KeyStatus};
use crate::error::{Error, Result};
use crate::store::MayCreate;

#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// Its id
    id: String,
    /// For how long the old secret still works: 0s, 90s, 30m, 24h, 30d
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_seconds)]
    grace: i64,
    /// Also end the secret of the last rotation, if it still works
    #[arg(long)]
    end_previous: bool,
    /// One JSON object on one line: the key with its new secret
    #[arg(long)]
    json: bool,
}

pub(super) async fn rotate(config: &Config, arguments: RotateArguments) -> Result<()> {
    let id = parse_id(&arguments.id)?;
    let request = RotationRequest::new(KeySecretId::mint(), Grace::of_seconds(arguments.grace)?);
    let request = RotationRequest { end_previous: arguments.end_previous, ..request };
    let (store, now) = (open(config, MayCreate::Nothing)?, Clock::System.now());
    let rotation = store.change(actor(), now, move |tx| {
        let account = account_of(tx, &id)?;
        rotation::rotate(tx, &account, &id, request)
    });
    let rotation = rotation.await.map_err(|error| match error {
        Error::RotationInProgress => Error::invalid(
            "id",
            "The secret of the last rotation still works. Wait for its end, or end it now with --end-previous.",
        ),
        error => error,
    })?;
    let Rotation::Made { entry, secret, previous } = rotation else {
        return Err(Error::internal(anyhow::anyhow!("the id of the new secret is taken")));
    };
    print_secret(&entry, &secret, arguments.json)?;
    let old = if previous.is_live(now) {
        format!("works until {} UTC", minute(previous.ends_at))
    } else {
        "is refused from now on".to_owned()
    };
    let (name, id) = (&entry.key.name, &entry.key.id);
    let but = match entry.key.expires_at.filter(|end| *end <= now) {
        _ if entry.key.status == KeyStatus::Disabled => " The key is disabled, so that both are refused.".to_owned(),
        Some(end) => format!(" The key expired {} UTC, so that both are refused.", minute(end)),
        None => String::new(),
    };
    say_aside(
        config,
        &format!("“{name}”, {id}, has a new secret; the old one, …{}, {old}.{but}", previous.secret.tail),
    );
    Ok(())
}
