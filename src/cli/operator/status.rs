//! `keyfob operator disable` and `keyfob operator enable`.

use super::found::find;
use crate::cli::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::identity::operator;
use crate::error::Result;
use crate::store::MayCreate;

pub(super) async fn disable(config: &Config, email: String) -> Result<()> {
    let store = open(config, MayCreate::Nothing)?;
    let changed = store.change(actor(), Clock::System.now(), move |tx| {
        let (operator, account) = find(tx, &email)?;
        operator::disable(tx, &account, &operator.id)
    });
    let (member, is_changed) = changed.await?;
    let done =
        if is_changed { "can't log in any more, and all their sessions were ended" } else { "was already disabled" };
    say(config, &format!("{} {done}.", member.operator.email))
}

pub(super) async fn enable(config: &Config, email: String) -> Result<()> {
    let store = open(config, MayCreate::Nothing)?;
    let changed = store.change(actor(), Clock::System.now(), move |tx| {
        let (operator, account) = find(tx, &email)?;
        operator::enable(tx, &account, &operator.id)
    });
    let (member, is_changed) = changed.await?;
    let done = if is_changed { "can log in again" } else { "was not disabled" };
    say(config, &format!("{} {done}.", member.operator.email))
}
