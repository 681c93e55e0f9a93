//! What the list of keys says about keys that were reported and still work.

use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::leak_report;
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// How many keys are named.
const NAMED: usize = 5;

/// The keys, the latest report first.
pub(in crate::dashboard) struct ReportedKeys {
    pub(in crate::dashboard) keys: Vec<(ApiKeyId, String)>,
    /// Whether there are more.
    pub(in crate::dashboard) has_more: bool,
}

impl ReportedKeys {
    /// Looks for an account's keys that were reported and still work; `None` when there is none.
    pub(in crate::dashboard) fn read(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Option<Self>> {
        let mut keys = leak_report::working(conn, account, NAMED as i64 + 1, now)?;
        let has_more = keys.len() > NAMED;
        keys.truncate(NAMED);
        Ok((!keys.is_empty()).then_some(Self { keys, has_more }))
    }
}
