//! The whole site on one screen. `/metrics`, on an address of its own, is no
//! part of it.

use actix_http::Request;
use actix_session::SessionMiddleware;
use actix_session::config::{BrowserSession, CookieContentSecurity};
use actix_web::body::BoxBody;
use actix_web::cookie::{Key, SameSite};
use actix_web::dev::{AppConfig, HttpServiceFactory, Response, ServiceFactory};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, FormConfig, PayloadConfig, Redirect, ServiceConfig, resource, scope, to};
use actix_web::{App, Error};

use crate::api;
use crate::api::gate::front;
use crate::api::ops::{health, openapi};
use crate::api::sms::{balance, messages as sms_messages};
use crate::dashboard::frame::error_page;
use crate::dashboard::frame::session::DatabaseSessions;
use crate::dashboard::login::{password, setup};
use crate::dashboard::{api_keys, connect, credits, messages, services, settings};
use crate::http::{State, assets, head, panics, request_id, same_origin, security_headers};
use crate::server::connection;

/// The longest form, in bytes: two of the longest passwords take 24 KiB when
/// every character is written as 12.
const LONGEST_FORM: usize = 32 * 1024;

/// Where the gate is asked.
const GATE: front::Paths = front::Paths { verify: "/v1/keys/verify", auth: "/v1/auth" };

/// All that is served. The gate is asked about every request of other services,
/// so it answers before a route is looked for.
pub fn site(
    state: &Data<State>,
) -> impl ServiceFactory<Request, Config = AppConfig, Response = Response<BoxBody>, Error = Error, InitError = ()> + use<>
{
    let app = App::new().app_data(state.clone()).configure(|config| routes(config, state));
    front::before(app, GATE, state.clone())
}

/// Every other route.
fn routes(config: &mut ServiceConfig, state: &Data<State>) {
    config
        // For applications: no middleware in the way, and no path with a
        // parameter before the one that is asked most, since each route is
        // tried in turn
        .service(
            resource("/v1/sms/messages")
                .app_data(PayloadConfig::new(sms_messages::MAX_BODY_BYTES))
                .get(sms_messages::list_messages)
                .head(sms_messages::list_messages)
                .post(sms_messages::send_messages)
                .default_service(to(api::only_get_and_post)),
        )
        .service(
            resource("/v1/sms/messages/estimate")
                .app_data(PayloadConfig::new(sms_messages::MAX_BODY_BYTES))
                .post(sms_messages::estimate_messages)
                .default_service(to(api::only_post)),
        )
        .service(
            resource("/v1/sms/messages/{id}")
                .get(sms_messages::show_message)
                .head(sms_messages::show_message)
                .default_service(to(api::only_get)),
        )
        .service(
            resource("/v1/balance")
                .get(balance::show_balance)
                .head(balance::show_balance)
                .default_service(to(api::only_get)),
        )
        .service(
            scope("")
                // For whoever watches over the process
                .service(resource("/healthz").get(health::healthz))
                .service(resource("/readyz").get(health::readyz))
                .service(resource("/openapi.json").get(openapi::openapi))
                // For browsers, the same for everybody
                .service(resource("/static/{file}").get(assets::serve_asset))
                .service(resource("/favicon.ico").get(assets::favicon))
                .service(dashboard(state))
                .app_data(PayloadConfig::new(LONGEST_FORM))
                .wrap(from_fn(connection::whole_body))
                .wrap(from_fn(panics::catch_panics))
                .wrap(from_fn(error_page::render_errors))
                .wrap(from_fn(head::head_as_get))
                .wrap(from_fn(security_headers::security_headers))
                .wrap(from_fn(request_id::trace)),
        );
}

/// For operators.
fn dashboard(state: &Data<State>) -> impl HttpServiceFactory + use<> {
    scope("")
        .service(resource("/").get(async || Redirect::to("/api-keys").see_other()))
        .service(resource("/setup").get(setup::show_setup).post(setup::create_first_operator))
        .service(resource("/login").get(password::show_login).post(password::log_in))
        .service(resource("/logout").post(password::log_out))
        .service(resource("/settings").get(settings::profile::show_settings))
        .service(resource("/settings/name").post(settings::profile::change_name))
        .service(resource("/settings/password").post(settings::profile::change_password))
        .service(resource("/api-keys").get(api_keys::list::list_api_keys).post(api_keys::new::create_api_key))
        .service(resource("/api-keys/new").get(api_keys::new::new_api_key))
        .service(resource("/api-keys/{id}").get(api_keys::show::show_api_key).post(api_keys::show::relabel_api_key))
        .service(resource("/api-keys/{id}/callback").post(api_keys::callback::change_callback))
        .service(resource("/api-keys/{id}/status").post(api_keys::status::set_api_key_status))
        .service(
            resource("/api-keys/{id}/deletion")
                .get(api_keys::deletion::ask_to_delete)
                .post(api_keys::deletion::delete_api_key),
        )
        .service(resource("/messages").get(messages::list::list_messages).post(messages::new::send_message))
        .service(resource("/messages/new").get(messages::new::new_message))
        .service(resource("/messages/{id}").get(messages::show::show_message))
        .service(resource("/credits").get(credits::ledger::show_credits).post(credits::ledger::add_credits))
        .service(resource("/services").get(services::list::list_services).post(services::list::create_service))
        .service(resource("/services/new").get(services::list::new_service))
        .service(resource("/services/{slug}").get(services::show::show_service).post(services::show::rename_service))
        .service(resource("/connect").get(connect::snippets::show_connect))
        .app_data(FormConfig::default().limit(LONGEST_FORM))
        .wrap(from_fn(head::head_changes_nothing))
        .wrap(sessions(state))
        .wrap(from_fn(same_origin::same_origin_writes))
        .wrap(Compress::default())
}

/// The session cookie: `__Host-` and `Secure` behind https (ASVS 3.3.1, 3.3.3);
/// browsers drop such a cookie on plain http, so there it has neither.
fn sessions(state: &Data<State>) -> SessionMiddleware<DatabaseSessions> {
    let https = security_headers::is_https(state);
    SessionMiddleware::builder(
        DatabaseSessions::new(state.store.clone(), state.clock.clone()),
        Key::from(state.cookie_key.expose()),
    )
    .cookie_name(if https { "__Host-keyfob" } else { "keyfob" }.to_owned())
    .cookie_secure(https)
    .cookie_http_only(true)
    .cookie_same_site(SameSite::Lax)
    .cookie_path("/".to_owned())
    .cookie_content_security(CookieContentSecurity::Private)
    .session_lifecycle(BrowserSession::default())
    .build()
}
