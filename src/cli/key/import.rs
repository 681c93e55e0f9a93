//! `keyfob key import`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::on_database::{actor, open, say, say_aside, with_account};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::account::{self, AccountId};
use crate::domain::key_import::{
    self, ImportLine, ImportMode, ImportSource, ImportTerms, LineAnswer, LineResult, MAX_LINE_BYTES,
};
use crate::error::{Error, Result};
use crate::format::{count, grouped};
use crate::store::{MayCreate, Store, Tx};

/// Lines of one transaction: another change waits for no more than these.
const BATCH_LINES: usize = 500;
/// How often the progress of a long import is told.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A file with a JSON object on each line, or - for standard input
    file: PathBuf,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of the lines so far.
#[derive(Debug, Default)]
struct LineTally {
    lines: usize,
    made: usize,
    exist: usize,
    refused: usize,
}

pub(super) async fn import(config: &Config, arguments: ImportArguments) -> Result<()> {
    let ImportArguments { file, dry_run } = arguments;
    let mut reader = reader(&file)?;
    let terms = ImportTerms { account: account(config, dry_run).await?, bounds: None };
    let store = open(config, MayCreate::Nothing)?;
    let (mut tally, mut seen, mut number) = (LineTally::default(), HashSet::new(), 0);
    let mut told_at = Instant::now();
    loop {
        let (batch, is_last) = read_batch(&mut *reader, &mut number).map_err(|error| unreadable(&file, &error))?;
        if !batch.is_empty() {
            let (answers, still_seen) = take(&store, &terms, batch, dry_run, seen).await.inspect_err(|_| {
                say_aside(config, &format!("Stopped before line {}. Import the file again to go on", tally.lines + 1));
            })?;
            seen = still_seen;
            answers.iter().for_each(|answer| tally.add(answer));
        }
        tally.lines = number;
        if is_last {
            break;
        }
        if told_at.elapsed() >= PROGRESS_INTERVAL {
            told_at = Instant::now();
            eprintln!("{} …", tally.sentence(dry_run));
        }
    }
    say(config, &format!("{}.", tally.sentence(dry_run)))?;
    match tally.refused {
        0 => Ok(()),
        refused => {
            let were = if refused == 1 { "was" } else { "were" };
            Err(Error::invalid("lines", format!("{} {were} refused.", count_of(refused, "line"))))
        }
    }
}

/// The first account. A rehearsal prepares nothing in a new database.
async fn account(config: &Config, dry_run: bool) -> Result<AccountId> {
    if !dry_run {
        return with_account(config, |_, account| Ok(account.clone())).await;
    }
    let found = open(config, MayCreate::Nothing)?.read(account::first).await;
    found.map_err(|error| match error {
        Error::NotFound => Error::invalid("database", "There is no account yet. Start keyfob once, or import at once."),
        error => error,
    })
}

async fn take(
    store: &Store,
    terms: &ImportTerms,
    batch: Vec<ImportLine>,
    dry_run: bool,
    mut seen: HashSet<crate::store::Digest>,
) -> Result<(Vec<LineAnswer>, HashSet<crate::store::Digest>)> {
    let terms = terms.clone();
    let work = move |tx: &mut Tx<'_>| {
        let mode = if dry_run { ImportMode::Rehearse(&mut seen) } else { ImportMode::Make };
        let answers = key_import::import(tx, &terms, &batch, mode)?;
        Ok((answers, seen))
    };
    store.change(actor(), Clock::System.now(), work).await
}

impl LineTally {
    /// Counts a line, and says what is wrong with it.
    fn add(&mut self, answer: &LineAnswer) {
        match &answer.result {
            LineResult::Made(_) => self.made += 1,
            LineResult::Exists { is_in_trash, .. } => {
                self.exist += 1;
                if *is_in_trash {
                    eprintln!("Line {}: this key is in the trash. Restore it to use it again.", answer.number);
                }
            }
            LineResult::Refused(reason) => {
                self.refused += 1;
                eprintln!("Line {}: {reason}", answer.number);
            }
        }
    }

    fn sentence(&self, dry_run: bool) -> String {
        let Self { lines, made, exist, refused } = self;
        let made_words = if dry_run { "would be made" } else { "made" };
        let [made, exist, refused] = [made, exist, refused].map(|count| grouped(as_i64(*count)));
        let exist_words = if dry_run { "exist" } else { "existed" };
        format!("{}: {made} {made_words}, {exist} {exist_words}, {refused} refused", count_of(*lines, "line"))
    }
}

fn count_of(number: usize, noun: &str) -> String {
    count(as_i64(number), noun)
}

fn as_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn reader(file: &Path) -> Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = File::open(file).map_err(|error| unreadable(file, &error))?;
    Ok(Box::new(BufReader::new(opened)))
}

fn unreadable(file: &Path, error: &io::Error) -> Error {
    Error::invalid("file", format!("{} can't be read: {error}", file.display()))
}

/// The next lines that hold something, and whether they are the last ones.
fn read_batch(reader: &mut dyn BufRead, number: &mut usize) -> io::Result<(Vec<ImportLine>, bool)> {
    let mut batch = Vec::new();
    while batch.len() < BATCH_LINES {
        // It may hold a whole key.
        let mut line = Zeroizing::new(Vec::new());
        // One byte more than fits, by which a line is too long; the rest of it is skipped.
        reader.take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok((batch, true));
        }
        *number += 1;
        if line.len() > MAX_LINE_BYTES && line.last() != Some(&b'\n') {
            skip_line(reader)?;
        }
        batch.extend(ImportLine::parse(*number, &line, ImportSource::CommandLine));
    }
    Ok((batch, false))
}

fn skip_line(reader: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let part = reader.fill_buf()?;
        let (length, is_end) = match part.iter().position(|byte| *byte == b'\n') {
            Some(place) => (place + 1, true),
            None => (part.len(), part.is_empty()),
        };
        reader.consume(length);
        if is_end {
            return Ok(());
        }
    }
}
