//! A session as its row shows it.

use crate::dashboard::frame::ago::Age;
use crate::dashboard::frame::layout::When;
use crate::dashboard::frame::program::program_words;
use crate::dashboard::frame::session::login_of;
use crate::domain::identity::session::Session;
use crate::store::UtcTime;

/// What a row shows.
pub(super) struct SessionView {
    /// The name of the session in addresses, which opens nothing.
    pub(super) id: String,
    /// Whether it is the session that asks.
    pub(super) is_own: bool,
    /// The program in words.
    pub(super) program: String,
    /// All that the program said of itself, where that is more.
    pub(super) user_agent: Option<String>,
    /// Where it was logged in; `None` for a session from before this was kept.
    pub(super) address: Option<String>,
    pub(super) since: When,
    pub(super) seen: When,
    pub(super) seen_age: Age,
}

impl SessionView {
    pub(super) fn new(session: &Session, own: &str, now: UtcTime) -> Self {
        let (id, login) = (session.public_id(), login_of(session));
        let program = program_words(login.user_agent.as_deref());
        let since = if login.at == 0 { session.created_at } else { UtcTime::from_micros(login.at) };
        Self {
            is_own: id == own,
            id,
            user_agent: login.user_agent.filter(|user_agent| *user_agent != program),
            program,
            address: login.address,
            since: since.into(),
            seen: session.seen_at.into(),
            seen_age: Age::of(session.seen_at, now),
        }
    }
}
