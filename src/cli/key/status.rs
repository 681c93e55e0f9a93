//! `keyfob key disable` and `keyfob key enable`.

use clap::Args;

use super::found::{account_of, parse_id};
use crate::cli::minute::minute;
use crate::cli::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{self, KeyStatus, StatusReason, StatusRequest};
use crate::error::Result;
use crate::store::MayCreate;

#[derive(Debug, Args)]
pub(crate) struct DisableArguments {
    /// Its id
    id: String,
    /// Why
    #[arg(long, value_parser = ["compromised", "superseded", "unused", "policy"])]
    reason: Option<String>,
    /// More about it, for the record of changes
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) async fn disable(config: &Config, arguments: DisableArguments) -> Result<()> {
    let DisableArguments { id, reason, note } = arguments;
    let reason: Option<StatusReason> = reason.and_then(|reason| reason.parse().ok());
    set(config, &id, StatusRequest { status: KeyStatus::Disabled, reason, note }).await
}

pub(super) async fn set(config: &Config, id: &str, request: StatusRequest) -> Result<()> {
    let (id, now, status) = (parse_id(id)?, Clock::System.now(), request.status);
    let store = open(config, MayCreate::Nothing)?;
    let changed = store.change(actor(), now, move |tx| {
        let account = account_of(tx, &id)?;
        api_key::set_status(tx, &account, &id, request)
    });
    let key = changed.await?.key;
    let (name, id, status_text) = (&key.name, &key.id, status.as_str());
    let but = match key.expires_at.filter(|end| status == KeyStatus::Enabled && *end <= now) {
        Some(end) => format!(", but stays refused: it expired {} UTC", minute(end)),
        None => String::new(),
    };
    say(config, &format!("“{name}”, {id}, is {status_text}{but}."))
}
