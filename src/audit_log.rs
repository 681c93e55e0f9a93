//! The audit log: each audit event once more, as a line of JSON, for a program that
//! takes it off this machine. Whoever changes the database later can't change that copy.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rustix::fs::{Access, access};

use crate::domain::audit::export::json_line;
use crate::repeats::Repeats;
use crate::store::Store;

/// Events that are missing from the audit log since the process started.
static MISSING_EVENTS: AtomicU64 = AtomicU64::new(0);

/// How many audit events could not be written to the audit log since the process started.
#[must_use]
pub fn missing_events() -> u64 {
    MISSING_EVENTS.load(Ordering::Relaxed)
}

/// Where the audit log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditLogTarget {
    /// Standard error, which service managers and containers collect.
    Stderr,
    /// A file, which log rotation may move away.
    File(PathBuf),
}

impl FromStr for AuditLogTarget {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("write stderr or the path of a file".to_owned()),
            "stderr" => Ok(Self::Stderr),
            path => Ok(Self::File(path.into())),
        }
    }
}

impl fmt::Display for AuditLogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stderr => f.write_str("standard error"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Whether the audit log could be opened. Nothing is opened or made for it.
///
/// # Errors
/// A sentence that says why not.
pub fn probe(target: &AuditLogTarget) -> Result<(), String> {
    let AuditLogTarget::File(path) = target else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let allowed = match fs::metadata(path) {
        Ok(file) if file.is_dir() => Err(rustix::io::Errno::ISDIR),
        Ok(_) => access(path, Access::WRITE_OK),
        Err(error) if error.kind() == ErrorKind::NotFound => access(folder, Access::WRITE_OK | Access::EXEC_OK),
        Err(error) => return Err(cant_open(path, &error)),
    };
    allowed.map_err(|error| cant_open(path, &error.into()))
}

fn cant_open(path: &Path, error: &io::Error) -> String {
    format!("the audit log {} can't be opened: {error}", path.display())
}

/// Writes the events of all changes that this process makes from now on. They are written
/// on the thread that committed them, before the change is answered: a line is not lost
/// when the process ends, and no async thread waits for the disk.
///
/// # Errors
/// A sentence when the file can't be opened.
pub fn follow(store: &Store, target: &AuditLogTarget) -> Result<(), String> {
    let log = Mutex::new(AuditLog::open(target)?);
    let repeats = Repeats::default();
    store.on_event(move |row| match log.lock().write(&json_line(row)) {
        Ok(()) => repeats.end(),
        // The change is made and recorded in the database, so that it must not fail for this.
        Err(error) => {
            MISSING_EVENTS.fetch_add(1, Ordering::Relaxed);
            if let Some(repeated) = repeats.to_log(&error.to_string()) {
                tracing::error!(%error, repeated, "audit events are missing from the audit log, and in the database only");
            }
        }
    });
    Ok(())
}

/// The open log.
enum AuditLog {
    Stderr,
    File {
        path: PathBuf,
        /// `None` after it could not be opened again.
        file: Option<File>,
        /// Whether a line may have been written in part.
        is_torn: bool,
    },
}

impl AuditLog {
    fn open(target: &AuditLogTarget) -> Result<Self, String> {
        match target {
            AuditLogTarget::Stderr => Ok(Self::Stderr),
            AuditLogTarget::File(path) => {
                let file = append_to(path).map_err(|error| cant_open(path, &error))?;
                Ok(Self::File { path: path.clone(), file: Some(file), is_torn: false })
            }
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().lock().write_all(line.as_bytes()),
            Self::File { path, file, is_torn } => {
                let is_in_place = file.as_ref().is_some_and(|file| is_at(file, path));
                if !is_in_place {
                    *file = None;
                }
                let open = match file {
                    Some(open) => open,
                    None => file.insert(append_to(path)?),
                };
                // In one piece, so that the lines of several processes do not mix.
                let text = if *is_torn { format!("\n{line}") } else { line.to_owned() };
                let written = open.write_all(text.as_bytes());
                *is_torn = written.is_err();
                written
            }
        }
    }
}

/// Whether the path still leads to this file, which log rotation may have renamed.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Opens a file at its end. A new one is for its owner only: it has names and addresses.
fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> AuditLog {
        AuditLog::open(&AuditLogTarget::File(path.to_owned())).unwrap()
    }

    #[test]
    fn a_log_goes_on_in_a_new_file_after_it_was_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let (path, rotated) = (folder.path().join("audit.log"), folder.path().join("audit.log.1"));
        fs::write(&path, "before\n").unwrap();
        let mut log = open(&path);
        log.write("one\n").unwrap();

        fs::rename(&path, &rotated).unwrap();
        log.write("two\n").unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        log.write("three\n").unwrap();

        assert_eq!(fs::read_to_string(&rotated).unwrap(), "before\none\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn a_log_whose_folder_is_away_for_a_while_goes_on_when_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let (logs, away) = (folder.path().join("logs"), folder.path().join("away"));
        fs::create_dir(&logs).unwrap();
        let mut log = open(&logs.join("audit.log"));

        fs::rename(&logs, &away).unwrap();
        log.write("lost\n").unwrap_err();
        fs::rename(&away, &logs).unwrap();
        log.write("kept\n").unwrap();

        assert_eq!(fs::read_to_string(logs.join("audit.log")).unwrap(), "kept\n");
    }

    #[test]
    fn a_new_log_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        open(&path);

        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
