//! `keyfob key delete`.

use super::found::{account_of, parse_id};
use crate::cli::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::deletion;
use crate::domain::api_key::trash::TRASH_DAYS;
use crate::error::Result;
use crate::store::MayCreate;

pub(super) async fn delete(config: &Config, id: &str) -> Result<()> {
    let id = parse_id(id)?;
    let store = open(config, MayCreate::Nothing)?;
    let deleted = store.change(actor(), Clock::System.now(), move |tx| {
        let account = account_of(tx, &id)?;
        deletion::delete(tx, &account, &id)
    });
    let key = deleted.await?;
    let (name, id) = (&key.name, &key.id);
    say(
        config,
        &format!("“{name}”, {id}, is deleted. For {TRASH_DAYS} days it can be restored: keyfob key restore {id}"),
    )
}
