//! The routes that programs written for Twilio speak to. `docs/twilio.md` describes them,
//! not `openapi.json`: it has our own API alone.

use actix_web::web::{PayloadConfig, ServiceConfig, resource, to};

use crate::api::twilio::{self, messages};

pub(super) fn of_twilio_programs(config: &mut ServiceConfig) {
    config
        .service(
            resource("/2010-04-01/Accounts/{account_sid}/Messages.json")
                .app_data(PayloadConfig::new(messages::MAX_BODY_BYTES))
                .get(messages::list_messages)
                .head(messages::list_messages)
                .post(messages::create_message)
                .default_service(to(twilio::only_get_and_post)),
        )
        .service(
            resource("/2010-04-01/Accounts/{account_sid}/Messages/{message_sid}.json")
                .app_data(PayloadConfig::new(messages::MAX_BODY_BYTES))
                .get(messages::fetch_message)
                .head(messages::fetch_message)
                .post(messages::update_message)
                .delete(messages::delete_message)
                .default_service(to(twilio::only_get_post_and_delete)),
        )
        .service(resource("/2010-04-01/{rest}*").default_service(to(twilio::no_such_resource)));
}
