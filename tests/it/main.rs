//! Keyfob from the outside: the real server on a real socket, on both databases.
//!
//! One file a noun, as in `src/`; `support/` holds what they share. Every test
//! that touches a database is written once and runs on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on ends there")]

mod support;

mod allowed_ips;
mod api_key;
mod api_key_callback;
mod api_key_status;
mod api_keys;
mod audit;
mod audit_page;
mod backup;
mod callbacks;
mod carrier;
mod carriers;
mod command_line;
mod connect;
mod connections;
mod crashes;
mod credits;
mod credits_at_once;

mod cached_statements;
mod environment;
mod expiry;
mod failover;
mod first_start;
mod flood;
mod foreign_sites;
mod gate_requests;
mod generated_clients;
mod handover;
mod headers;
mod health;
mod house;
mod idempotency;
mod key_commands;
mod key_rules;
mod leak_reports;
mod leaks;
mod log_lines;
mod login;
mod long_bodies;
mod lost_database;
mod many_logins;
mod messages;
mod methods;
mod metrics;
mod more_options;
mod nasty_text;
mod off_means_off;
mod older_instance;
mod openapi;
mod origin;
mod outage_log;
mod outages;
mod passwords;
mod presented_key;
mod proxies;
mod proxies_over_tls;
mod request_ids;
mod restore;
mod rotation;
mod safe_methods;
mod scopes;
mod secret_settings;
mod security_md;
mod sending;
mod service_scopes;
mod services;
mod sessions;
mod settings;
mod setup;
mod shutdown;
mod smpp;
mod sms_messages;
mod sql_text;
mod startup;
mod store;
mod test_keys;
mod throttle;
mod upgrades;
mod usage;
mod verify;
