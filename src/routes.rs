//! All routes of the site on one screen. `/metrics` has an address of its own
//! and is served by `app`.

use actix_web::dev::{HttpServiceFactory, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::fn_guard;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, FormConfig, PayloadConfig, Redirect, ServiceConfig, resource, scope, to};
use actix_web::{App, Error};

use crate::api;
use crate::api::gate::{self, auth, verify};
use crate::api::keys::{current, leak_reports};
use crate::api::ops::{health, openapi};
use crate::api::sms::{balance, messages as sms_messages};
use crate::dashboard::frame::{error_page, session_cookie};
use crate::dashboard::login::{confirmation, new_password, password, second_factor, setup};
use crate::dashboard::{
    api_keys, audit, connect, credits, handover, invitations, leaks, messages, people, refusals, services, settings,
};
use crate::http::early_refusal::refuse_early;
use crate::http::whole_body::BodyLimit;
use crate::http::{State, assets, head, own_cookies, panics, request_id, same_origin, security_headers, whole_body};

/// The longest form: two of the longest passwords take 24 KiB when every
/// character is written as 12 bytes.
const MAX_FORM_BYTES: usize = 32 * 1024;

/// The site as the server serves it.
pub fn site(
    state: &Data<State>,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()> + use<>,
> {
    App::new().app_data(state.clone()).configure(|config| routes(config, state)).wrap_fn(refuse_early(auth::PATH))
}

fn max_body_bytes(path: &str) -> usize {
    match path {
        leaks::PATH => leaks::look_up::MAX_BODY_BYTES,
        api_keys::search::SEARCH => api_keys::search::MAX_BODY_BYTES,
        _ => MAX_FORM_BYTES,
    }
}

/// For programs. Routes are tried in turn, so that the gate comes first: other services ask
/// it about every request of theirs.
fn of_programs(config: &mut ServiceConfig) {
    config
        .service(
            resource("/v1/keys/verify")
                .guard(fn_guard(gate::is_written_plainly))
                .post(verify::verify_api_key)
                .default_service(to(api::only_post)),
        )
        .service(resource("/v1/auth").guard(fn_guard(gate::is_written_plainly)).to(auth::authorize))
        .service(
            resource("/v1/auth/{service}*")
                .guard(fn_guard(|context| auth::names_service(context.head().uri.path())))
                .to(auth::authorize_by_path),
        )
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
            resource("/v1/keys/current").delete(current::disable_current_key).default_service(to(api::only_delete)),
        )
        .service(
            resource("/v1/leak-reports")
                .app_data(PayloadConfig::new(leak_reports::MAX_BODY_BYTES))
                .post(leak_reports::report_leak)
                .default_service(to(api::only_post)),
        )
        .service(
            resource("/v1/balance")
                .get(balance::show_balance)
                .head(balance::show_balance)
                .default_service(to(api::only_get)),
        );
}

fn routes(config: &mut ServiceConfig, state: &Data<State>) {
    config.configure(of_programs).service(
        scope("")
            // For monitoring
            .service(resource("/healthz").get(health::healthz))
            .service(resource("/readyz").get(health::readyz))
            .service(resource("/openapi.json").get(openapi::openapi))
            // For browsers, without a session
            .service(resource("/static/{file}").get(assets::serve_asset))
            .service(resource("/favicon.ico").get(assets::favicon))
            .service(handover_link())
            .service(password_link())
            .service(invitation_link(state))
            .service(dashboard(state))
            .app_data(BodyLimit(max_body_bytes))
            .wrap(from_fn(whole_body::whole_body))
            .wrap(from_fn(panics::catch_panics))
            .wrap(from_fn(error_page::render_errors))
            .wrap(from_fn(head::head_as_get))
            .wrap(from_fn(security_headers::security_headers))
            .wrap(from_fn(request_id::trace)),
    );
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

/// The pages for operators.
fn dashboard(state: &Data<State>) -> impl HttpServiceFactory + use<> {
    scope("")
        .service(resource("/").get(async || Redirect::to("/api-keys").see_other()))
        .service(resource("/setup").get(setup::show_setup).post(setup::create_first_operator))
        .service(resource("/login").get(password::show_login).post(password::log_in))
        .service(
            resource("/login/confirmation").get(confirmation::show_confirmation).post(confirmation::confirm_password),
        )
        .service(resource("/login/second-factor").get(second_factor::ask_for_code).post(second_factor::check_code))
        .service(resource("/logout").post(password::log_out))
        .configure(of_settings)
        .configure(of_api_keys)
        .service(resource("/messages").get(messages::list::list_messages).post(messages::new::send_message))
        .service(resource("/messages.csv").get(messages::export::export_messages))
        .service(resource("/messages/new").get(messages::new::new_message))
        .service(resource("/messages/{id}").get(messages::show::show_message))
        .service(resource("/credits").get(credits::ledger::show_credits).post(credits::ledger::add_credits))
        .configure(of_services)
        .configure(of_people)
        .service(resource("/audit").get(audit::list::list_events))
        .service(resource("/audit.csv").post(audit::export::export_csv))
        .service(resource("/audit.jsonl").post(audit::export::export_jsonl))
        .service(resource("/refusals").get(refusals::list::list_refusals))
        .service(
            resource("/leaks")
                .app_data(PayloadConfig::new(leaks::look_up::MAX_BODY_BYTES))
                .get(leaks::look_up::show_leaks)
                .post(leaks::look_up::look_up_keys),
        )
        .service(resource("/leaks/switch-off").post(leaks::switch_off::switch_off_keys))
        .service(resource("/connect").get(connect::snippets::show_connect))
        .app_data(FormConfig::default().limit(MAX_FORM_BYTES))
        .wrap(from_fn(head::head_changes_nothing))
        .wrap(session_cookie::sessions(state))
        .wrap(from_fn(own_cookies::own_cookies_only))
        .wrap(from_fn(same_origin::same_origin_writes))
        .wrap(Compress::default())
}

/// The pages of one's own settings and of the installation's.
fn of_settings(config: &mut ServiceConfig) {
    config
        .service(resource("/settings").get(settings::profile::show_settings))
        .service(resource("/settings/name").post(settings::profile::change_name))
        .service(resource("/settings/password").post(settings::profile::change_password))
        .service(resource("/settings/sessions").get(settings::sessions::list_sessions))
        .service(resource("/settings/sessions/end-others").post(settings::sessions::end_other_sessions))
        .service(resource("/settings/sessions/{id}/end").post(settings::sessions::end_session))
        .service(resource("/settings/second-factor").get(settings::second_factor::show_second_factor))
        .service(resource("/settings/second-factor/setup").post(settings::second_factor::begin_setup))
        .service(resource("/settings/second-factor/activation").post(settings::second_factor::activate))
        .service(resource("/settings/second-factor/recovery-codes").post(settings::second_factor::renew_codes))
        .service(resource("/settings/second-factor/removal").post(settings::second_factor::turn_off))
        .service(
            resource("/settings/instance/second-factor").post(settings::second_factor_rule::save_second_factor_rule),
        )
        .service(
            resource("/settings/instance")
                .get(settings::instance::show_instance_settings)
                .post(settings::instance::save_instance_settings),
        )
        .service(resource("/settings/instance/name").post(settings::instance_name::rename_instance))
        .service(
            resource("/settings/instance/shortening")
                .get(settings::shortening::ask_to_shorten)
                .post(settings::shortening::shorten_keys),
        )
        .service(resource("/settings/instance/leak-reports").post(settings::leak_reports::save_leak_reports));
}

/// The pages of keys.
fn of_api_keys(config: &mut ServiceConfig) {
    config
        .service(resource("/api-keys").get(api_keys::list::list_api_keys).post(api_keys::new::create_api_key))
        .service(resource("/api-keys/search").post(api_keys::search::search_api_keys))
        .service(resource("/undo/{id}").post(api_keys::undo::undo_action))
        .service(resource("/api-keys/bulk").post(api_keys::bulk::selection::ask_about_keys))
        .service(resource("/api-keys/bulk/confirmation").post(api_keys::bulk::confirmation::start_action))
        .service(
            resource("/api-keys/bulk/{id}")
                .get(api_keys::bulk::progress::show_action)
                .post(api_keys::bulk::progress::continue_action),
        )
        .service(resource("/api-keys/new").get(api_keys::new::new_api_key))
        .service(resource("/api-keys/new/scopes").get(api_keys::rules::of_service::choose_scopes))
        .service(resource("/api-keys/{id}").get(api_keys::show::show_api_key).post(api_keys::show::relabel_api_key))
        .service(resource("/api-keys/{id}/default-sender").post(api_keys::default_sender::save_default_sender))
        .service(resource("/api-keys/{id}/expiry").post(api_keys::rules::expiry::change_expiry))
        .service(resource("/api-keys/{id}/scopes").post(api_keys::rules::scopes::change_scopes))
        .service(resource("/api-keys/{id}/allowed-ips").post(api_keys::rules::allowed_ips::change_allowed_ips))
        .service(resource("/api-keys/{id}/callback").post(api_keys::callback::change::change_callback))
        .service(resource("/api-keys/{id}/callback/{action}").get(api_keys::callback::question::ask_about_callback))
        .service(resource("/api-keys/{id}/handover").post(api_keys::handover::hand_over))
        .service(resource("/api-keys/{id}/handover/withdrawal").post(api_keys::handover::withdraw_handover))
        .service(resource("/api-keys/{id}/leak-report/dismissal").post(leaks::dismissal::dismiss_leak_report))
        .service(resource("/api-keys/{id}/status").post(api_keys::status::set_api_key_status))
        .service(
            resource("/api-keys/{id}/deletion")
                .get(api_keys::deletion::ask_to_delete)
                .post(api_keys::deletion::delete_api_key),
        )
        .service(
            resource("/api-keys/{id}/rotation")
                .get(api_keys::rotation::rotate::ask_to_rotate)
                .post(api_keys::rotation::rotate::rotate_api_key),
        )
        .service(resource("/api-keys/{id}/rotation/extension").post(api_keys::rotation::end::extend_rotation))
        .service(
            resource("/api-keys/{id}/rotation/end")
                .get(api_keys::rotation::end::ask_to_end_rotation)
                .post(api_keys::rotation::end::end_rotation),
        );
}

/// The pages of services and their scopes.
fn of_services(config: &mut ServiceConfig) {
    config
        .service(resource("/services").get(services::list::list_services).post(services::list::create_service))
        .service(resource("/services/new").get(services::list::new_service))
        .service(resource("/services/{slug}").get(services::show::show_service).post(services::show::rename_service))
        .service(resource("/services/{slug}/self-revocation").post(services::self_revocation::set_self_revocation))
        .service(resource("/services/{slug}/scopes").post(services::scopes::add_scope))
        .service(
            resource("/services/{slug}/scopes/{name}")
                .get(services::scopes::show_scope)
                .post(services::scopes::describe_scope),
        )
        .service(
            resource("/services/{slug}/scopes/{name}/deletion")
                .get(services::scope_deletion::ask_to_delete_scope)
                .post(services::scope_deletion::delete_scope),
        );
}

/// The pages of people and invitations.
fn of_people(config: &mut ServiceConfig) {
    config
        .service(resource("/people").get(people::list::list_people))
        .service(resource("/people/invitations").post(people::invite::invite))
        .service(resource("/people/invitations/new").get(people::invite::new_invitation))
        .service(resource("/people/invitations/{invitation}/withdrawal").post(people::withdrawal::withdraw_invitation))
        .service(resource("/people/{operator}").get(people::show::show_person))
        .service(resource("/people/{operator}/role").get(people::role::ask_for_role).post(people::role::change_role))
        .service(
            resource("/people/{operator}/status").get(people::status::ask_for_status).post(people::status::set_status),
        )
        .service(
            resource("/people/{operator}/removal")
                .get(people::removal::ask_to_remove)
                .post(people::removal::remove_person),
        )
        .service(
            resource("/people/{operator}/second-factor")
                .get(people::second_factor::ask_to_reset_second_factor)
                .post(people::second_factor::reset_second_factor),
        )
        .service(
            resource("/people/{operator}/password-link")
                .get(people::password_link::ask_to_make_password_link)
                .post(people::password_link::make_password_link),
        );
}
