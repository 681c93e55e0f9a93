//! Online backups of an SQLite database: other connections go on writing.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use r2d2::ManageConnection as _;

use super::DatabaseUrl;
use super::connection::ConnectionManager;
use super::file::{self, DatabaseFile};

/// Copies before the same migration: a start that fails again and again must not fill the disk.
const MAX_COPIES: u32 = 9;

/// Copies a consistent snapshot of the database at `url` into a new file that only
/// its owner can read. Returns its size in bytes. The file is renamed to `to` after
/// it is complete and synced.
///
/// # Errors
/// One sentence that says what to change; then there is no new file.
pub fn back_up(url: &DatabaseUrl, to: &Path) -> Result<u64, String> {
    let DatabaseUrl::Sqlite(path) = url else {
        return Err(format!(
            "PostgreSQL makes its own backups, while it is in use; \
             run: pg_dump --format=custom --file={} '{url}'",
            to.display()
        ));
    };
    copy_to(&DatabaseFile::open(path)?, to, None)
}

/// Copies the database to a file beside it that is named after the next migration.
/// Copies of earlier starts are not overwritten.
///
/// # Errors
/// One sentence that says what to change; then there is no new file.
pub(super) fn copy_before(database: &DatabaseFile, version: &str) -> Result<PathBuf, String> {
    let name = |number: u32| {
        let mut name = database.path().as_os_str().to_owned();
        name.push(format!(".before-{version}"));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    let free = (1..=MAX_COPIES).map(name).find(|name| !name.exists() && !partial(name).exists());
    let free = free.ok_or_else(|| format!("{} and later copies exist; move them away", name(1).display()))?;
    copy_to(database, &free, Some(database.path())).map(|_| free)
}

/// Copies the database to a file that does not exist yet. One that root makes gets the owner of `like`.
pub(super) fn copy_to(database: &DatabaseFile, to: &Path, like: Option<&Path>) -> Result<u64, String> {
    let to = std::path::absolute(to).map_err(|error| describe(to, &error))?;
    if to.exists() {
        return Err(taken(&to));
    }
    let partial = partial(&to);
    file::create(&partial, like).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists { taken(&partial) } else { describe(&to, &error) }
    })?;
    let copied = copy(database, &partial).and_then(|size| name(&partial, &to).map(|()| size));
    // After a success too, since the hard link has left the file with two names.
    let _ = fs::remove_file(&partial);
    copied
}

/// The name of the file until it is complete.
fn partial(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// `VACUUM INTO` reads a snapshot and needs no write lock
/// (<https://sqlite.org/lang_vacuum.html>). It does not sync the file it writes.
fn copy(database: &DatabaseFile, to: &Path) -> Result<u64, String> {
    let shown = to.display();
    let name = to.to_str().ok_or_else(|| format!("{shown} can't be written: its name is no Unicode"))?;
    let failed = |error: &dyn std::fmt::Display| match error.to_string() {
        full if full.contains("disk is full") => format!("{shown} can't be written: its disk is full"),
        other => format!("the database can't be copied: {other}"),
    };
    let manager = ConnectionManager::Sqlite { uri: database.uri(), read_only: false };
    let mut conn = manager.connect().map_err(|error| failed(&error))?;
    conn.batch_execute(&format!("VACUUM INTO '{}'", name.replace('\'', "''"))).map_err(|error| failed(&error))?;
    let file = File::open(to).map_err(|error| describe(to, &error))?;
    file.sync_all().and_then(|()| file.metadata()).map(|file| file.len()).map_err(|error| describe(to, &error))
}

/// Renames the file without overwriting: a hard link fails if the name is taken.
pub(super) fn name(partial: &Path, to: &Path) -> Result<(), String> {
    let named = match fs::hard_link(partial, to) {
        // Some file systems have no hard links.
        Err(error) if error.kind() != ErrorKind::AlreadyExists && !to.exists() => fs::rename(partial, to),
        linked => linked,
    };
    match named {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken(to)),
        named => named.and_then(|()| sync_folder(to)).map_err(|error| describe(to, &error)),
    }
}

fn sync_folder(of: &Path) -> io::Result<()> {
    of.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn taken(path: &Path) -> String {
    format!("{} exists, and nothing is overwritten; name another file, or move this one away", path.display())
}

fn describe(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            format!("the folder of {} does not exist; make it, or name another file", path.display())
        }
        _ => format!("{} can't be written: {error}", path.display()),
    }
}
