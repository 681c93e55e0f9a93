//! How to ask about keys: snippets for proxies and programs, filled in with
//! this installation's address and a service. Tests run them all with other
//! examples, but for Traefik's, whose text they read.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::services::option::ServiceOption;
use crate::domain::service::{self, Service};
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::base_url::base_url;

/// `connect/page.html`
#[derive(Template)]
#[template(path = "connect/page.html")]
struct ConnectPage {
    shell: Shell,
    services: Vec<ServiceOption>,
    service: Service,
    keyfob: Address,
}

/// Where Keyfob is, in the parts that configuration files want. Like slugs and
/// prefixes it has no character that means something to any of them.
struct Address {
    /// Scheme, host and perhaps a port.
    url: String,
    /// Host and perhaps a port.
    host: String,
    /// Host and port.
    socket: String,
    is_https: bool,
}

impl Address {
    fn parse(url: String) -> Self {
        let is_https = url.starts_with("https://");
        let host = url.split_once("://").map_or(&*url, |(_, host)| host).to_owned();
        // An address of version 6 has colons within its brackets.
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        let port = if is_https { 443 } else { 80 };
        let socket = if has_port { host.clone() } else { format!("{host}:{port}") };
        Self { url, host, socket, is_https }
    }
}

/// Which service.
#[derive(Deserialize)]
pub struct ConnectQuery {
    /// Its slug; the oldest service when empty.
    #[serde(default)]
    service: String,
}

/// `GET /connect?service=…`
pub async fn show_connect(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    query: Query<ConnectQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let services = state.store.read(service::list).await?;
    let chosen = services.iter().find(|service| query.service.is_empty() || service.slug == query.service);
    let service = chosen.cloned().ok_or(Error::NotFound)?;
    let page = ConnectPage {
        shell: Shell::new("connect", &who, &session),
        services: ServiceOption::list(services, Some(&service.slug)),
        service,
        keyfob: Address::parse(base_url(&state, &request)),
    };
    html(StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_port_gets_the_one_of_its_scheme() {
        for (url, host, socket) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://keyfob.lan", "keyfob.lan", "keyfob.lan:80"),
            ("https://keys.example.com", "keys.example.com", "keys.example.com:443"),
            ("https://keys.example.com:8443", "keys.example.com:8443", "keys.example.com:8443"),
            ("http://[::1]:8080", "[::1]:8080", "[::1]:8080"),
            ("http://[::1]", "[::1]", "[::1]:80"),
        ] {
            let address = Address::parse(url.to_owned());
            assert_eq!((&*address.host, &*address.socket), (host, socket), "{url}");
            assert_eq!(address.is_https, url.starts_with("https"), "{url}");
        }
    }
}
