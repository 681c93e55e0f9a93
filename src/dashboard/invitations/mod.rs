//! Invitations, as whoever opens the link sees them.

mod join_proof;
pub mod link;
