//! The routes of the pages for operators, which need a session.

use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, FormConfig, PayloadConfig, Redirect, ServiceConfig, resource, scope};

use crate::dashboard::frame::form::MAX_FORM_BYTES;
use crate::dashboard::frame::session_cookie;
use crate::dashboard::login::{confirmation, password, second_factor, setup};
use crate::dashboard::{
    api_keys, audit, automate, carriers, connect, credits, guards, leaks, messages, people, refusals, services,
    settings,
};
use crate::http::{State, head, own_cookies, same_origin};

/// The pages for operators.
pub(super) fn dashboard(state: &Data<State>) -> impl HttpServiceFactory + use<> {
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
        .service(resource("/messages/new/route").get(messages::price::show_route))
        .service(resource("/messages/{id}").get(messages::show::show_message))
        .service(resource("/credits").get(credits::ledger::show_credits).post(credits::ledger::add_credits))
        .service(resource("/credits/corrections").post(credits::correction::correct_credits))
        .service(resource("/carriers").get(carriers::page::show_carriers))
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
        .service(resource("/automate").get(automate::page::show_automate).post(automate::new::create_management_key))
        .service(resource("/automate/new").get(automate::new::new_management_key))
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
        .service(resource("/settings/limits").get(guards::account::show_limits).post(guards::account::save_limits))
        .service(resource("/settings/limits/offer").post(guards::offer::answer_offer))
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
        .service(resource("/api-keys/trash").get(api_keys::trash::list_trash))
        .service(resource("/api-keys/{id}").get(api_keys::show::show_api_key).post(api_keys::show::relabel_api_key))
        .service(resource("/api-keys/{id}/default-sender").post(api_keys::default_sender::save_default_sender))
        .service(resource("/api-keys/{id}/expiry").post(api_keys::rules::expiry::change_expiry))
        .service(resource("/api-keys/{id}/scopes").post(api_keys::rules::scopes::change_scopes))
        .service(resource("/api-keys/{id}/allowed-ips").post(api_keys::rules::allowed_ips::change_allowed_ips))
        .service(resource("/api-keys/{id}/limits").post(api_keys::limits::save_key_limits))
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
        .service(resource("/api-keys/{id}/restoration").post(api_keys::restoration::restore_api_key))
        .service(
            resource("/api-keys/{id}/purge").get(api_keys::purge::ask_to_purge).post(api_keys::purge::purge_api_key),
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
        .service(
            resource("/services/{slug}/status")
                .get(services::status::ask_to_switch_off)
                .post(services::status::set_service_status),
        )
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
