//! API Keys: the list, a new key, and everything on the page of one.

pub mod allowed_ips;
mod allowed_ips_view;
pub mod callback;
pub mod callback_question;
pub mod callback_view;
pub mod default_sender;
mod default_sender_view;
pub mod deletion;
pub mod expiry;
pub mod expiry_view;
pub mod first_request;
pub mod key_end;
pub mod list;
pub mod missed_switch;
pub mod new;
mod new_form;
pub mod new_scopes;
pub mod paths;
pub mod reveal;
pub mod row;
pub mod rules_view;
pub mod scopes;
mod scopes_view;
pub mod show;
pub mod status;
pub mod typed_rules;
