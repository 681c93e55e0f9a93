//! People: who is in, and who is invited.

mod confirmation;
pub mod invite;
mod known_keys_view;
pub mod list;
mod made_link;
pub mod password_link;
pub mod paths;
pub mod removal;
pub mod role;
pub mod role_words;
pub mod second_factor;
pub mod show;
pub mod status;
pub mod withdrawal;
