//! The SQLite file: created explicitly, and checked for being replaced or deleted.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustix::fs::{Access, access};
use rustix::process::geteuid;

use crate::error::{DatabaseOutage, Error};

/// First bytes of every SQLite database (<https://sqlite.org/fileformat.html> §1.3).
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// The database file as it was opened, identified by device and inode. SQLite
/// would go on writing to its open handle after the file was unlinked or replaced,
/// and these writes would be lost silently.
#[derive(Debug, Clone)]
pub struct DatabaseFile {
    path: PathBuf,
    identity: FileIdentity,
    journals: Arc<OnceLock<Journals>>,
}

/// Device and inode.
type FileIdentity = (u64, u64);

/// The write-ahead log and its index, which hold what was written last.
struct Journals {
    files: Vec<(PathBuf, FileIdentity)>,
    /// While a connection is open, SQLite removes neither.
    _connection: Mutex<Box<dyn Send>>,
}

impl fmt::Debug for Journals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.files).finish()
    }
}

impl DatabaseFile {
    /// Opens the file at `path`, which must exist.
    ///
    /// # Errors
    /// One sentence when it is not a database or can't be opened.
    pub fn open(path: &Path) -> Result<Self, String> {
        let path = std::path::absolute(path).map_err(|error| describe(path, &error))?;
        if !path.exists() {
            return Err(format!("{} does not exist; name the database with --database-url", path.display()));
        }
        check_header(&path)?;
        Self::identify(path)
    }

    /// The file at `path`, whatever is in it.
    pub(super) fn identify(path: PathBuf) -> Result<Self, String> {
        let identity = identity(&path).map_err(|error| describe(&path, &error))?;
        Ok(Self { path, identity, journals: Arc::default() })
    }

    /// Guards the journals beside the file too, from now on. `connection` has read
    /// from the database, so that they exist, and is kept open.
    pub(super) fn guard_journals(&self, connection: impl Send + 'static) {
        let paths = ["-wal", "-shm"].map(|suffix| beside(&self.path, suffix));
        // A file system without shared memory has none.
        let files =
            paths.into_iter().filter_map(|path| identity(&path).ok().map(|identity| (path, identity))).collect();
        self.journals.get_or_init(|| Journals { files, _connection: Mutex::new(Box::new(connection)) });
    }

    /// Checks that the paths of the database and its journals still lead to the files
    /// that were opened.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when they do not.
    pub fn check_in_place(&self) -> Result<(), Error> {
        check_identity(&self.path, self.identity)?;
        let journals = self.journals.get().map(|journals| &*journals.files).unwrap_or_default();
        journals.iter().try_for_each(|(path, identity)| check_identity(path, *identity))
    }

    /// Those of the file and its journals that exist.
    #[must_use]
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let journals = ["-wal", "-shm"].map(|suffix| beside(&self.path, suffix));
        std::iter::once(self.path.clone()).chain(journals).filter(|path| path.exists()).collect()
    }

    /// Checks that the file and its journals may be written: from one that may not, SQLite
    /// reads without a word.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub(super) fn check_writable(&self) -> Result<(), String> {
        let check = |path: &PathBuf| access(path, Access::WRITE_OK).map_err(|error| describe(path, &error.into()));
        self.files().iter().try_for_each(check)
    }

    /// Its absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The URI for SQLite; `mode=rw` never creates a file.
    #[must_use]
    pub fn uri(&self) -> String {
        let mut uri = String::from("file:");
        for byte in self.path.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(char::from(*byte)),
                _ => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        uri + "?mode=rw"
    }
}

/// Makes an empty file that only its owner can open. One that root makes gets the owner of
/// `like`, the file that it replaces or its folder: the service is rarely root, and has to open it.
///
/// # Errors
/// When it can't be made, or exists.
pub(super) fn create(path: &Path, like: Option<&Path>) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    if let Some(owner) = like.filter(|_| geteuid().is_root()).and_then(|like| fs::metadata(like).ok()) {
        // A root without that right, as in some containers, keeps the file.
        let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()));
    }
    Ok(())
}

/// The path with `suffix` at its end.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn check_identity(path: &Path, opened: FileIdentity) -> Result<(), Error> {
    let cause = match identity(path) {
        Ok(now) if now == opened => return Ok(()),
        Ok(_) => anyhow::anyhow!("{} was replaced", path.display()),
        Err(error) => anyhow::anyhow!("{} was removed: {error}", path.display()),
    };
    Err(Error::unavailable(DatabaseOutage::FileGone, cause))
}

fn identity(path: &Path) -> io::Result<FileIdentity> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

fn check_header(path: &Path) -> Result<(), String> {
    let mut header = Vec::new();
    File::open(path)
        .and_then(|file| file.take(HEADER.len() as u64).read_to_end(&mut header))
        .map_err(|error| describe(path, &error))?;
    let shown = path.display();
    match header.as_slice() {
        [] => {
            Err(format!("{shown} is empty, so it holds no keys; restore it from a backup, or remove it to start anew"))
        }
        start if start == HEADER => Ok(()),
        _ => Err(format!("{shown} is not a Keyfob database; name another file with --database-url sqlite:FILE")),
    }
}

pub(super) fn describe(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("the folder of {shown} does not exist; make it, or name another file with --database-url")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("{shown} can't be written; give Keyfob's user the right to write it and its folder")
        }
        io::ErrorKind::IsADirectory => {
            format!("{shown} is a folder; name a file in it with --database-url sqlite:{shown}/keyfob.db")
        }
        _ => format!("{shown} can't be opened: {error}"),
    }
}
