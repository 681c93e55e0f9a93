//! API Keys: the list, a new key, and everything on the page of one.

pub mod callback;
pub mod default_sender;
mod default_sender_view;
pub mod deletion;
pub mod first_request;
pub mod handover;
mod handover_view;
mod key_details;
pub mod list;
pub mod missed_switch;
pub mod new;
mod new_form;
pub mod paths;
pub mod reveal;
pub mod rotation;
pub mod row;
pub mod rules;
pub mod show;
pub mod status;
mod uses;
