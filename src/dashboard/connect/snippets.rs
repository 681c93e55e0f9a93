//! How to ask about keys and how to send: snippets for proxies and programs, filled in
//! with this installation's address and a service. Tests run those for programs, nginx,
//! Caddy, Envoy and `HAProxy`, with other examples.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::services::option::ServiceOption;
use crate::domain::callback::account_sid;
use crate::domain::service::{self, Service};
use crate::domain::service_scope::{self, ServiceScope};
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::base_url::base_url;

/// The slug of the service whose keys send messages.
const SMS_SERVICE: &str = "sms";

/// `connect/page.html`
#[derive(Template)]
#[template(path = "connect/page.html")]
struct ConnectPage {
    shell: Shell,
    services: Vec<ServiceOption>,
    service: Service,
    /// Where proxies and services reach Keyfob.
    keyfob: Address,
    /// Where applications reach it.
    public_url: String,
    /// The headers that keys are read from, in their usual spelling.
    key_headers: Vec<String>,
    /// Whether keys of this service send messages.
    can_send: bool,
    /// The account's id for programs that speak Twilio's API.
    account_sid: String,
    /// The catalogue of the service, to choose from.
    scopes: Vec<ServiceScope>,
    /// Those that the snippets ask for.
    asked: Vec<String>,
}

fn key_headers(state: &State) -> Vec<String> {
    let named = state.key_header.as_ref().map(|name| title_case(name.as_str()));
    ["X-API-Key".to_owned()].into_iter().chain(named).chain(["Authorization".to_owned()]).collect()
}

/// `X-Auth-Token` for `x-auth-token`.
fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

/// Where Keyfob is, in the parts that configuration files want. Like slugs and
/// prefixes it has no character that means something to any of them.
struct Address {
    /// The whole, without a slash at its end.
    url: String,
    /// Scheme, host and perhaps a port.
    origin: String,
    /// What stands before the paths of the API: nothing, or the path below which Keyfob lies.
    path: String,
    /// Host and perhaps a port.
    host: String,
    /// Host and port.
    socket: String,
    /// The host without a port or brackets.
    name: String,
    port: String,
    is_https: bool,
}

impl Address {
    fn parse(url: String) -> Self {
        let is_https = url.starts_with("https://");
        let host = url.split_once("://").map_or(&*url, |(_, host)| host);
        let (origin, path) = url.split_at(host.find('/').map_or(url.len(), |path| url.len() - host.len() + path));
        let (origin, path) = (origin.to_owned(), path.to_owned());
        let host = host.strip_suffix(&*path).unwrap_or(host).to_owned();
        // An address of version 6 has colons within its brackets.
        let with_port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        let (name, port) = with_port.unwrap_or((&host, if is_https { "443" } else { "80" }));
        let socket = format!("{name}:{port}");
        let name = name.trim_matches(['[', ']']).to_owned();
        Self { name, port: port.to_owned(), socket, url, origin, path, host, is_https }
    }
}

/// What the snippets are for.
#[derive(Default)]
struct ConnectQuery {
    /// The slug of the service; the oldest service when empty.
    service: String,
    /// Scopes to ask for; `scope` comes once for each of them.
    scopes: Vec<String>,
}

impl ConnectQuery {
    fn of(parameters: Vec<(String, String)>) -> Self {
        let mut query = Self::default();
        for (name, value) in parameters {
            match name.as_str() {
                "service" => query.service = value,
                "scope" if !query.scopes.contains(&value) => query.scopes.push(value),
                _ => {}
            }
        }
        query
    }
}

/// `GET /connect?service=…&scope=…`
pub async fn show_connect(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    query: Query<Vec<(String, String)>>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let query = ConnectQuery::of(query.into_inner());
    let services = state.store.read(service::list).await?;
    let chosen = services.iter().find(|service| query.service.is_empty() || service.slug == query.service);
    let service = chosen.cloned().ok_or(Error::NotFound)?;
    let slug = service.slug.clone();
    let scopes = state.store.read(move |conn| service_scope::list(conn, &slug)).await?;
    // Like slugs, the scopes of the catalogue have no character that means something to a configuration file.
    if !query.scopes.iter().all(|asked| scopes.iter().any(|scope| scope.name == *asked)) {
        return Err(Error::NotFound);
    }
    let public_url = base_url(&state, &request);
    let page = ConnectPage {
        shell: Shell::new("connect", &who, &session),
        services: ServiceOption::list(services, Some(&service.slug)),
        can_send: service.slug == SMS_SERVICE,
        account_sid: account_sid(&who.account),
        service,
        keyfob: Address::parse(state.internal_url.clone().unwrap_or_else(|| public_url.clone())),
        public_url,
        key_headers: key_headers(&state),
        asked: query.scopes,
        scopes,
    };
    html(StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_port_gets_the_one_of_its_scheme() {
        for (url, host, socket, name) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1"),
            ("http://keyfob.lan", "keyfob.lan", "keyfob.lan:80", "keyfob.lan"),
            ("https://keys.example.com", "keys.example.com", "keys.example.com:443", "keys.example.com"),
            ("https://keys.example.com:8443", "keys.example.com:8443", "keys.example.com:8443", "keys.example.com"),
            ("http://[::1]:8080", "[::1]:8080", "[::1]:8080", "::1"),
            ("http://[::1]", "[::1]", "[::1]:80", "::1"),
        ] {
            let address = Address::parse(url.to_owned());
            assert_eq!((&*address.host, &*address.socket), (host, socket), "{url}");
            assert_eq!((&*address.name, socket.rsplit(':').next().unwrap()), (name, &*address.port), "{url}");
            assert_eq!(address.is_https, url.starts_with("https"), "{url}");
            assert_eq!((&*address.origin, &*address.path), (url, ""));
            let below = Address::parse(format!("{url}/tools/keyfob"));
            assert_eq!((&*below.origin, &*below.host, &*below.socket), (url, host, socket));
            assert_eq!((&*below.path, &*below.url), ("/tools/keyfob", &*format!("{url}/tools/keyfob")));
        }
    }
}
