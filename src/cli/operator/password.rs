//! `keyfob operator password`.

use super::found::find;
use super::typed_password::ask_for_password;
use crate::cli::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::identity::operator;
use crate::error::Error;
use crate::store::MayCreate;

pub(super) async fn change_password(config: &Config, email: String) -> Result<(), Error> {
    let store = open(config, MayCreate::Nothing)?;
    let (operator, _) = store.read(move |conn| find(conn, &email)).await?;
    let hash = ask_for_password(vec![operator.email.clone(), operator.name.clone()]).await?;
    let id = operator.id.clone();
    store.change(actor(), Clock::System.now(), move |tx| operator::set_password(tx, &id, &hash)).await?;
    say(config, &format!("{} has a new password, and all their sessions were ended.", operator.email))
}
