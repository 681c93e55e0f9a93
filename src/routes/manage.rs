//! The routes of the management API.

use actix_web::web::{ServiceConfig, resource, to};

use crate::api;
use crate::api::manage::imports;

pub(super) fn of_managing_programs(config: &mut ServiceConfig) {
    config.service(resource("/v1/key-imports").post(imports::import_keys).default_service(to(api::only_post)));
}
