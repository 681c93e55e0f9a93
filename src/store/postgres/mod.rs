//! Connections to PostgreSQL: which servers the URL names, TLS to them, and which of them
//! is the primary.
//!
//! libpq speaks to the server, as every query is tested with it. It is built in without
//! OpenSSL, which would be a system library, or megabytes of a second TLS beside the one that
//! carriers and callbacks have. So TLS is done here, by rustls: Keyfob connects to the server,
//! does the handshake, and relays to libpq over a socket that only this process can use.
//! Connections without TLS are libpq's own, as before.

mod connector;
mod dial;
mod encryption;
mod host;
mod parameters;
mod passfile;
mod relay;
mod socket_limits;
mod startup;
mod target;
mod tls_client;
mod tls_failure;
mod tls_rules;
mod verifier;

pub(super) use connector::PostgresConnector;
pub(super) use target::PostgresTarget;
