//! JSON for applications and services.

pub mod health;
pub mod verify;
