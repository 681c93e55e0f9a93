//! A link that lets somebody in, on the only page that shows it.

use askama::Template;
use zeroize::Zeroizing;

use super::paths::PATH;
use crate::dashboard::frame::layout::{Shell, When};

/// The link, which is shown once.
pub(super) struct MadeLink {
    pub(super) title: String,
    /// What to do with it.
    pub(super) sentence: String,
    pub(super) url: Zeroizing<String>,
    pub(super) ends: When,
    /// The page to go back to.
    pub(super) back: String,
}

#[derive(Template)]
#[template(path = "people/_link.html")]
pub(super) struct MadeLinkPart {
    pub(super) link: MadeLink,
}

#[derive(Template)]
#[template(path = "people/link.html")]
pub(super) struct MadeLinkPage {
    pub(super) shell: Shell,
    pub(super) link: MadeLink,
}

impl MadeLink {
    /// The link of an invitation.
    pub(super) fn of_invitation(email: Option<&str>, url: Zeroizing<String>, ends: When) -> Self {
        let (title, sentence) = match email {
            Some(email) => (format!("Link for {email}"), "Only this address can join with it, once."),
            None => ("Link to join".to_owned(), "Whoever opens it first can join, once."),
        };
        Self { title, sentence: sentence.to_owned(), url, ends, back: PATH.to_owned() }
    }
}
