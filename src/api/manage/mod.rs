//! The management API: programs create, change and watch keys with a management key.

pub mod imports;
mod manager;
