//! Invitations: links by which people join an account. Whoever opens one first may use it.

mod acceptance;
mod creation;
mod record;
mod withdrawal;

pub use acceptance::{accept, find_open, join};
pub use creation::{NewInvitation, create};
pub use record::{Invitation, InvitationId, OpenInvitation, list_open};
pub use withdrawal::withdraw;
