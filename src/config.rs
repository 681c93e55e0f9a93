//! The settings, from flags and the environment.

use std::net::SocketAddr;

use actix_web::http::header::{self, HeaderName};
use clap::Args;

use crate::domain::credit;
use crate::http::client_address::TrustedProxies;
use crate::networks::Networks;
use crate::sms::callbacks::CallbackConfig;
use crate::sms::transport::TransportConfig;
use crate::store::DatabaseUrl;

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
    pub database_url: String,

    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, global = true, env = "KEYFOB_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: String,

    /// Address and port to serve Prometheus metrics on, at /metrics; off when left out
    #[arg(long, global = true, env = "KEYFOB_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<String>,

    /// The address that people type, such as `https://keys.example.com`; needed behind a reverse proxy
    #[arg(long, global = true, env = "KEYFOB_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Addresses or ranges of reverse proxies whose X-Forwarded-For counts, separated by commas
    #[arg(long, global = true, env = "KEYFOB_TRUSTED_PROXIES", default_value = "", value_name = "ADDRESSES")]
    pub trusted_proxy: String,

    /// How SMS leave: sandbox (nothing leaves), or `smpp://USER:PASSWORD@HOST:PORT`
    #[arg(
        long,
        global = true,
        env = "KEYFOB_SMS_TRANSPORT",
        default_value = "sandbox",
        hide_env_values = true,
        value_name = "TRANSPORT"
    )]
    pub sms_transport: String,

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
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database.
    pub database_url: DatabaseUrl,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The address to serve metrics on; `None` serves none.
    pub metrics_listen: Option<SocketAddr>,
    /// The origin that browsers use, without a trailing slash.
    pub public_url: Option<String>,
    /// The reverse proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The transport of live messages.
    pub sms_transport: TransportConfig,
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
}

impl Config {
    /// Validates the settings as a whole, so that every problem is reported at once.
    ///
    /// # Errors
    /// One sentence for every invalid setting.
    pub fn parse(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut note = |problem: String| problems.push(problem);
        let database_url = settings.database_url.parse().map_err(&mut note).ok();
        let listen = parse_address("--listen", &settings.listen, 8080).map_err(&mut note).ok();
        let metrics_listen = settings.metrics_listen.as_deref();
        let metrics_listen = metrics_listen
            .map(|text| parse_address("--metrics-listen", text, 9464))
            .transpose()
            .map_err(&mut note)
            .ok();
        let public_url = settings.public_url.as_deref();
        let public_url = public_url.map(|text| parse_origin("--public-url", text)).transpose().map_err(&mut note).ok();
        let internal_url = settings.internal_url.as_deref();
        let internal_url =
            internal_url.map(|text| parse_origin("--internal-url", text)).transpose().map_err(&mut note).ok();
        let key_header = settings.key_header.as_deref().map(parse_key_header).transpose().map_err(&mut note).ok();
        let trusted_proxies = TrustedProxies::parse(&settings.trusted_proxy)
            .map_err(|part| {
                note(format!("--trusted-proxy: {part:?} is neither an address nor a range such as 10.0.0.0/8"))
            })
            .ok();
        let sms_transport = settings.sms_transport.parse().map_err(&mut note).ok();
        let callback_allow = Networks::parse(&settings.callback_allow)
            .map_err(|part| {
                note(format!("--callback-allow: {part:?} is neither an address nor a range such as 10.0.0.0/8"))
            })
            .ok();
        let checked = (|| {
            Some(Self {
                database_url: database_url?,
                listen: listen?,
                metrics_listen: metrics_listen?,
                public_url: public_url?,
                trusted_proxies: trusted_proxies?,
                sms_transport: sms_transport?,
                callbacks: CallbackConfig { allowed: callback_allow?, ..CallbackConfig::default() },
                message_retention_days: settings.message_retention,
                opening_credits: settings.opening_credits,
                internal_url: internal_url?,
                key_header: key_header?,
            })
        })();
        checked.ok_or(problems)
    }
}

fn parse_address(flag: &str, text: &str, port: u16) -> Result<SocketAddr, String> {
    let problem = |_| format!("{flag} {text:?} is not an address and a port; write for example 127.0.0.1:{port}");
    text.parse().map_err(problem)
}

/// Parses an origin: scheme, host and optional port, without a path.
fn parse_origin(flag: &str, text: &str) -> Result<String, String> {
    let url = text.strip_suffix('/').unwrap_or(text).to_lowercase();
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    match host {
        Some(host) if !host.is_empty() && host.chars().all(is_plain) => {
            // Browsers omit the scheme's default port in `Origin`, which is compared.
            let default_port = if url.starts_with("https") { ":443" } else { ":80" };
            Ok(url.strip_suffix(default_port).unwrap_or(&url).to_owned())
        }
        _ => {
            Err(format!("{flag} {text:?} is not an address without a path; write for example https://keys.example.com"))
        }
    }
}

/// Headers that mean something else. To read a key from one of them would break requests, or
/// let the application behind a proxy see another header than Keyfob has read.
const NO_KEY_HEADERS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
];

/// Parses the name of a header, without `_`: some applications take it for `-`, and nginx drops
/// such headers.
fn parse_key_header(text: &str) -> Result<HeaderName, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    let name = name.filter(|name| is_plain && !NO_KEY_HEADERS.contains(name));
    name.ok_or_else(|| {
        format!("--key-header {text:?} is not the name of a header for keys; write for example X-Auth-Token")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(database_url: &str, listen: &str, public_url: Option<&str>, trusted_proxy: &str) -> Settings {
        Settings {
            database_url: database_url.into(),
            listen: listen.into(),
            metrics_listen: None,
            public_url: public_url.map(Into::into),
            trusted_proxy: trusted_proxy.into(),
            sms_transport: "sandbox".into(),
            callback_allow: String::new(),
            message_retention: None,
            opening_credits: credit::DEFAULT_OPENING_CREDITS,
            internal_url: None,
            key_header: None,
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let mut wrong = settings("mysql://x", "8080", Some("keys.example.com/path"), "proxy.lan");
        wrong.metrics_listen = Some("localhost:9464".into());
        wrong.callback_allow = "10.0.0.0/8, intranet".into();
        wrong.internal_url = Some("keyfob:8080".into());
        wrong.key_header = Some("Cookie".into());
        let problems = Config::parse(&wrong).unwrap_err();
        assert_eq!(problems.len(), 8, "{problems:?}");
    }

    #[test]
    fn a_header_for_keys_has_a_plain_name_that_means_nothing_else() {
        assert_eq!(parse_key_header("X-Auth-Token").unwrap().as_str(), "x-auth-token");
        for wrong in ["", "x_auth", "x auth", "x-auth;", "schlüssel", "cookie", "Authorization", "host"] {
            assert!(parse_key_header(wrong).unwrap_err().contains("--key-header"), "{wrong}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin() {
        let public = |url| {
            Config::parse(&settings("sqlite:k.db", "127.0.0.1:0", Some(url), "127.0.0.1"))
                .ok()
                .and_then(|config| config.public_url)
        };
        assert_eq!(public("https://Keys.Example.com/").as_deref(), Some("https://keys.example.com"));
        assert_eq!(public("https://keys.example.com:443").as_deref(), Some("https://keys.example.com"));
        assert_eq!(public("http://[::1]:8080").as_deref(), Some("http://[::1]:8080"));
        for wrong in ["keys.example.com", "ftp://x", "https://", "https://x/y", "https://x'; rm -rf /"] {
            assert_eq!(public(wrong), None, "{wrong}");
        }
    }
}
