//! Why the database does not answer.

/// What keeps the database from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseOutage {
    /// Another process holds its lock.
    Locked,
    /// No space is left on its disk.
    DiskFull,
    /// It can be read but not written.
    ReadOnly,
    /// Its file was removed or replaced.
    FileGone,
    /// A newer program has changed its tables.
    Upgraded,
    /// It does not answer.
    Unreachable,
}

impl DatabaseOutage {
    /// The sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Locked => "The database is locked by another program.",
            Self::DiskFull => "The disk that holds the database is full.",
            Self::ReadOnly => "The database is read-only.",
            Self::FileGone => "The database file was removed or replaced while Keyfob was running.",
            Self::Upgraded => "Another version of Keyfob has taken over the database.",
            Self::Unreachable => "The database does not answer.",
        }
    }
}
