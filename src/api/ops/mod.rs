//! For those who run Keyfob: health, metrics, and the description of the API.

mod database_metrics;
pub mod health;
mod http_metrics;
pub mod metrics;
pub mod openapi;
mod process_metrics;
mod prometheus_text;
mod sms_metrics;
