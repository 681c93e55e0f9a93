//! The management API: programs create, change and watch keys with a management key.

pub mod audit_events;
pub mod introspect;
pub mod lookup;
mod manager;
pub mod usage;
