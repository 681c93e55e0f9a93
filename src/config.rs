//! The settings, from flags and the environment.

mod values;

use std::path::Path;
use std::time::Duration;

use actix_web::http::header::HeaderName;
use clap::{Args, Command};

use crate::audit_log::AuditLogTarget;
use crate::domain::credit;
use crate::environment;
use crate::http::client_address::TrustedProxies;
use crate::http::public_url::PublicUrl;
use crate::networks::Networks;
use crate::secret_text::SecretText;
use crate::server::listen_address::ListenAddress;
use crate::sms::callbacks::CallbackConfig;
use crate::sms::carriers::CarriersConfig;
use crate::sms::transport::TransportConfig;
use crate::store::{self, DatabaseUrl, OpenOptions};
use values::{no_network, parse_address, parse_key_header, parse_origin, parse_public_url};

/// Settings as text. Their doc comments are the help texts of the flags.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Where keys are kept: sqlite:FILE or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        default_value = "sqlite:keyfob.db",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: SecretText,

    /// How many seconds to wait at the start for a PostgreSQL server that is not up yet
    #[arg(long, global = true, env = "KEYFOB_WAIT_FOR_DATABASE", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(0..=3600), value_name = "SECONDS")]
    pub wait_for_database: u64,

    /// The most connections to PostgreSQL that this instance takes
    #[arg(long, global = true, env = "KEYFOB_DATABASE_CONNECTIONS", default_value_t = store::DEFAULT_CONNECTIONS,
        value_parser = clap::value_parser!(u32).range(i64::from(store::MIN_CONNECTIONS)..=1000), value_name = "NUMBER")]
    pub database_connections: u32,

    /// A connection pooler such as pgbouncer in transaction mode stands before PostgreSQL
    #[arg(long, global = true, env = "KEYFOB_DATABASE_POOLER", value_parser = clap::builder::BoolishValueParser::new())]
    pub database_pooler: bool,

    /// Address and port to listen on, or unix:PATH for a socket that your proxy opens; port 0 takes a free one
    #[arg(long, global = true, env = "KEYFOB_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: String,

    /// Address and port to serve Prometheus metrics on, at /metrics; off when left out
    #[arg(long, global = true, env = "KEYFOB_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<String>,

    /// The address that people type, `https://keys.example.com` or `https://example.com/keyfob`; needed behind a reverse proxy
    #[arg(long, global = true, env = "KEYFOB_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Addresses or ranges of reverse proxies whose X-Forwarded-For counts, separated by commas
    #[arg(long, global = true, env = "KEYFOB_TRUSTED_PROXIES", default_value = "", value_name = "ADDRESSES")]
    pub trusted_proxy: String,

    /// How SMS leave: sandbox (nothing leaves), `smpp://USER:PASSWORD@HOST:PORT`, `twilio://…`, `http-preset://…` or `http-file://…`
    #[arg(
        long,
        global = true,
        env = "KEYFOB_SMS_TRANSPORT",
        default_value = "sandbox",
        hide_env_values = true,
        value_name = "TRANSPORT"
    )]
    pub sms_transport: SecretText,

    /// A file with several carriers and the routes to them, in the place of --sms-transport
    #[arg(long, global = true, env = "KEYFOB_CARRIERS", value_name = "FILE")]
    pub carriers: Option<String>,

    /// Private addresses or ranges that customers' callbacks may go to, separated by commas
    #[arg(long, global = true, env = "KEYFOB_CALLBACK_ALLOW", default_value = "", value_name = "ADDRESSES")]
    pub callback_allow: String,

    /// Days after which texts and numbers of messages are removed; kept for ever when left out
    #[arg(long, global = true, env = "KEYFOB_MESSAGE_RETENTION",
        value_parser = clap::value_parser!(u16).range(3..=3650), value_name = "DAYS")]
    pub message_retention: Option<u16>,

    /// Credits that a new account starts with
    #[arg(long, global = true, env = "KEYFOB_OPENING_CREDITS", default_value_t = credit::DEFAULT_OPENING_CREDITS,
        value_parser = clap::value_parser!(i64).range(0..=credit::MAX_TOP_UP), value_name = "CREDITS")]
    pub opening_credits: i64,

    /// The address at which your own proxies and services reach Keyfob, for the snippets of Connect
    #[arg(long, global = true, env = "KEYFOB_INTERNAL_URL", value_name = "URL")]
    pub internal_url: Option<String>,

    /// One more header that keys are read from, besides X-API-Key and Authorization
    #[arg(long, global = true, env = "KEYFOB_KEY_HEADER", value_name = "NAME")]
    pub key_header: Option<String>,

    /// Where each audit event is written once more, as a line of JSON: stderr, or a file
    #[arg(long, global = true, env = "KEYFOB_AUDIT_LOG", value_name = "stderr|PATH")]
    pub audit_log: Option<String>,
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database.
    pub database_url: DatabaseUrl,
    /// How it is opened.
    pub database: OpenOptions,
    /// The address to listen on.
    pub listen: ListenAddress,
    /// The address to serve metrics on; `None` serves none.
    pub metrics_listen: Option<ListenAddress>,
    /// The address that browsers use.
    pub public_url: Option<PublicUrl>,
    /// The reverse proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The transport of live messages.
    pub sms_transport: TransportConfig,
    /// The carriers of a file, in the place of the one of `sms_transport`.
    pub carriers: Option<CarriersConfig>,
    /// Where callbacks may go.
    pub callbacks: CallbackConfig,
    /// The days after which texts and numbers of messages are removed; `None` keeps
    /// them.
    pub message_retention_days: Option<u16>,
    /// The credits that a new account starts with.
    pub opening_credits: i64,
    /// The origin that services and proxies use, without a trailing slash.
    pub internal_url: Option<String>,
    /// One more header that keys are read from.
    pub key_header: Option<HeaderName>,
    /// Where audit events are written besides the database.
    pub audit_log: Option<AuditLogTarget>,
}

impl Config {
    /// Validates the settings as a whole, so that every problem is reported at once.
    ///
    /// # Errors
    /// One sentence for every invalid setting.
    pub fn parse(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut found = Problems { command: Settings::augment_args(Command::new("")), sentences: Vec::new() };
        let url = settings.database_url.expose();
        let database_url = found.check("--database-url", url, url.parse());
        let text = settings.listen.as_str();
        let listen = found.check("--listen", text, parse_address("--listen", text, 8080));
        let text = settings.metrics_listen.as_deref();
        let metrics_listen = found.check_given("--metrics-listen", text, |flag, text| parse_address(flag, text, 9464));
        let public_url = found.check_given("--public-url", settings.public_url.as_deref(), parse_public_url);
        let internal_url = found.check_given("--internal-url", settings.internal_url.as_deref(), parse_origin);
        let key_header = found.check_given("--key-header", settings.key_header.as_deref(), parse_key_header);
        let audit_log = found.check_given("--audit-log", settings.audit_log.as_deref(), |_, text| text.parse());
        let text = settings.trusted_proxy.as_str();
        let proxies = TrustedProxies::parse(text).map_err(|part| no_network("--trusted-proxy", &part));
        let trusted_proxies = found.check("--trusted-proxy", text, proxies);
        let url = settings.sms_transport.expose();
        let sms_transport = found.check("--sms-transport", url, url.parse());
        let carriers = found.check_given("--carriers", settings.carriers.as_deref(), |_, file| match url {
            "sandbox" => CarriersConfig::read(Path::new(file)),
            _ => Err("--carriers has all carriers: move that of --sms-transport into the file".to_owned()),
        });
        let text = settings.callback_allow.as_str();
        let networks = Networks::parse(text).map_err(|part| no_network("--callback-allow", &part));
        let callback_allow = found.check("--callback-allow", text, networks);
        let checked = (|| {
            Some(Self {
                database_url: database_url?,
                database: OpenOptions {
                    wait: Duration::from_secs(settings.wait_for_database),
                    connections: settings.database_connections,
                    is_pooled: settings.database_pooler,
                    ..OpenOptions::default()
                },
                listen: listen?,
                metrics_listen: metrics_listen?,
                public_url: public_url?,
                trusted_proxies: trusted_proxies?,
                sms_transport: sms_transport?,
                carriers: carriers?,
                callbacks: CallbackConfig { allowed: callback_allow?, ..CallbackConfig::default() },
                message_retention_days: settings.message_retention,
                opening_credits: settings.opening_credits,
                internal_url: internal_url?,
                key_header: key_header?,
                audit_log: audit_log?,
            })
        })();
        checked.ok_or(found.sentences)
    }

    /// The carriers of the file, or the one of `--sms-transport`.
    #[must_use]
    pub fn all_carriers(&self) -> CarriersConfig {
        self.carriers.clone().unwrap_or_else(|| CarriersConfig::single(self.sms_transport.clone()))
    }

    /// What a first look at the program does not show, one sentence each.
    #[must_use]
    pub fn cautions(&self) -> Vec<String> {
        let is_https = self.public_url.as_ref().is_some_and(PublicUrl::is_https);
        let is_open = (self.listen.is_open_to_the_network() && !is_https).then(|| {
            format!(
                "{} is reached from other machines without https: passwords travel in the clear; put a proxy with https \
                 before it and set --public-url",
                self.listen
            )
        });
        let is_sandbox =
            self.all_carriers().carriers.is_empty().then(|| {
                "SMS go to the sandbox: nothing is really sent until --sms-transport names a carrier".to_owned()
            });
        is_open.into_iter().chain(is_sandbox).collect()
    }
}

/// What is wrong with the settings, one sentence for each.
struct Problems {
    command: Command,
    sentences: Vec<String>,
}

impl Problems {
    /// The value of a setting that was given as `text`. A sentence that does not name
    /// the setting, as it was given, gets its name in front.
    fn check<T>(&mut self, flag: &str, text: &str, parsed: Result<T, String>) -> Option<T> {
        let problem = match parsed {
            Ok(value) => return Some(value),
            Err(problem) => problem,
        };
        let name = environment::given_name(&self.command, flag, text);
        let problem = if name == flag { problem } else { problem.replace(flag, &name) };
        let is_named = name == flag || problem.contains(&name);
        self.sentences.push(if is_named { problem } else { format!("{name}: {problem}") });
        None
    }

    /// The same for a setting that may be left out.
    fn check_given<T>(
        &mut self,
        flag: &str,
        text: Option<&str>,
        parse: impl Fn(&str, &str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match text {
            None => Some(None),
            Some(text) => self.check(flag, text, parse(flag, text)).map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
