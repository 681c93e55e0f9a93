//! `keyfob key list`.

use std::fmt::Write as _;

use clap::Args;

use super::found::require_service;
use super::trash;
use crate::cli::minute::minute;
use crate::cli::on_database::{open, print, say_aside};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account;
use crate::domain::api_key::{ApiKeyEntry, EndFilter, KeyFilter, KeyView, list_filtered};
use crate::error::{Error, Result};
use crate::store::{Conn, MayCreate, UtcTime};

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only keys of this service
    #[arg(long)]
    service: Option<String>,
    /// Only keys that are switched on, or off
    #[arg(long, value_parser = ["enabled", "disabled"])]
    status: Option<String>,
    /// Only keys whose end has passed
    #[arg(long)]
    expired: bool,
    /// The keys that were deleted in the last 7 days, in the place of the others
    #[arg(long, conflicts_with_all = ["service", "status", "expired"])]
    trash: bool,
    /// One JSON object on each line
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(config: &Config, arguments: ListArguments) -> Result<()> {
    if arguments.trash {
        return trash::list(config, arguments.json).await;
    }
    let (store, now) = (open(config, MayCreate::Nothing)?, Clock::System.now());
    let filter = KeyFilter {
        service: arguments.service,
        status: arguments.status.and_then(|status| status.parse().ok()),
        end: arguments.expired.then_some(EndFilter::Expired),
        ..KeyFilter::default()
    };
    let (mut table, mut after, mut is_first) = (Table::default(), None, true);
    // Page by page: there may be more keys than fit in memory.
    loop {
        let filter = filter.clone();
        let read = move |conn: &mut Conn| {
            filter.service.as_deref().map_or(Ok(()), |service| require_service(conn, service))?;
            match account::first(conn) {
                Ok(account) => list_filtered(conn, &account, &filter, after.as_ref(), now).map(Some),
                Err(Error::NotFound) => Ok(None), // before the first start
                Err(error) => Err(error),
            }
        };
        let page = store.read(read).await?.unwrap_or_default();
        if is_first && page.rows.is_empty() {
            say_aside(config, "No keys.");
            return Ok(());
        }
        let lines = if arguments.json { json_lines(&page.rows)? } else { table.lines(&page.rows, now) };
        (after, is_first) = (page.next, false);
        if !print(&lines)? || after.is_none() {
            return Ok(());
        }
    }
}

fn json_lines(rows: &[ApiKeyEntry]) -> Result<String> {
    let mut lines = String::new();
    for row in rows {
        lines += &serde_json::to_string(&KeyView::from(row)).map_err(Error::internal)?;
        lines.push('\n');
    }
    Ok(lines)
}

/// Columns under each other. The name is the last one, since its width is not known until the
/// terminal draws it.
#[derive(Default)]
struct Table {
    /// The width of the masks so far; 0 before the head of the table.
    mask_width: usize,
}

impl Table {
    fn lines(&mut self, rows: &[ApiKeyEntry], now: UtcTime) -> String {
        let is_new = self.mask_width == 0;
        let widths = rows.iter().map(|row| row.secret.mask.chars().count());
        self.mask_width = widths.chain(["SECRET".len(), self.mask_width]).max().unwrap_or_default();
        let mut lines = String::new();
        if is_new {
            self.line(&mut lines, ["ID", "SECRET", "STATUS", "ENDS (UTC)", "LAST USED (UTC)", "NAME"]);
        }
        for row in rows {
            let key = &row.key;
            let ends = match key.expires_at {
                Some(end) if end <= now => format!("{} expired", minute(end)),
                Some(end) => minute(end),
                None => "never".to_owned(),
            };
            let last_use = row.last_use().map_or_else(|| "never".to_owned(), |usage| minute(usage.last_used_at));
            let columns = [key.id.as_str(), &row.secret.mask, key.status.as_str(), &ends, &last_use, &key.name];
            self.line(&mut lines, columns);
        }
        lines
    }

    fn line(&self, lines: &mut String, [id, mask, status, ends, last_use, name]: [&str; 6]) {
        let width = self.mask_width;
        // Writing to a string can't fail.
        let _ = writeln!(lines, "{id:<30}  {mask:<width$}  {status:<8}  {ends:<24}  {last_use:<16}  {name}");
    }
}
