//! The routes of the management API.

use actix_web::web::{PayloadConfig, ServiceConfig, resource, to};

use crate::api::{manage::imports, only_post};

pub(super) fn of_managing_programs(config: &mut ServiceConfig) {
    config.service(
        resource("/v1/key-imports")
            .app_data(PayloadConfig::new(imports::MAX_BODY_BYTES))
            .post(imports::import_keys)
            .default_service(to(only_post)),
    );
}
