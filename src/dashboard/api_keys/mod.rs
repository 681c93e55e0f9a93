//! API Keys: the list, a new key, and everything on the page of one.

pub mod callback;
pub mod callback_question;
pub mod callback_view;
pub mod default_sender;
mod default_sender_view;
pub mod deletion;
pub mod first_request;
pub mod list;
pub mod missed_switch;
pub mod new;
pub mod paths;
pub mod reveal;
pub mod rotation;
pub mod rotation_end;
mod rotation_view;
pub mod row;
pub mod show;
pub mod status;
