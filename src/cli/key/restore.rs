//! `keyfob key restore`.

use super::found::{account_of_any, parse_id};
use crate::cli::minute::minute;
use crate::cli::on_database::{actor, open, print, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{KeyStatus, KeyView, deletion};
use crate::error::{Error, Result};
use crate::store::MayCreate;

pub(super) async fn restore(config: &Config, id: &str, json: bool) -> Result<()> {
    let (id, now) = (parse_id(id)?, Clock::System.now());
    let store = open(config, MayCreate::Nothing)?;
    let key = id.clone();
    let restored = store.change(actor(), now, move |tx| {
        let account = account_of_any(tx, &key)?;
        deletion::restore(tx, &account, &key)
    });
    let entry = restored.await.map_err(|error| match error {
        Error::NotFound => Error::invalid("id", format!("{id} is not in the trash; see `keyfob key list --trash`.")),
        error => error,
    })?;
    if json {
        let line = serde_json::to_string(&KeyView::from(&entry)).map_err(Error::internal)? + "\n";
        return print(&line).map(drop);
    }
    let key = &entry.key;
    let but = match key.expires_at.filter(|end| *end <= now) {
        _ if key.status == KeyStatus::Disabled => "It is disabled, as it was.".to_owned(),
        _ if entry.service.is_off() => format!("It stays refused: {} is switched off.", entry.service.name),
        Some(end) => format!("It stays refused: it expired {} UTC.", minute(end)),
        None => "It works again.".to_owned(),
    };
    say(config, &format!("“{}”, {}, is restored. {but}", key.name, key.id))
}
