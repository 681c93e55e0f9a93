//! `keyfob key list --trash`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::minute::minute;
use crate::cli::on_database::{open, print, say_aside};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account;
use crate::domain::api_key::KeyView;
use crate::domain::api_key::trash::{self, TrashedKey};
use crate::error::{Error, Result};
use crate::store::{Conn, MayCreate};

/// The JSON object of a key in the trash.
#[derive(Serialize)]
struct TrashedKeyView<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    deleted_at: String,
    deleted_by: Option<&'a str>,
    restorable_until: String,
}

pub(super) async fn list(config: &Config, json: bool) -> Result<()> {
    let (store, now) = (open(config, MayCreate::Nothing)?, Clock::System.now());
    let read = move |conn: &mut Conn| match account::first(conn) {
        Ok(account) => trash::list(conn, &account, usize::MAX, now),
        Err(Error::NotFound) => Ok(Vec::new()), // before the first start
        Err(error) => Err(error),
    };
    let keys = store.read(read).await?;
    if keys.is_empty() {
        say_aside(config, "No keys in the trash.");
        return Ok(());
    }
    print(&if json { json_lines(&keys)? } else { table(&keys) }).map(drop)
}

fn json_lines(keys: &[TrashedKey]) -> Result<String> {
    let mut lines = String::new();
    for key in keys {
        let view = TrashedKeyView {
            view: KeyView::from(&key.entry),
            deleted_at: key.deleted_at.rfc3339(),
            deleted_by: key.deleted_by.as_deref(),
            restorable_until: key.gone_at().rfc3339(),
        };
        lines += &serde_json::to_string(&view).map_err(Error::internal)?;
        lines.push('\n');
    }
    Ok(lines)
}

fn table(keys: &[TrashedKey]) -> String {
    let widths = keys.iter().map(|key| key.entry.secret.mask.chars().count());
    let width = widths.chain(["SECRET".len()]).max().unwrap_or_default();
    let mut lines = String::new();
    let mut line = |[id, mask, deleted, until, name]: [&str; 5]| {
        // Writing to a string can't fail.
        let _ = writeln!(lines, "{id:<30}  {mask:<width$}  {deleted:<16}  {until:<22}  {name}");
    };
    line(["ID", "SECRET", "DELETED (UTC)", "RESTORABLE UNTIL (UTC)", "NAME"]);
    for key in keys {
        let (record, mask) = (&key.entry.key, &key.entry.secret.mask);
        line([record.id.as_str(), mask, &minute(key.deleted_at), &minute(key.gone_at()), &record.name]);
    }
    lines
}
