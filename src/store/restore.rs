//! Restores a backup of an SQLite database: the backup takes the place of the
//! database, which is kept beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use r2d2::ManageConnection as _;

use super::connection::ConnectionManager;
use super::file::{DatabaseFile, beside};
use super::{DatabaseUrl, backup};

/// Databases that were replaced before and are still kept.
const MAX_KEPT: u32 = 99;
/// How long a server that is stopping may take to close the file.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
const STOP_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Copies the backup to the place of the database at `url`. Returns where the
/// database that was there is kept.
///
/// # Errors
/// One sentence that says what to change; then the database is as it was.
pub fn restore(url: &DatabaseUrl, from: &Path) -> Result<Option<PathBuf>, String> {
    let DatabaseUrl::Sqlite(path) = url else {
        return Err(format!(
            "PostgreSQL restores its own backups: stop Keyfob, run pg_restore --clean --dbname '{url}' {}, and then \
             keyfob restore --keys-off to switch off every key until you have looked at it",
            from.display()
        ));
    };
    if !from.exists() {
        return Err(format!("there is no backup {}", from.display()));
    }
    let backup_file = DatabaseFile::open(from)?;
    let path = std::path::absolute(path).map_err(|error| format!("{} can't be named: {error}", path.display()))?;
    if fs::canonicalize(&path).is_ok_and(|path| fs::canonicalize(from).is_ok_and(|from| from == path)) {
        return Err(format!("{} is the database itself; name a backup of it", from.display()));
    }
    let kept = if path.exists() { Some(move_away(&path)?) } else { None };
    let like = kept.as_deref().or(path.parent());
    match (backup::copy_to(&backup_file, &path, like), kept.clone()) {
        (Ok(_), kept) => Ok(kept),
        (Err(problem), None) => Err(problem),
        (Err(problem), Some(kept)) => match rename(&kept, &path) {
            Ok(()) => Err(problem),
            Err(error) => Err(format!("{problem}; the database is at {} now, since {error}", kept.display())),
        },
    }
}

/// Moves the database away, after its write-ahead log was written into it.
fn move_away(path: &Path) -> Result<PathBuf, String> {
    // A damaged database is moved too: that may be why it is replaced.
    if let Ok(file) = DatabaseFile::open(path) {
        // Changing the mode needs the file for itself, so it fails while anybody uses it.
        let end_journal = || {
            let mut conn = ConnectionManager::of_file(&file).connect().map_err(anyhow::Error::from)?;
            conn.batch_execute("PRAGMA journal_mode=DELETE").map_err(anyhow::Error::from)
        };
        let is_locked =
            |ended: &anyhow::Result<()>| ended.as_ref().is_err_and(|error| error.to_string().contains("locked"));
        let (began, mut alone) = (Instant::now(), end_journal());
        while is_locked(&alone) && began.elapsed() < STOP_PATIENCE {
            thread::sleep(STOP_RETRY_DELAY);
            alone = end_journal();
        }
        if is_locked(&alone) {
            return Err(format!("{} is in use; stop Keyfob before you restore a backup", path.display()));
        }
    }
    let name = |number: u32| beside(path, &format!(".before-restore-{number}"));
    let kept = (1..=MAX_KEPT).map(name).find(|name| !name.exists());
    let kept = kept.ok_or_else(|| format!("{} and others exist; move them away", name(1).display()))?;
    rename(path, &kept).map_err(|error| format!("{} can't be moved away: {error}", path.display()))?;
    Ok(kept)
}

/// Renames a database with the journals that a damaged one may have left.
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)?;
    for suffix in ["-wal", "-shm"].into_iter().filter(|suffix| beside(from, suffix).exists()) {
        fs::rename(beside(from, suffix), beside(to, suffix))?;
    }
    Ok(())
}
