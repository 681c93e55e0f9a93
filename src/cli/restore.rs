//! `keyfob restore`: puts a backup in the place of the database, and says which keys
//! come back with it.

use std::path::PathBuf;

use super::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key;
use crate::error::Error;
use crate::format::count;
use crate::store::{self, MayCreate};

pub(super) async fn restore(config: &Config, file: Option<PathBuf>, keys_off: bool) -> Result<(), Error> {
    if let Some(file) = file {
        let kept =
            store::restore(&config.database_url, &file).map_err(|problem| Error::invalid("database", problem))?;
        let shown = file.display();
        say(
            config,
            &match kept {
                Some(kept) => {
                    format!("{shown} was restored; the database that was there is kept as {}.", kept.display())
                }
                None => format!("{shown} was restored."),
            },
        )?;
        say(config, "Messages that were queued in it are sent when Keyfob starts, perhaps a second time.")?;
    }
    let store = open(config, MayCreate::Nothing)?;
    if keys_off {
        let switched = store.change(actor(), Clock::System.now(), api_key::disable_all).await?;
        return say(config, &format!("{} switched off; switch on each that you have looked at.", keys(switched)));
    }
    let enabled = store.read(api_key::count_enabled).await?;
    say(
        config,
        &format!(
            "{} on, also those that were switched off or deleted after the backup was made; \
             to switch them all off until you have looked at each, run: keyfob restore --keys-off",
            keys(enabled)
        ),
    )
}

/// "1 key is", "2 keys are".
fn keys(number: i64) -> String {
    format!("{} {}", count(number, "key"), if number == 1 { "is" } else { "are" })
}
