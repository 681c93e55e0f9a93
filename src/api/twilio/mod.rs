//! The part of Twilio's API that sends messages and reads them (`/2010-04-01/…`), so that
//! programs written for it move by changing the base URL. `docs/twilio.md` says what
//! differs. The rest of the program knows nothing of it.

mod credentials;
mod dates;
mod form;
mod message_list;
pub mod messages;
mod refusal;
mod sid;
mod view;

pub use refusal::{no_such_resource, only_get_and_post, only_get_post_and_delete};
