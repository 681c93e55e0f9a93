//! `keyfob audit`: the audit events, for programs and for keeping.

use clap::Subcommand;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::on_database::{actor, open, print, say_aside};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account;
use crate::domain::audit::export::{AuditFormat, exported};
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::list::{self, AuditList};
use crate::domain::audit::scope::AuditScope;
use crate::error::Error;
use crate::format::count;
use crate::store::{MayCreate, Tx, UtcTime};

/// Events that are read at a time.
const BATCH_ROWS: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Print the audit events of the first account and of the installation, newest first; an
    /// export is an audit event itself
    Export {
        /// jsonl (one object a line) or csv
        #[arg(long, default_value = "jsonl", value_parser = parse_format, value_name = "FORMAT")]
        format: AuditFormat,
        /// Only what happened at this time or later: 2026-11-27T12:00:00Z, or a day in UTC
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        since: Option<UtcTime>,
    },
}

pub(super) async fn run(config: &Config, command: AuditCommand) -> Result<(), Error> {
    let AuditCommand::Export { format, since } = command;
    let store = open(config, MayCreate::Nothing)?;
    let chosen = since.map(|since| format!("since={}", since.rfc3339())).unwrap_or_default();
    let begin = move |tx: &mut Tx<'_>| {
        let account = account::first(tx)?;
        exported(tx, &account, format, &chosen).map(|()| account)
    };
    let account = store.change(actor(), Clock::System.now(), begin).await?;
    let scope = AuditScope { account, with_installation: true, keys_of: None };
    let filter = AuditFilter { from: since, ..AuditFilter::default() };
    let mut has_reader = print(&format.header())?;
    let (mut after, mut printed) = (None, 0);
    while has_reader {
        let (scope, filter) = (scope.clone(), filter.clone());
        let read = move |conn: &mut _| list::list(conn, &scope, &filter, after.as_ref(), BATCH_ROWS);
        let AuditList { rows, next, .. } = store.read(read).await?;
        let mut text = String::new();
        rows.iter().for_each(|row| format.push(&mut text, row));
        has_reader = print(&text)? && next.is_some();
        printed += rows.len();
        after = next;
    }
    say_aside(config, &format!("{} printed", count(i64::try_from(printed).unwrap_or(i64::MAX), "event")));
    Ok(())
}

fn parse_format(text: &str) -> Result<AuditFormat, String> {
    text.parse().map_err(|()| "write jsonl or csv".to_owned())
}

/// Reads a time, or a day in UTC.
fn parse_time(text: &str) -> Result<UtcTime, String> {
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]"));
    let time = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| day().map(|day| day.midnight().assume_utc()));
    time.map(UtcTime::from).map_err(|_| "write a time such as 2026-11-27T12:00:00Z, or a day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_be_a_day_and_have_an_offset() {
        let noon = UtcTime::from_micros(1_772_366_400_000_000);
        assert_eq!(parse_time("2026-03-01T12:00:00Z"), Ok(noon));
        assert_eq!(parse_time("2026-03-01T13:00:00+01:00"), Ok(noon));
        assert_eq!(parse_time("2026-03-01"), Ok(noon.plus_seconds(-12 * 3600)));
        for wrong in ["", "yesterday", "2026-03-01 12:00", "2026-13-01", "12:00"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
