//! The HTTP server: accepts connections, enforces the time limits of every
//! request, and drains when the process stops. Knows no route.

mod connection;
pub mod drain;
pub mod listen;
pub mod listen_address;
pub mod metrics;
mod request_guard;
mod stream;
mod sweeper;
#[cfg(test)]
mod tests;
pub mod timeouts;
