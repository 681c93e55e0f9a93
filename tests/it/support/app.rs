//! A real server in this process, on a thread and a port of its own.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use keyfob::app::Keyfob;
use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::domain::account::membership::{self, Role};
use keyfob::domain::account::{self, AccountId};
use keyfob::domain::api_key::deletion;
use keyfob::domain::api_key::{
    self, AllowedIps, AllowedIpsChange, ApiKeyId, Creation, KeyRules, KeyStatus, NewApiKey, Scopes,
};
use keyfob::domain::api_key::{ManagementBounds, ServiceReach};
use keyfob::domain::credit;
use keyfob::domain::identity::operator::{self, NewOperator, OperatorId};
use keyfob::domain::identity::password::{self, Password};
use keyfob::domain::management::{self, ManagementScope};
use keyfob::domain::service::{self, NewService};
use keyfob::error::Error;
use keyfob::http::base_path::BasePath;
use keyfob::http::client_address::TrustedProxies;
use keyfob::http::public_url::PublicUrl;
use keyfob::server::drain::Drain;
use keyfob::server::listen_address::ListenAddress;
use keyfob::sms::callbacks::CallbackConfig;
use keyfob::sms::transport::TransportConfig;
use keyfob::store::schema::api_keys;
use keyfob::store::{Actor, Conn, Digest, OpenOptions, Store, Tx, UtcTime};
use serde_json::{Value, json};

use super::{CarrierPeer, Client, Database};

/// What the operator logs in with.
pub const EMAIL: &str = "ada@example.com";
pub const PASSWORD: &str = "correct horse battery staple";

/// 2026-03-01 12:00:00 UTC: where the clock stands until a test moves it.
const NOW: UtcTime = UtcTime::from_micros(1_772_366_400_000_000);

/// Stopped when the test ends.
pub struct App<'db> {
    pub url: String,
    pub clock: Clock,
    /// What stands in the terminal.
    pub setup_code: Option<String>,
    pub db: &'db Database,
    /// The server's own store, for changes that need no browser.
    pub store: Store,
    /// Lets connections go without stopping.
    pub drain: Arc<Drain>,
    public_url: Option<PublicUrl>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// A key as its maker knows it.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

/// Why a key opens no door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    Disabled,
    NoScope,
    Elsewhere,
    Ended,
}

impl Off {
    pub const ALL: [Self; 4] = [Self::Disabled, Self::NoScope, Self::Elsewhere, Self::Ended];

    /// What the gate says then.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::NoScope => "INSUFFICIENT_SCOPE",
            Self::Elsewhere => "IP_NOT_ALLOWED",
            Self::Ended => "EXPIRED",
        }
    }
}

/// Switches keys as the dashboard does, without a browser.
pub struct GateSwitch {
    store: Store,
    account: AccountId,
    runtime: tokio::runtime::Runtime,
}

impl GateSwitch {
    #[track_caller]
    pub fn set(&self, key: &Key, status: KeyStatus) {
        let (account, id): (_, ApiKeyId) = (self.account.clone(), key.id.parse().unwrap());
        let change = self.store.change(Actor::system(), NOW, move |tx| api_key::set_status(tx, &account, &id, status));
        self.runtime.block_on(change).unwrap();
    }

    /// Lets a key open no door, or every door again.
    #[track_caller]
    pub fn turn(&self, key: &Key, off: Off, is_on: bool) {
        let (account, id): (_, ApiKeyId) = (self.account.clone(), key.id.parse().unwrap());
        let digest = Digest::of(key.secret.as_bytes());
        let change = self.store.change(Actor::system(), NOW, move |tx| match off {
            Off::Disabled => {
                let status = if is_on { KeyStatus::Enabled } else { KeyStatus::Disabled };
                api_key::set_status(tx, &account, &id, status).map(drop)
            }
            Off::NoScope => {
                let scopes = if is_on { Scopes::full() } else { Scopes::parse([])? };
                api_key::set_scopes(tx, &account, &id, &scopes, None).map(drop)
            }
            Off::Elsewhere => {
                let allowed = AllowedIps::parse(if is_on { "" } else { "198.51.100.1" })?;
                let change = AllowedIpsChange::Replace { list: allowed, was: None };
                api_key::change_allowed_ips(tx, &account, &id, change).map(drop)
            }
            // In the past, which no form takes.
            Off::Ended => {
                let end = api_keys::expires_at.eq((!is_on).then_some(NOW));
                diesel::update(api_keys::table.find(&id)).set(end).execute(tx.conn())?;
                tx.forget(digest);
                Ok(())
            }
        });
        self.runtime.block_on(change).unwrap();
    }

    #[track_caller]
    pub fn delete(&self, key: &Key) {
        let (account, id): (_, ApiKeyId) = (self.account.clone(), key.id.parse().unwrap());
        let change = self.store.change(Actor::system(), NOW, move |tx| deletion::delete(tx, &account, &id));
        self.runtime.block_on(change).unwrap();
    }
}

impl Key {
    pub fn handover_path(&self) -> String {
        format!("/api-keys/{}/handover", self.id)
    }

    pub fn status_path(&self) -> String {
        format!("/api-keys/{}/status", self.id)
    }
}

impl<'db> App<'db> {
    /// A server without an operator.
    pub fn start(db: &'db Database) -> Self {
        Self::start_with(db, None, TrustedProxies::default(), Clock::standing_at(NOW))
    }

    /// A server with an operator, behind a proxy that people reach at `public_url`.
    pub fn start_behind(db: &'db Database, public_url: &str) -> Self {
        Self::start_with(db, Some(public_url.parse().unwrap()), TrustedProxies::default(), Clock::standing_at(NOW))
            .with_operator()
    }

    /// A server with an operator, which believes `X-Forwarded-For` from this machine.
    pub fn start_trusting(db: &'db Database) -> Self {
        let proxies = TrustedProxies::parse("127.0.0.1").unwrap();
        Self::start_with(db, None, proxies, Clock::standing_at(NOW)).with_operator()
    }

    /// A server with an operator, whose callbacks may go where `callbacks` says.
    pub fn start_calling(db: &'db Database, callbacks: CallbackConfig, clock: Clock) -> Self {
        Self::start_set(db, |config| config.callbacks = callbacks, clock).with_operator()
    }

    /// A server with an operator, whose messages leave for this carrier.
    pub fn start_with_carrier(db: &'db Database, url: &str) -> Self {
        let set = |config: &mut Config| config.sms_transport = url.parse().unwrap();
        Self::start_set(db, set, Clock::standing_at(NOW)).with_operator()
    }

    /// A server with an operator and without a carrier, as a new installation is.
    pub fn start_rehearsing(db: &'db Database) -> Self {
        let set = |config: &mut Config| config.sms_transport = TransportConfig::Sandbox { delay: Duration::ZERO };
        Self::start_set(db, set, Clock::standing_at(NOW)).with_operator()
    }

    /// One more server on the same database.
    pub fn another_instance(&self) -> Self {
        Self::start_with(self.db, self.public_url.clone(), TrustedProxies::default(), self.clock.clone())
    }

    fn start_with(
        db: &'db Database,
        public_url: Option<PublicUrl>,
        trusted_proxies: TrustedProxies,
        clock: Clock,
    ) -> Self {
        let set = |config: &mut Config| {
            config.public_url = public_url;
            config.trusted_proxies = trusted_proxies;
        };
        Self::start_set(db, set, clock)
    }

    /// A server with other settings than usual, and without an operator. Its carrier is
    /// the ordinary one.
    pub fn start_set(db: &'db Database, set: impl FnOnce(&mut Config), clock: Clock) -> Self {
        let listen = ListenAddress::Tcp(([127, 0, 0, 1], 0).into());
        let mut config = Config {
            database_url: db.url().parse().unwrap(),
            database: OpenOptions::default(),
            listen,
            metrics_listen: None,
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            sms_transport: CarrierPeer::ordinary().url("window=100").parse().unwrap(),
            carriers: None,
            callbacks: CallbackConfig::default(),
            message_retention_days: None,
            opening_credits: credit::DEFAULT_OPENING_CREDITS,
            internal_url: None,
            key_header: None,
            audit_log: None,
        };
        set(&mut config);
        let public_url = config.public_url.clone();
        let (started, wait) = mpsc::channel();
        let its_clock = clock.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let keyfob = Keyfob::build(&config, its_clock).await.unwrap();
                let code = keyfob.setup_code.map(|code| code.expose().to_owned());
                started
                    .send((keyfob.address.to_string(), code, keyfob.store, keyfob.drain, keyfob.server.handle()))
                    .unwrap();
                keyfob.server.await.unwrap();
            });
        });
        let (address, setup_code, store, drain, handle) = wait.recv().unwrap();
        let url = format!("http://{address}");
        Self { url, clock, setup_code, db, store, drain, public_url, handle, thread: Some(thread) }
    }

    /// The same with an operator, and without the sending limits of a new account: most tests
    /// send to one phone again and again.
    pub fn with_operator(self) -> Self {
        if operator::exists(&mut self.db.conn()).unwrap() {
            return self;
        }
        self.db.execute("DELETE FROM guards");
        self.with_operator_and_limits()
    }

    /// The same with an operator, and with its sending limits as they are.
    pub fn with_operator_and_limits(self) -> Self {
        let account = account::first(&mut self.db.conn()).unwrap();
        self.add_operator(EMAIL, &account, Role::Owner);
        self
    }

    fn add_operator(&self, email: &str, account: &AccountId, role: Role) {
        let operator = NewOperator {
            id: OperatorId::mint(),
            email: email.to_owned(),
            name: "Ada".to_owned(),
            password_hash: password_hash().to_owned(),
        };
        change(&mut self.db.conn(), NOW, |tx| operator::create(tx, account, role, operator));
    }

    /// Somebody without cookies.
    pub fn anonymous(&self) -> Client {
        let below = self.public_url.as_ref().and_then(PublicUrl::base_path).map_or("", BasePath::as_str);
        Client::new(&format!("{}{below}", self.url))
    }

    /// The operator, in a browser of its own.
    #[track_caller]
    pub fn signed_in(&self) -> Client {
        let client = self.anonymous();
        client.log_in(EMAIL, PASSWORD);
        client
    }

    /// Somebody else of the operator's account, with this role and address.
    #[track_caller]
    pub fn colleague(&self, role: Role, email: &str) -> Client {
        let account = account::first(&mut self.db.conn()).unwrap();
        self.add_operator(email, &account, role);
        let client = self.anonymous();
        client.log_in(email, PASSWORD);
        client
    }

    /// The operator of another account on the same installation.
    #[track_caller]
    pub fn another_account(&self) -> Client {
        self.of_another_account(Role::Owner, "eve@example.com")
    }

    /// Somebody with this role and address in an account that nobody else has.
    #[track_caller]
    pub fn of_another_account(&self, role: Role, email: &str) -> Client {
        let account = account::create(&mut self.db.conn(), "Another account", NOW).unwrap();
        credit::open_accounts(&mut self.db.conn(), credit::DEFAULT_OPENING_CREDITS, NOW).unwrap();
        self.add_operator(email, &account, role);
        let client = self.anonymous();
        client.log_in(email, PASSWORD);
        client
    }

    /// A key, made without a browser.
    #[track_caller]
    pub fn make_key(&self, name: &str) -> Key {
        self.make_key_with(&mut self.db.conn(), name)
    }

    /// A key that only rehearses.
    #[track_caller]
    pub fn make_test_key(&self, name: &str) -> Key {
        self.make_key_of(&mut self.db.conn(), name, "test", KeyRules::default())
    }

    /// A live key with these scopes, `*` for full access, that may be used from these addresses.
    #[track_caller]
    pub fn make_key_with_rules(&self, scopes: &str, allowed_ips: &str) -> Key {
        let scopes = Scopes::parse(scopes.split_whitespace()).unwrap();
        let rules = KeyRules { scopes, allowed_ips: AllowedIps::parse(allowed_ips).unwrap(), ..KeyRules::default() };
        self.make_key_of(&mut self.db.conn(), "Ruled", "live", rules)
    }

    /// The same over a connection that is there already.
    #[track_caller]
    pub fn make_key_with(&self, conn: &mut Conn, name: &str) -> Key {
        self.make_key_of(conn, name, "live", KeyRules::default())
    }

    /// A management key with these scopes, `*` for all that there are, for the services of
    /// these slugs, `*` for all, which may give every scope.
    #[track_caller]
    pub fn make_management_key(&self, scopes: &str, services: &str) -> Key {
        let services = ServiceReach::parse(services.split_whitespace()).unwrap();
        self.make_management_key_within(scopes, ManagementBounds::new(services, Scopes::full(), None).unwrap())
    }

    /// The same within these bounds.
    #[track_caller]
    pub fn make_management_key_within(&self, scopes: &str, bounds: ManagementBounds) -> Key {
        let all = ManagementScope::VARIANTS.iter().map(|scope| scope.as_str());
        let named = scopes.split_whitespace();
        let scopes = if scopes == "*" { Scopes::parse(all) } else { Scopes::parse(named) };
        let new = NewApiKey::parse(ApiKeyId::mint().as_str(), management::SERVICE, "live", "Signup", "").unwrap();
        let rules = KeyRules { scopes: scopes.unwrap(), ..KeyRules::default() };
        self.make(&mut self.db.conn(), new.with_rules(rules).with_bounds(bounds))
    }

    #[track_caller]
    fn make_key_of(&self, conn: &mut Conn, name: &str, mode: &str, rules: KeyRules) -> Key {
        let new = NewApiKey::parse(ApiKeyId::mint().as_str(), "sms", mode, name, "").unwrap().with_rules(rules);
        self.make(conn, new)
    }

    #[track_caller]
    fn make(&self, conn: &mut Conn, new: NewApiKey) -> Key {
        let operator = operator::find_by_email(conn, EMAIL).unwrap();
        let account = membership::of(conn, &operator.id).unwrap().account_id;
        match change(conn, self.clock.now(), |tx| api_key::create(tx, &account, Some(&operator.id), new)) {
            Creation::Made(made, secret) => Key { id: made.key.id.to_string(), secret: secret.expose().to_owned() },
            Creation::Repeated => panic!("the key was there"),
        }
    }

    /// Copies a key so many times, without its secret, as one statement.
    #[track_caller]
    pub fn copy_key(&self, key: &Key, count: usize) {
        let columns = "account_id, service, mode, name, description, status, created_at, sort_name, search";
        self.db.execute(&format!(
            "INSERT INTO api_keys (id, {columns}) \
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
             SELECT 'key_000000000000000000000' || CAST(10000 + n AS TEXT), {columns} \
             FROM numbers, api_keys WHERE id = '{}'",
            key.id
        ));
    }

    /// Makes a change through this instance, as the dashboard does.
    #[track_caller]
    pub fn change<T: Send + 'static>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.store.change(Actor::system(), self.clock.now(), work)).unwrap()
    }

    /// Switches keys at the gate, as the dashboard does.
    #[track_caller]
    pub fn gate_switch(&self) -> GateSwitch {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        GateSwitch { store: self.store.clone(), account: account::first(&mut self.db.conn()).unwrap(), runtime }
    }

    /// A second service, beside SMS.
    pub fn add_service(&self, slug: &str, name: &str) {
        let new = NewService::parse(name, slug, slug).unwrap();
        change(&mut self.db.conn(), NOW.plus_seconds(1), |tx| service::create(tx, new));
    }

    /// What the gate says about a key.
    #[track_caller]
    pub fn verify(&self, secret: &str) -> Value {
        self.anonymous().post_json("/v1/keys/verify", json!({"key": secret}).to_string()).assert_ok().json()
    }

    #[track_caller]
    pub fn assert_verdict(&self, secret: &str, code: &str) {
        let verdict = self.verify(secret);
        assert_eq!(verdict["code"], code, "{verdict}");
        assert_eq!(verdict["valid"], code == "VALID", "{verdict}");
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Makes a change as Keyfob itself, over a connection that is at hand.
#[track_caller]
pub fn change<T>(conn: &mut Conn, now: UtcTime, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error>) -> T {
    let change = |conn: &mut Conn| {
        // SQLite has to wait for its write lock before it reads anything: a
        // transaction that reads first fails where another one wrote in between.
        conn.batch_execute("UPDATE revisions SET latest = latest")?;
        Tx::run(conn, Actor::system(), now, work)
    };
    conn.transaction(change).unwrap().0
}

/// Worked out once: it takes a moment.
fn password_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| password::hash(&Password::new(PASSWORD.to_owned())).unwrap())
}
