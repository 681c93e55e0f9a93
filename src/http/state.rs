//! What every handler can reach.

use std::sync::Arc;

use actix_web::http::header::HeaderName;

use super::base_path::BasePath;
use super::client_address::TrustedProxies;
use super::public_url::PublicUrl;
use crate::clock::Clock;
use crate::domain::idempotency::RunningRequests;
use crate::domain::identity::login_metrics::LoginMetrics;
use crate::domain::identity::password::Passwords;
use crate::domain::identity::throttle::Throttle;
use crate::domain::installation::CookieKey;
use crate::gate::Gate;
use crate::networks::Networks;
use crate::server::drain::Drain;
use crate::server::metrics::ServerMetrics;
use crate::sms::Sms;
use crate::store::{Store, UtcTime};

/// Built once at the start; handlers get it as `web::Data<State>`.
pub struct State {
    /// The database.
    pub store: Store,
    /// Verdicts on keys.
    pub gate: Gate,
    /// The SMS service.
    pub sms: Sms,
    /// The idempotent requests about keys that are being worked on.
    pub running: RunningRequests,
    /// Whether the server is draining.
    pub drain: Arc<Drain>,
    /// The time.
    pub clock: Clock,
    /// Password hashing.
    pub passwords: Passwords,
    /// Slows down guessing.
    pub throttle: Throttle,
    /// How logins ended.
    pub logins: LoginMetrics,
    /// What the server counts.
    pub server_metrics: Arc<ServerMetrics>,
    /// Signs cookies.
    pub cookie_key: CookieKey,
    /// The proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: TrustedProxies,
    /// Private networks that callbacks may be sent to.
    pub callback_networks: Networks,
    /// When the process started.
    pub started_at: UtcTime,
    /// The URL that people use; if it is not set, pages show the host of their request.
    pub public_url: Option<PublicUrl>,
    /// The URL at which services and proxies reach Keyfob, where it is another one.
    pub internal_url: Option<String>,
    /// One more header that keys are read from.
    pub key_header: Option<HeaderName>,
}

impl State {
    /// Where the installation lies below its host, if it has not all of it.
    #[must_use]
    pub fn base_path(&self) -> Option<&BasePath> {
        self.public_url.as_ref().and_then(PublicUrl::base_path)
    }
}
