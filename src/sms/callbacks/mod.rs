//! Sending callbacks.

mod config;
mod request;
mod resolver;
mod worker;

pub use config::CallbackConfig;
pub use resolver::LookUp;
pub(super) use worker::CallbackWorker;
