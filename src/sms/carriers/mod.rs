//! The carriers of this instance, each with its connection and its queue.

mod availability;
mod config;
mod running;

pub use availability::GivenUp;
pub use config::{CarrierConfig, CarriersConfig};
pub use running::{Carrier, Carriers};
