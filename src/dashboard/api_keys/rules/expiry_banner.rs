//! What the list of keys says about keys that end soon or ended lately.

use crate::domain::account::AccountId;
use crate::domain::api_key::{self, ApiKeyId, EndingKeys};
use crate::error::Result;
use crate::format::{count, grouped};
use crate::store::{Conn, UtcTime};

/// How long before and after the end of a key the list speaks of it.
const DAYS: i64 = 7;
const SECONDS_PER_DAY: i64 = 86_400;
/// How many keys are named.
const NAMED: i64 = 5;

/// Sentences, each with the keys that it is about.
pub(in crate::dashboard::api_keys) struct ExpiryBanner {
    pub(in crate::dashboard::api_keys) sentences: Vec<EndingSentence>,
}

/// A sentence, such as `2 keys end within 7 days: A, B`.
pub(in crate::dashboard::api_keys) struct EndingSentence {
    pub(in crate::dashboard::api_keys) text: String,
    pub(in crate::dashboard::api_keys) keys: Vec<(ApiKeyId, String)>,
    /// How many more there are than are named.
    pub(in crate::dashboard::api_keys) others: Option<String>,
}

impl ExpiryBanner {
    /// Looks for an account's keys that end soon or ended lately; `None` when there is none.
    pub(in crate::dashboard::api_keys) fn read(
        conn: &mut Conn,
        account: &AccountId,
        now: UtcTime,
    ) -> Result<Option<Self>> {
        let day = |days: i64| now.plus_seconds(days * SECONDS_PER_DAY);
        let soon = api_key::ending(conn, account, now, day(DAYS), NAMED)?;
        let lately = api_key::ending(conn, account, day(-DAYS), now, NAMED)?;
        let sentences: Vec<_> = [
            EndingSentence::new(soon, ["ends", "end"], &format!("within {DAYS} days")),
            EndingSentence::new(lately, ["ended", "ended"], &format!("in the last {DAYS} days")),
        ]
        .into_iter()
        .flatten()
        .collect();
        Ok(Some(Self { sentences }).filter(|banner| !banner.sentences.is_empty()))
    }
}

impl EndingSentence {
    fn new(EndingKeys { first, count: number }: EndingKeys, verbs: [&str; 2], when: &str) -> Option<Self> {
        let verb = if number == 1 { verbs[0] } else { verbs[1] };
        let named = i64::try_from(first.len()).unwrap_or(number);
        let others = (number > named).then(|| format!("and {} more", grouped(number - named)));
        let text = format!("{} {verb} {when}:", count(number, "key"));
        (number > 0).then_some(Self { text, keys: first, others })
    }
}
