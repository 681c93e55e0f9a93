//! `keyfob operator remove`.

use super::found::find;
use crate::cli::on_database::{actor, open, say, say_aside};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::identity::operator;
use crate::error::Result;
use crate::store::MayCreate;

pub(super) async fn remove(config: &Config, email: String) -> Result<()> {
    let (store, now) = (open(config, MayCreate::Nothing)?, Clock::System.now());
    let removed = store.change(actor(), now, move |tx| {
        let (operator, account) = find(tx, &email)?;
        let operator = operator::remove(tx, &account, &operator.id)?;
        let keys = operator::known_keys(tx, &account, &operator.id, now)?;
        Ok((operator, keys))
    });
    let (operator, keys) = removed.await?;
    say(config, &format!("{} was removed, and all their sessions were ended.", operator.email))?;
    for key in keys {
        say_aside(config, &format!("They have seen the key “{}”, {}, which still works: rotate it.", key.name, key.id));
    }
    Ok(())
}
