//! What pages about messages and credits say about sending limits.

use crate::dashboard::frame::ago::ago;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::guard::{self, UsedPart, WarnedLimit};
use crate::error::Result;
use crate::format::count;
use crate::store::{Conn, UtcTime};

/// So many limits are named.
const MAX_NAMED: usize = 5;

/// The offer of the usual limits, and limits that are nearly used.
#[derive(Default)]
pub(in crate::dashboard) struct LimitsBanner {
    /// Whether the usual limits are offered.
    pub(in crate::dashboard) is_offer: bool,
    pub(in crate::dashboard) used: Vec<UsedLimit>,
}

/// A limit that is nearly used, in words.
pub(in crate::dashboard) struct UsedLimit {
    /// The key and its name; `None` for the account.
    pub(in crate::dashboard) key: Option<(ApiKeyId, String)>,
    /// The rest of the sentence.
    pub(in crate::dashboard) words: String,
}

impl LimitsBanner {
    /// Reads what there is to say.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::dashboard) fn read(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Self> {
        let used = guard::near_limits(conn, account, now)?;
        Ok(Self {
            is_offer: guard::is_offered(conn, account)?,
            used: used.into_iter().take(MAX_NAMED).map(|part| UsedLimit::new(part, now)).collect(),
        })
    }
}

impl UsedLimit {
    fn new(part: UsedPart, now: UtcTime) -> Self {
        let UsedPart { key, limit_kind, limit, percent, at } = part;
        let words = match limit_kind {
            WarnedLimit::CreditsDay => format!("has used {percent} % of today's {}.", count(limit, "credit")),
            WarnedLimit::MessagesMinute => {
                format!("used {percent} % of its {} a minute {}.", count(limit, "message"), ago(at, now))
            }
        };
        Self { key, words }
    }
}
