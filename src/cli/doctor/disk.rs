//! The file of an SQLite database: who may read it, and how much space is left.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::diagnosis::Diagnosis;
use crate::store::Inspection;

/// Below this, a busy day may fill the disk.
const LITTLE_SPACE: u64 = 500_000_000;
/// Below this, the next writes may fail.
const NO_SPACE: u64 = 50_000_000;

pub(super) fn check(inspection: &Inspection) -> Vec<Diagnosis> {
    let Some(file) = inspection.files.first() else { return Vec::new() };
    let mut findings = vec![rights(&inspection.files)];
    if let Some(folder) = file.parent() {
        findings.push(writable(folder));
        findings.push(space(folder, inspection.bytes));
    }
    findings
}

/// The file holds digests of keys, texts of messages and the key of the session cookie.
fn rights(files: &[PathBuf]) -> Diagnosis {
    const CHECK: &str = "file";
    let found: Vec<_> = files.iter().filter_map(|path| Some((path, fs::metadata(path).ok()?))).collect();
    let owner = found.first().map(|(_, file)| file.uid());
    if let Some((path, file)) = found.iter().find(|(_, file)| Some(file.uid()) != owner) {
        return Diagnosis::failure(
            CHECK,
            format!("{} belongs to user {}, and the database to another one", path.display(), file.uid()),
            Some("give both to the user that Keyfob runs as, with chown; run commands as that user"),
        );
    }
    if let Some((path, service)) = found.first().and_then(|(path, file)| Some((path, service_of(path, file)?))) {
        return Diagnosis::warning(
            CHECK,
            format!("{} belongs to root, and its folder to user {service}", path.display()),
            "if Keyfob runs as that user, give it the database and its -wal and -shm files, with chown",
        );
    }
    if let Some((path, file)) = found.iter().find(|(_, file)| file.mode() & 0o077 != 0) {
        return Diagnosis::warning(
            CHECK,
            format!("{} can be opened by other users (mode {:o})", path.display(), file.mode() & 0o777),
            "take the right away: chmod 600",
        );
    }
    Diagnosis::fine(CHECK, "only its owner can open it")
}

/// The owner of the folder of a file that belongs to root, if that is somebody else.
fn service_of(path: &Path, file: &fs::Metadata) -> Option<u32> {
    let folder = path.parent().and_then(|folder| fs::metadata(folder).ok())?;
    (file.uid() == 0 && folder.uid() != 0).then(|| folder.uid())
}

/// `SQLite` makes its journals in the folder.
fn writable(folder: &Path) -> Diagnosis {
    const CHECK: &str = "folder";
    match tempfile_in(folder) {
        Ok(()) => Diagnosis::fine(CHECK, format!("{} can be written", folder.display())),
        Err(error) => Diagnosis::failure(
            CHECK,
            format!("{} can't be written: {error}", folder.display()),
            Some("give Keyfob's user the right to write it"),
        ),
    }
}

/// Makes a file and removes it.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".keyfob-doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

fn space(folder: &Path, database: i64) -> Diagnosis {
    const CHECK: &str = "disk space";
    let left = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Diagnosis::skipped(CHECK, error.to_string()),
    };
    let told = format!("{} MB are free", left / 1_000_000);
    let advice = "free some: the disk of the database is nearly full";
    if left < NO_SPACE {
        return Diagnosis::failure(CHECK, told, Some(advice));
    }
    if left < LITTLE_SPACE {
        return Diagnosis::warning(CHECK, told, advice);
    }
    if left < database.unsigned_abs() {
        let advice = "free some: an upgrade makes a copy of the database first, and needs as much space again";
        return Diagnosis::warning(CHECK, told, advice);
    }
    Diagnosis::fine(CHECK, told)
}
