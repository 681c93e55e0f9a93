//! A login from a new address, as one page tells of it.

use serde::{Deserialize, Serialize};

use super::ago::Age;
use super::program::program_words;
use super::when::When;
use crate::domain::identity::login_notice::{Audience, LoginNotice};
use crate::store::UtcTime;

/// A notice that a session has taken and no page of it has shown yet.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakenNotice {
    is_here: bool,
    address: Option<String>,
    user_agent: Option<String>,
    at: i64,
}

impl From<LoginNotice> for TakenNotice {
    fn from(notice: LoginNotice) -> Self {
        Self {
            is_here: notice.audience == Audience::Here,
            address: notice.address,
            user_agent: notice.user_agent,
            at: notice.at.micros(),
        }
    }
}

/// What the page says.
pub struct LoginNoticeView {
    /// Whether this session began at the new address; then the login is the one before.
    pub is_here: bool,
    /// Where the login came from.
    pub address: String,
    /// The program in words.
    pub program: String,
    /// When it was.
    pub when: When,
    /// How long ago that was.
    pub age: Age,
}

impl LoginNoticeView {
    pub(super) fn new(notice: TakenNotice, now: UtcTime) -> Self {
        let at = UtcTime::from_micros(notice.at);
        Self {
            is_here: notice.is_here,
            address: notice.address.unwrap_or_else(|| "an unknown address".to_owned()),
            program: program_words(notice.user_agent.as_deref()),
            when: at.into(),
            age: Age::of(at, now),
        }
    }
}
