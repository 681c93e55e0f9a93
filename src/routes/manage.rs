//! The routes of the management API.

use actix_web::web::ServiceConfig;

pub(super) fn of_managing_programs(_config: &mut ServiceConfig) {}
