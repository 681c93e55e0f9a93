//! The routes of the site; those of the pages for operators are in `pages`,
//! those of the management API in `manage`, those for programs that speak Twilio's API in `twilio`. `/metrics`
//! has an address of its own and is served by `app`.

pub mod groups;
mod manage;
mod pages;
mod twilio;

use actix_web::dev::{HttpServiceFactory, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::fn_guard;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, FormConfig, PayloadConfig, ServiceConfig, resource, scope, to};
use actix_web::{App, Error, Scope};

use crate::api;
use crate::api::carriers::receipts as carrier_receipts;
use crate::api::gate::{self, auth, verify};
use crate::api::keys::leak_reports;
use crate::api::manage::introspect;
use crate::api::ops::{health, openapi};
use crate::api::sms::{balance, message_list, messages as sms_messages};
use crate::dashboard::frame::form::MAX_FORM_BYTES;
use crate::dashboard::frame::{error_page, session_cookie};
use crate::dashboard::login::new_password;
use crate::dashboard::{handover, invitations, leaks};
use crate::http::early_refusal::refuse_early;
use crate::http::enter_base_path::{enter_base_path, outside_base_path};
use crate::http::whole_body::BodyLimit;
use crate::http::{State, assets, head, own_cookies, panics, request_id, same_origin, security_headers, whole_body};

/// The site as the server serves it.
pub fn site(
    state: &Data<State>,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()> + use<>,
> {
    App::new()
        .app_data(state.clone())
        .configure(|config| routes(config, state))
        .wrap_fn(refuse_early(state.base_path().cloned(), auth::PATH))
}

fn max_body_bytes(path: &str) -> usize {
    let takes_long_text = matches!(path, leaks::PATH | "/api-keys/search");
    if takes_long_text { leaks::look_up::MAX_BODY_BYTES } else { MAX_FORM_BYTES }
}

/// The gate, below a base path or without one. Other services ask it about every request of theirs, so that its routes come
/// first (they are tried in turn), and without the middleware of other routes below a base path.
fn of_gate(config: &mut ServiceConfig, base_path: &str) {
    config
        .service(
            resource(format!("{base_path}/v1/keys/verify"))
                .guard(fn_guard(gate::is_written_plainly))
                .post(verify::verify_api_key)
                .default_service(to(api::only_post)),
        )
        .service(
            resource(format!("{base_path}/v1/auth")).guard(fn_guard(gate::is_written_plainly)).to(auth::authorize),
        );
}

/// For programs.
fn of_programs(config: &mut ServiceConfig) {
    config
        .configure(|config| of_gate(config, ""))
        .service(
            resource("/v1/auth/{service}*")
                .guard(fn_guard(|context| auth::names_service(context.head().uri.path())))
                .to(auth::authorize_by_path),
        )
        .service(resource("/v1/introspect").post(introspect::introspect_token).default_service(to(api::only_post)))
        .service(
            resource("/v1/sms/messages")
                .app_data(PayloadConfig::new(sms_messages::MAX_BODY_BYTES))
                .get(message_list::list_messages)
                .head(message_list::list_messages)
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
                .delete(sms_messages::cancel_message)
                .default_service(to(api::only_get_and_delete)),
        )
        .service(
            resource("/v1/leak-reports")
                .app_data(PayloadConfig::new(leak_reports::MAX_BODY_BYTES))
                .post(leak_reports::report_leak)
                .default_service(to(api::only_post)),
        )
        .service(
            resource("/v1/carriers/{name}/receipts/{secret}")
                .app_data(PayloadConfig::new(carrier_receipts::MAX_BODY_BYTES))
                .get(carrier_receipts::take_receipt)
                .head(carrier_receipts::take_receipt)
                .post(carrier_receipts::take_receipt)
                .default_service(to(api::only_get_and_post)),
        )
        .service(
            resource("/v1/balance")
                .get(balance::show_balance)
                .head(balance::show_balance)
                .default_service(to(api::only_get)),
        );
}

fn routes(config: &mut ServiceConfig, state: &Data<State>) {
    let Some(base) = state.base_path().cloned() else {
        all(config, state);
        return;
    };
    let below = scope(base.as_str()).configure(|config| all(config, state));
    // Proxies, services and monitoring ask directly, past the proxy that people come by, and
    // need not know where those find Keyfob.
    config
        .configure(|config| of_gate(config, base.as_str()))
        .configure(of_all_programs)
        .service(below.wrap(from_fn(move |request, next| enter_base_path(base.clone(), request, next))))
        .service(framed(scope("").configure(of_monitoring).default_service(to(outside_base_path))));
}

fn of_monitoring(config: &mut ServiceConfig) {
    config.service(resource("/healthz").get(health::healthz)).service(resource("/readyz").get(health::readyz));
}

/// The whole site, at the root of its host or below a base path.
fn all(config: &mut ServiceConfig, state: &Data<State>) {
    config.configure(of_all_programs).service(framed(
        scope("")
            .configure(of_monitoring)
            .service(resource("/openapi.json").get(openapi::openapi))
            // For browsers, without a session
            .service(resource("/static/{file}").get(assets::serve_asset))
            .service(resource("/favicon.ico").get(assets::favicon))
            .service(handover_link())
            .service(password_link())
            .service(invitation_link(state))
            .service(pages::dashboard(state)),
    ));
}

fn of_all_programs(config: &mut ServiceConfig) {
    config.configure(of_programs).configure(manage::of_managing_programs).configure(twilio::of_twilio_programs);
}

/// What routes for people and monitoring have in common.
fn framed(routes: Scope) -> impl HttpServiceFactory + use<> {
    routes
        .app_data(BodyLimit(max_body_bytes))
        .wrap(from_fn(whole_body::whole_body))
        .wrap(from_fn(panics::catch_panics))
        .wrap(from_fn(error_page::render_errors))
        .wrap(from_fn(head::head_as_get))
        .wrap(from_fn(security_headers::security_headers))
        .wrap(from_fn(request_id::trace))
}

/// The page of a link that shows a key once, to people who need not log in.
fn handover_link() -> impl HttpServiceFactory + use<> {
    resource("/handover/{token}")
        .get(handover::link::show_handover)
        .post(handover::link::reveal_key)
        .wrap(from_fn(same_origin::same_origin_writes_without_referrer))
}

/// The page of a link by which an operator sets a new password.
fn password_link() -> impl HttpServiceFactory + use<> {
    resource("/passwords/{token}")
        .get(new_password::show_new_password)
        .post(new_password::set_new_password)
        .app_data(FormConfig::default().limit(MAX_FORM_BYTES))
        .wrap(from_fn(same_origin::same_origin_writes_without_referrer))
}

/// The page of a link by which somebody joins, who may be logged in.
fn invitation_link(state: &Data<State>) -> impl HttpServiceFactory + use<> {
    resource("/invitations/{token}")
        .get(invitations::link::show_invitation)
        .post(invitations::link::accept_invitation)
        .wrap(from_fn(head::head_changes_nothing))
        .wrap(session_cookie::sessions(state))
        .wrap(from_fn(own_cookies::own_cookies_only))
        .wrap(from_fn(same_origin::same_origin_writes_without_referrer))
}
