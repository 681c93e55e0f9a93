//! The HTTP server: listens, watches over its connections, drains them when it
//! stops. Knows no route.

pub mod connection;
pub mod drain;
pub mod listen;
pub mod stream;
mod timeouts;
