//! The hand-over of a key, on the key's page.

use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::ApiKey;
use crate::domain::handover::{self, HandoverState};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// A link that nobody opened yet, or who opened it.
pub(super) enum HandoverView {
    /// The link still works.
    Unopened { made: When, made_ago: String, ends: When },
    /// The key was shown.
    Opened { at: When, ago: String, address: Option<String>, user_agent: Option<String> },
}

impl HandoverView {
    /// Reads the hand-over of a key, if there is one.
    pub(super) fn read(conn: &mut Conn, key: &ApiKey, now: UtcTime) -> Result<Option<Self>> {
        let state = handover::state_of(conn, &key.id, now)?;
        Ok(state.map(|state| match state {
            HandoverState::Unopened { created_at, ends_at } => {
                Self::Unopened { made_ago: ago(created_at, now), made: created_at.into(), ends: ends_at.into() }
            }
            HandoverState::Opened { at, address, user_agent } => {
                Self::Opened { ago: ago(at, now), at: at.into(), address, user_agent }
            }
        }))
    }
}
