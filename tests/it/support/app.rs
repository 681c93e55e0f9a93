//! A real server in this process, on a thread and a port of its own.

use std::sync::{OnceLock, mpsc};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use keyfob::app::Keyfob;
use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::domain::account::{self, AccountId};
use keyfob::domain::operator::{self, Operator, OperatorId};
use keyfob::domain::password::{self, Password};
use keyfob::domain::service::{self, NewService};
use keyfob::store::UtcTime;
use keyfob::web::client_address::TrustedProxies;
use serde_json::{Value, json};

use super::{Client, Database};

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
    public_url: Option<String>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// A key as its maker knows it.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl Key {
    pub fn status_path(&self) -> String {
        format!("/api-keys/{}/status", self.id)
    }
}

impl<'db> App<'db> {
    /// A server without an operator.
    pub fn start(db: &'db Database) -> Self {
        Self::start_with(db, None, Clock::standing_at(NOW))
    }

    /// A server with an operator, behind a proxy that people reach at `public_url`.
    pub fn start_behind(db: &'db Database, public_url: &str) -> Self {
        Self::start_with(db, Some(public_url.to_owned()), Clock::standing_at(NOW)).with_operator()
    }

    /// One more server on the same database.
    pub fn another_instance(&self) -> Self {
        Self::start_with(self.db, self.public_url.clone(), self.clock.clone())
    }

    fn start_with(db: &'db Database, public_url: Option<String>, clock: Clock) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            database_url: db.url().parse().unwrap(),
            listen,
            public_url: public_url.clone(),
            trusted_proxies: TrustedProxies::default(),
        };
        let (started, wait) = mpsc::channel();
        let its_clock = clock.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let keyfob = Keyfob::build(&config, its_clock).await.unwrap();
                let code = keyfob.setup_code.map(|code| code.expose().to_owned());
                started.send((keyfob.address, code, keyfob.server.handle())).unwrap();
                keyfob.server.await.unwrap();
            });
        });
        let (address, setup_code, handle) = wait.recv().unwrap();
        Self { url: format!("http://{address}"), clock, setup_code, db, public_url, handle, thread: Some(thread) }
    }

    pub(super) fn with_operator(self) -> Self {
        if !operator::exists(&mut self.db.conn()).unwrap() {
            let account = account::first(&mut self.db.conn()).unwrap();
            self.add_operator(EMAIL, account);
        }
        self
    }

    fn add_operator(&self, email: &str, account_id: AccountId) {
        let operator = Operator {
            id: OperatorId::mint(),
            account_id,
            email: email.to_owned(),
            name: "Ada".to_owned(),
            password_hash: password_hash().to_owned(),
            created_at: NOW,
        };
        operator::create(&mut self.db.conn(), &operator).unwrap();
    }

    /// Somebody without cookies.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.url)
    }

    /// The operator, in a browser of its own.
    #[track_caller]
    pub fn signed_in(&self) -> Client {
        let client = self.anonymous();
        client.log_in(EMAIL, PASSWORD);
        client
    }

    /// The operator of another account on the same installation.
    #[track_caller]
    pub fn another_account(&self) -> Client {
        let account = account::create(&mut self.db.conn(), "Another account", NOW).unwrap();
        self.add_operator("eve@example.com", account);
        let client = self.anonymous();
        client.log_in("eve@example.com", PASSWORD);
        client
    }

    /// A second service, beside SMS.
    pub fn add_service(&self, slug: &str, name: &str) {
        let new = NewService::parse(name, slug, slug).unwrap();
        service::create(&mut self.db.conn(), new, NOW.plus_seconds(1)).unwrap();
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

/// Worked out once: it takes a moment.
fn password_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| password::hash(&Password::new(PASSWORD.to_owned())).unwrap())
}
