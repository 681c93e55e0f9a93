//! The rules of a key: when it ends, what it may do and from where, in the form for a new
//! key and on the page of one.

pub mod allowed_ips;
pub mod allowed_ips_view;
pub mod bounds_view;
pub mod choices;
pub mod expiry;
pub mod expiry_banner;
pub mod expiry_view;
pub mod key_end;
pub mod of_service;
pub mod scopes;
pub mod scopes_view;
pub mod typed;
