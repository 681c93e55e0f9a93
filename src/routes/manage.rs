//! The routes of the management API.

use actix_web::web::{PayloadConfig, ServiceConfig, resource, to};

use crate::api::manage::{audit_events, lookup, usage};
use crate::api::{only_get, only_post};

pub(super) fn of_managing_programs(config: &mut ServiceConfig) {
    config
        .service(
            resource("/v1/keys/lookup")
                .app_data(PayloadConfig::new(lookup::MAX_BODY_BYTES))
                .post(lookup::look_up_key)
                .default_service(to(only_post)),
        )
        .service(
            resource("/v1/audit-events")
                .get(audit_events::list_audit_events)
                .head(audit_events::list_audit_events)
                .default_service(to(only_get)),
        )
        .service(resource("/v1/usage").get(usage::show_usage).head(usage::show_usage).default_service(to(only_get)));
}
