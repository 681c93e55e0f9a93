//! The SMS service: accepts messages, submits them to the carrier, and records
//! delivery receipts. The queue is in the database, so it outlives the process,
//! and every instance works on it.

mod batch;
pub mod callbacks;
pub mod carriers;
mod dispatcher;
mod due;
mod failover;
mod guard_log;
mod incoming;
pub mod metrics;
mod pace;
mod receipts;
mod retention;
mod service;
mod sweeper;
pub mod transport;
mod withdrawal;
mod worker;

pub use service::{CarrierState, Render, Sms};
pub use worker::{Workers, WorkersConfig};
