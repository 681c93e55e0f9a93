//! Whose fault it is that nothing was copied: of two databases, one has failed.

use super::super::{DatabaseUrl, start_failure};

/// A whole sentence, to be shown as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct CopyProblem(pub(super) String);

impl CopyProblem {
    /// The failure of the database at `url`.
    pub(super) fn of(url: &DatabaseUrl, error: &anyhow::Error) -> anyhow::Error {
        Self(describe(url, error)).into()
    }
}

/// The sentence of a problem, or else one about the database at `url`.
pub(super) fn describe(url: &DatabaseUrl, error: &anyhow::Error) -> String {
    match error.downcast_ref::<CopyProblem>() {
        Some(CopyProblem(sentence)) => sentence.clone(),
        None => start_failure::describe(url, error),
    }
}
