//! `keyfob copy`: everything in one database into another, empty one.

use std::io::{self, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use super::on_database::{database, print};
use crate::config::Config;
use crate::error::Error;
use crate::format::{count, grouped};
use crate::secret_text::SecretText;
use crate::shutdown::StopSignals;
use crate::store::{self, Copied, CopyStep, DatabaseUrl};

/// How often a long copy says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// The tables that a person knows by another name, in the order in which they are told.
const TOLD: [(&str, &str, &str); 5] = [
    ("api_keys", "key", "keys"),
    ("messages", "message", "messages"),
    ("ledger_entries", "entry of the ledger", "entries of the ledger"),
    ("operators", "person", "people"),
    ("audit_events", "event of the audit log", "events of the audit log"),
];

pub(super) async fn copy(config: &Config, to: &SecretText) -> Result<(), Error> {
    let target: DatabaseUrl =
        to.expose().parse().map_err(|problem: String| Error::invalid("to", format!("--to: {problem}")))?;
    let began = Instant::now();
    let mut signals = StopSignals::listen().map_err(Error::internal)?;
    let copied = {
        let (copied, stopped) = (pin!(copied(config, &target)), pin!(signals.first()));
        match select(copied, stopped).await {
            Either::Left((copied, _)) => copied,
            Either::Right(_) => {
                // The thread that copies ends with the process, and its transaction with it.
                store::remove_unfinished(&target);
                Err("stopped before everything was copied, so nothing was".to_owned())
            }
        }
    };
    let copied = copied.map_err(|problem| Error::invalid("database", problem))?;
    for ledger in &copied.unbalanced {
        let _ = writeln!(
            io::stderr(),
            "The ledger of the account {} adds up to {}, and its balance is {}, in both databases.",
            ledger.account,
            count(ledger.entered, "credit"),
            grouped(ledger.credits)
        );
    }
    print(&summary(config, &target, &copied, began.elapsed())).map(drop)
}

/// Copies on a thread that nobody has to wait for when the process is to end.
async fn copied(config: &Config, target: &DatabaseUrl) -> Result<Copied, String> {
    let (from, to, options) = (config.database_url.clone(), target.clone(), config.database);
    let (response, copied) = oneshot::channel();
    std::thread::spawn(move || {
        let mut progress = Progress::default();
        drop(response.send(store::copy(&from, &to, options, &mut |step| progress.report(step))));
    });
    copied.await.unwrap_or_else(|_| Err("the copy failed, and the target is as it was".to_owned()))
}

/// Says on standard error how far a long copy is.
struct Progress {
    said_at: Instant,
    is_long: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { said_at: Instant::now(), is_long: false }
    }
}

impl Progress {
    fn report(&mut self, step: CopyStep<'_>) {
        let is_due = self.said_at.elapsed() >= PROGRESS_INTERVAL;
        let line = match step {
            CopyStep::Rows { table, done, total } if is_due => {
                format!("{} of {} rows copied, now {table}", grouped(done), grouped(total))
            }
            CopyStep::Indexes if is_due || self.is_long => {
                "all rows are copied; the indexes are made, which takes a while too".to_owned()
            }
            CopyStep::Comparison if is_due || self.is_long => "both databases are compared".to_owned(),
            _ => return,
        };
        (self.said_at, self.is_long) = (Instant::now(), true);
        // Who closed standard error does not want to know.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

fn summary(config: &Config, target: &DatabaseUrl, copied: &Copied, took: Duration) -> String {
    let rows: i64 = copied.tables.iter().map(|(_, rows)| rows).sum();
    let told = TOLD.iter().filter_map(|(table, one, many)| {
        let (_, rows) = copied.tables.iter().find(|(name, _)| name == table)?;
        Some(format!("{} {}", grouped(*rows), if *rows == 1 { one } else { many }))
    });
    let told: Vec<String> = told.collect();
    let source = database(config);
    format!(
        "Everything in {source} was copied to {target} in {:.1} s: {} of {} tables, among them {}.\n\
         Both have the same number of rows in every table, and the same ledger and balance for every account.\n\
         Now start Keyfob with --database-url (DATABASE_URL) naming the copy. Its other settings, and the files that \
         they name (--carriers, --audit-log, certificates), are in no database: keep them.\n\
         Do not start Keyfob on {source} again: messages that wait in both would be sent twice.\n",
        took.as_secs_f64(),
        count(rows, "row"),
        copied.tables.len(),
        told.join(", ")
    )
}
