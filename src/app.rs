//! What is built once: the database, the gate, the HTTP server.

use std::sync::Arc;

use actix_web::App;
use actix_web::dev::Server;
use actix_web::web::{Data, get};

use crate::api::ops::metrics::metrics;
use crate::audit_log;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::idempotency::RunningRequests;
use crate::domain::identity::login_metrics::LoginMetrics;
use crate::domain::identity::password::Passwords;
use crate::domain::identity::setup_code::{self, SetupCode};
use crate::domain::identity::throttle::Throttle;
use crate::domain::{credit, installation, service};
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::http::State;
use crate::http::public_url::PublicUrl;
use crate::routes;
use crate::server::drain::Drain;
use crate::server::listen;
use crate::server::listen_address::{self, ListenAddress};
use crate::sms::{Sms, Workers, WorkersConfig};
use crate::store::Store;

/// A server that is ready to run.
pub struct Keyfob {
    /// Runs until it is stopped.
    pub server: Server,
    /// Where it listens, with the port that it got if 0 was asked for.
    pub address: ListenAddress,
    /// Where it serves metrics, if it does.
    pub metrics_address: Option<ListenAddress>,
    /// The code for making the first operator; `None` once there is one.
    pub setup_code: Option<SetupCode>,
    /// Whether this is the first start with this database.
    pub is_new: bool,
    /// The database.
    pub store: Store,
    /// The gate, which writes down the last uses of keys at the end.
    pub gate: Gate,
    /// The SMS service's workers, which are stopped after the server.
    pub workers: Workers,
    /// Begun before the server is stopped.
    pub drain: Arc<Drain>,
}

impl Keyfob {
    /// Opens the database, prepares what is missing and binds the port.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub async fn build(config: &Config, clock: Clock) -> Result<Self, String> {
        let (url, options) = (config.database_url.clone(), config.database);
        let open = move || Store::open_with(&url, options);
        let store = tokio::task::spawn_blocking(open).await.map_err(|error| error.to_string())??;
        config.audit_log.as_ref().map(|target| audit_log::follow(&store, target)).transpose()?;
        let is_new = store.is_new();
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
        let drain = Arc::new(Drain::default());
        let sms = Sms::new(store.clone(), clock.clone());
        let workers = Workers::start(
            &sms,
            &WorkersConfig {
                carriers: &config.all_carriers(),
                sandbox_delay: config.sms_transport.sandbox_delay(),
                callbacks: &config.callbacks,
                public_url: config.public_url.as_ref().map(PublicUrl::as_str),
                retention_days: config.message_retention_days,
            },
        );
        let base_path = config.public_url.as_ref().and_then(PublicUrl::base_path).cloned();
        let state = Data::new(State {
            gate: gate.clone(),
            sms,
            running: RunningRequests::default(),
            drain: Arc::clone(&drain),
            passwords: Passwords::default(),
            public_url: config.public_url.clone(),
            internal_url: config.internal_url.clone(),
            key_header: config.key_header.clone(),
            throttle: Throttle::new(clock.clone()),
            logins: LoginMetrics::default(),
            server_metrics: Arc::new(routes::groups::metrics(base_path)),
            trusted_proxies: config.trusted_proxies.clone(),
            callback_networks: config.callbacks.allowed.clone(),
            cookie_key,
            started_at: now,
            store: store.clone(),
            clock,
        });
        let (server, address) = serve_site(&config.listen, state.clone())?;
        let metrics_address =
            config.metrics_listen.as_ref().map(|address| serve_metrics(address, state)).transpose()?;
        Ok(Self { server, address, metrics_address, setup_code, is_new, store, gate, workers, drain })
    }
}

fn serve_site(address: &ListenAddress, state: Data<State>) -> Result<(Server, ListenAddress), String> {
    let (drain, metrics) = (Arc::clone(&state.drain), Arc::clone(&state.server_metrics));
    listen::listen(address, None, &drain, &metrics, move || routes::site(&state))
        .map_err(|error| listen_address::explain("--listen", address, &error))
}

/// Serves metrics from now on, until the process ends. Their own requests are not counted.
fn serve_metrics(address: &ListenAddress, state: Data<State>) -> Result<ListenAddress, String> {
    let drain = Arc::clone(&state.drain);
    let site = move || App::new().app_data(state.clone()).route("/metrics", get().to(metrics));
    let (server, address) = listen::listen(address, Some(1), &drain, &Arc::default(), site)
        .map_err(|error| listen_address::explain("--metrics-listen", address, &error))?;
    actix_web::rt::spawn(server);
    Ok(address)
}

fn explain(database: &str, error: &Error) -> String {
    match error {
        Error::Unavailable { reason, .. } => format!("{database} can't be used: {}", reason.sentence()),
        Error::Internal(cause) => format!("{database} can't be used: {cause:#}"),
        other => format!("{database} can't be used: {other}"),
    }
}
