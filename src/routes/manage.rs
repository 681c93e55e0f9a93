//! The routes of the management API, and of the key that asks about itself.

use actix_web::web::{PayloadConfig, ServiceConfig, resource, to};

use crate::api;
use crate::api::keys::current;
use crate::api::manage::{
    MAX_BODY_BYTES, audit_events, change, create, deletion, imports, list, lookup, rotation, show, status, usage,
};

/// Routes are tried in turn, so that words come before the id of a key.
pub(super) fn of_managing_programs(config: &mut ServiceConfig) {
    config
        .service(
            resource("/v1/keys/current")
                .get(current::show_current_key)
                .head(current::show_current_key)
                .delete(current::disable_current_key)
                .default_service(to(api::only_get_and_delete)),
        )
        .service(
            resource("/v1/keys/lookup")
                .app_data(PayloadConfig::new(lookup::MAX_BODY_BYTES))
                .post(lookup::look_up_key)
                .default_service(to(api::only_post)),
        )
        .service(
            resource("/v1/keys")
                .app_data(PayloadConfig::new(MAX_BODY_BYTES))
                .get(list::list_keys)
                .head(list::list_keys)
                .post(create::create_key)
                .default_service(to(api::only_get_and_post)),
        )
        .service(
            resource("/v1/keys/{id}")
                .app_data(PayloadConfig::new(MAX_BODY_BYTES))
                .get(show::show_key)
                .head(show::show_key)
                .patch(change::change_key)
                .delete(deletion::delete_key)
                .default_service(to(api::only_get_patch_and_delete)),
        )
        .service(
            resource("/v1/keys/{id}/status")
                .app_data(PayloadConfig::new(MAX_BODY_BYTES))
                .put(status::set_key_status)
                .default_service(to(api::only_put)),
        )
        .service(
            resource("/v1/keys/{id}/rotation")
                .app_data(PayloadConfig::new(MAX_BODY_BYTES))
                .post(rotation::rotate_key)
                .patch(rotation::move_rotation)
                .delete(rotation::end_rotation)
                .default_service(to(api::only_post_patch_and_delete)),
        )
        .service(resource("/v1/keys/{id}/restoration").post(deletion::restore_key).default_service(to(api::only_post)))
        .service(resource("/v1/key-imports").post(imports::import_keys).default_service(to(api::only_post)))
        .service(
            resource("/v1/audit-events")
                .get(audit_events::list_audit_events)
                .head(audit_events::list_audit_events)
                .default_service(to(api::only_get)),
        )
        .service(
            resource("/v1/usage").get(usage::show_usage).head(usage::show_usage).default_service(to(api::only_get)),
        );
}
