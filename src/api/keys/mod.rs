//! What the holder of a key, or somebody who found it, may do about it.

pub mod current;
pub mod leak_reports;
