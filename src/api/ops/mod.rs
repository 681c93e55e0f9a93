//! For those who run Keyfob: health, metrics, and the description of the API.

pub mod health;
pub mod metrics;
pub mod openapi;
mod prometheus_text;
mod sms_metrics;
