//! The management API: programs create, change and watch keys with a management key.

mod manager;
