//! Settings of the operator who is logged in.

pub mod profile;
