//! The dashboard for people: HTML pages and fragments, one folder a noun.

pub mod api_keys;
pub mod audit;
pub mod automate;
pub mod carriers;
pub mod connect;
pub mod credits;
pub mod frame;
pub mod guards;
pub mod handover;
pub mod invitations;
pub mod leaks;
pub mod login;
pub mod messages;
pub mod people;
pub mod refusals;
pub mod services;
pub mod settings;
