//! What is built once: the database, the gate, the HTTP server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::web::{Data, get};
use actix_web::{App, HttpServer};

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::password::Passwords;
use crate::domain::setup_code::{self, SetupCode};
use crate::domain::throttle::Throttle;
use crate::domain::{credit, installation, service};
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::routes::site;
use crate::shutdown::STOP_SECONDS;
use crate::sms::{Sms, Workers};
use crate::store::Store;
use crate::web::State;
use crate::web::api::metrics::metrics;
use crate::web::connections::{self, Stopping};

/// How long the first head of a connection may take to arrive.
const HEAD_ARRIVES_WITHIN: Duration = Duration::from_secs(8);
/// How long a client is listened to that was answered before it had sent all.
const BODY_IS_DROPPED_FOR: Duration = Duration::from_secs(1);

/// A server that is ready to run.
pub struct Keyfob {
    /// Runs until it is stopped.
    pub server: Server,
    /// Where it listens; with the port it got, where 0 was asked for.
    pub address: SocketAddr,
    /// Where it serves metrics, if anywhere.
    pub metrics_address: Option<SocketAddr>,
    /// Printed in the terminal until there is an operator.
    pub setup_code: Option<SetupCode>,
    /// Whether the database was made just now.
    pub is_new: bool,
    /// The database, for whoever runs beside the server.
    pub store: Store,
    /// The gate, which has uses to write down at the end.
    pub gate: Gate,
    /// The SMS service's workers, which are stopped after the server.
    pub workers: Workers,
    /// Begun before the server is stopped.
    pub stopping: Arc<Stopping>,
}

impl Keyfob {
    /// Opens the database, prepares what is missing and binds the port.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub async fn build(config: &Config, clock: Clock) -> Result<Self, String> {
        let url = config.database_url.clone();
        let store =
            tokio::task::spawn_blocking(move || Store::open(&url)).await.map_err(|error| error.to_string())??;
        let is_new = store.is_new_file();
        let (now, opening) = (clock.now(), config.opening_credits);
        let (cookie_key, setup_code, services) = store
            .write(move |conn| {
                let cookie_key = installation::prepare(conn, now)?;
                credit::open_accounts(conn, opening, now)?;
                Ok((cookie_key, setup_code::issue(conn)?, service::list(conn)?))
            })
            .await
            .map_err(|error| explain(&config.database_url.to_string(), &error))?;
        let gate = Gate::open(store.clone(), clock.clone());
        services.iter().for_each(|service| gate.count_service(&service.slug));
        let stopping = Arc::new(Stopping::default());
        let sms = Sms::new(store.clone(), clock.clone());
        let workers = Workers::start(&sms, &config.sms_transport, &config.callbacks);
        let state = Data::new(State {
            gate: gate.clone(),
            sms,
            stopping: Arc::clone(&stopping),
            passwords: Passwords::default(),
            public_url: config.public_url.clone(),
            throttle: Throttle::new(clock.clone()),
            trusted_proxies: config.trusted_proxies.clone(),
            callback_networks: config.callbacks.allowed.clone(),
            cookie_key,
            started_at: now,
            store: store.clone(),
            clock,
        });
        let (server, address) = listen(config.listen, state.clone())?;
        let metrics_address = config.metrics_listen.map(|address| serve_metrics(address, state)).transpose()?;
        Ok(Self { server, address, metrics_address, setup_code, is_new, store, gate, workers, stopping })
    }
}

fn listen(address: SocketAddr, state: Data<State>) -> Result<(Server, SocketAddr), String> {
    // Signals are for `shutdown`; idle connections are for `connections`, which
    // needs no timer for each request.
    let server = HttpServer::new(move || site(&state))
        .on_connect(connections::watch)
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(HEAD_ARRIVES_WITHIN)
        .client_disconnect_timeout(BODY_IS_DROPPED_FOR)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals()
        // A compressed page leaves in several pieces; without this the last one
        // waits for the client's acknowledgement, 40 ms and more.
        .tcp_nodelay(true)
        .bind(address)
        .map_err(|error| bind_failure("--listen", address, &error))?;
    let address = server.addrs().first().copied().unwrap_or(address);
    Ok((server.run(), address))
}

/// Serves metrics from now on, until the process ends.
fn serve_metrics(address: SocketAddr, state: Data<State>) -> Result<SocketAddr, String> {
    let server = HttpServer::new(move || App::new().app_data(state.clone()).route("/metrics", get().to(metrics)))
        .workers(1)
        .disable_signals()
        .bind(address)
        .map_err(|error| bind_failure("--metrics-listen", address, &error))?;
    let address = server.addrs().first().copied().unwrap_or(address);
    actix_web::rt::spawn(server.run());
    Ok(address)
}

fn bind_failure(flag: &str, address: SocketAddr, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!(
                "port {} is in use; stop what uses it, or choose another one with {flag} {}:PORT",
                address.port(),
                address.ip()
            )
        }
        ErrorKind::PermissionDenied => {
            format!(
                "port {} needs more rights; choose one above 1023 with {flag} {}:PORT",
                address.port(),
                address.ip()
            )
        }
        ErrorKind::AddrNotAvailable => {
            format!("this machine has no address {}; choose another one with {flag} (0.0.0.0 for all)", address.ip())
        }
        _ => format!("can't listen on {address}: {error}; choose another address with {flag}"),
    }
}

fn explain(database: &str, error: &Error) -> String {
    match error {
        Error::Unavailable { reason, .. } => format!("{database} can't be used: {}", reason.sentence()),
        Error::Internal(cause) => format!("{database} can't be used: {cause:#}"),
        other => format!("{database} can't be used: {other}"),
    }
}
