//! `keyfob key export`.

use clap::Args;

use super::found::require_service;
use crate::cli::on_database::{actor, open, print, say_aside};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{KeyFilter, list_filtered};
use crate::domain::key_export::{self, KeyExport, KeyExportFormat};
use crate::domain::{account, management};
use crate::error::{Error, Result};
use crate::format::count;
use crate::store::{Conn, MayCreate, Tx};

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// jsonl (one object a line, which `key import` reads) or csv
    #[arg(long, default_value = "jsonl", value_parser = parse_format, value_name = "FORMAT")]
    format: KeyExportFormat,
    /// The SHA-256 of each key too, by which another Keyfob can take them over
    #[arg(long)]
    with_digests: bool,
    /// Only keys of this service
    #[arg(long)]
    service: Option<String>,
}

fn parse_format(text: &str) -> Result<KeyExportFormat, String> {
    text.parse().map_err(|()| "write jsonl or csv".to_owned())
}

pub(super) async fn export(config: &Config, arguments: ExportArguments) -> Result<()> {
    let ExportArguments { format, with_digests, service } = arguments;
    if service.as_deref() == Some(management::SERVICE) {
        return Err(Error::invalid(
            "service",
            "Management keys are not exported: make new ones where they are needed.",
        ));
    }
    let (export, now) = (KeyExport { format, with_digests }, Clock::System.now());
    let store = open(config, MayCreate::Nothing)?;
    let filter = KeyFilter { service: service.clone(), ..KeyFilter::default() };
    let begin = move |tx: &mut Tx<'_>| {
        service.as_deref().map_or(Ok(()), |service| require_service(tx, service))?;
        let account = account::first(tx)?;
        key_export::exported(tx, &account, export, service.as_deref()).map(|()| account)
    };
    let account = store.change(actor(), now, begin).await?;
    let (mut after, mut printed, mut rotating) = (None, 0, 0);
    let mut has_reader = print(&export.header())?;
    while has_reader {
        let (account, filter) = (account.clone(), filter.clone());
        let read = move |conn: &mut Conn| list_filtered(conn, &account, &filter, after.as_ref(), now);
        let page = store.read(read).await?;
        let mut text = String::new();
        for row in page.rows.iter().filter(|row| row.key.service != management::SERVICE) {
            export.push(&mut text, row);
            printed += 1;
            rotating += i64::from(row.previous.as_ref().is_some_and(|previous| previous.is_live(now)));
        }
        has_reader = print(&text)? && page.next.is_some();
        after = page.next;
    }
    if with_digests && rotating > 0 {
        say_aside(config, &format!("{} being rotated: previous secrets are not exported", count(rotating, "key")));
    }
    say_aside(config, &format!("{} exported", count(printed, "key")));
    Ok(())
}
