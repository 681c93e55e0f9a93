//! What tests are written with: a database, a server on it, and clients.

mod answer;
mod app;
mod asker;
mod carrier_peer;
mod certificate;
mod client;
mod database;
mod echo;
mod empty_root;
mod name_server;
mod page;
mod people;
mod phone;
mod pooler;
mod postgres_pair;
mod process;
mod program;
mod prometheus;
mod provider;
mod proxy;
mod receiver;
mod relay;
mod routes;
mod rust_tokens;
mod sample_rows;
mod sms;
mod smsc;
mod source_graph;
mod tls_front;
mod tunnel;
mod twilio_emulator;
mod wire;

pub use answer::Answer;
pub use app::{App, EMAIL, GateSwitch, Key, Off, PASSWORD, change};
pub use asker::{Asker, time_until};
pub use carrier_peer::{CarrierPeer, DATA_SM, DELIVER_SM, PeerAnswer, PeerSubmit, delivery};
pub use certificate::{Authority, Certificate};
pub use client::{Client, form};
pub use database::{Database, Rows};
pub use empty_root::{EmptyRoot, IMAGE_USER, is_root};
pub use name_server::NameServer;
pub use page::Page;
pub use people::operator_id;
pub use phone::Phone;
pub use pooler::Pooler;
pub use postgres_pair::PostgresPair;
pub use process::{Ended, Process, keyfob, run, run_as};
pub use program::{Program, key_of, path_of};
pub use prometheus::{Prometheus, promtool};
pub use provider::{Provider, ProviderAnswer, ProviderRequest};
pub use proxy::{Outcome, Proxy, ProxyKind, free_address};
pub use receiver::Receiver;
pub use relay::Relay;
pub use routes::{Route, UNKNOWN_INVITATION, UNKNOWN_OPERATOR, routes};
pub use sample_rows::filled_at;
pub use sms::{Application, MESSAGES, PHONE};
pub use smsc::Smsc;
pub use source_graph::SourceGraph;
pub use tls_front::TlsFront;
pub use tunnel::Tunnel;
pub use twilio_emulator::{TOKEN, TwilioEmulator};
pub use wire::Wire;

/// Tests that are written once and run on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* fn $name:ident($db:ident: &Database) $body:block)+) => {
        $($(#[$meta])* fn $name($db: &$crate::support::Database) $body)+

        mod sqlite {
            $(#[test] fn $name() { super::$name(&$crate::support::Database::sqlite()); })+
        }

        mod postgres {
            $(#[test] fn $name() { super::$name(&$crate::support::Database::postgres()); })+
        }
    };
}

pub(crate) use on_both_databases;

/// Tests that are written once and run with each proxy that the tests can start.
macro_rules! with_each_proxy {
    ($(fn $name:ident($kind:ident: ProxyKind, $db:ident: &Database) $body:block)+) => {
        $(fn $name($kind: $crate::support::ProxyKind, $db: &$crate::support::Database) $body)+

        mod nginx {
            $(#[test] fn $name() { super::$name($crate::support::ProxyKind::Nginx, &$crate::support::Database::sqlite()); })+
        }

        mod caddy {
            $(#[test] fn $name() { super::$name($crate::support::ProxyKind::Caddy, &$crate::support::Database::sqlite()); })+
        }

        mod envoy {
            $(#[test] fn $name() { super::$name($crate::support::ProxyKind::Envoy, &$crate::support::Database::sqlite()); })+
        }

        mod haproxy {
            $(#[test] fn $name() { super::$name($crate::support::ProxyKind::Haproxy, &$crate::support::Database::sqlite()); })+
        }
    };
}

pub(crate) use with_each_proxy;
