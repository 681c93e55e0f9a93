//! A row of the ledger: one change of the balance, with its reason in words.

use crate::dashboard::frame::layout::When;
use crate::dashboard::messages::paths;
use crate::domain::credit::{LedgerLine, Reason};
use crate::format::signed;

/// What a row shows.
pub(super) struct LedgerRow {
    pub(super) when: When,
    pub(super) change: String,
    pub(super) is_gain: bool,
    /// Why.
    pub(super) reason: &'static str,
    /// Who or to whom, where the reason names somebody.
    pub(super) whom: Option<String>,
    /// The page of the message that it was for.
    pub(super) href: Option<String>,
    pub(super) note: String,
}

impl From<LedgerLine> for LedgerRow {
    fn from(LedgerLine { entry, operator, recipient }: LedgerLine) -> Self {
        let recipient = recipient.map(|number| number.to_string());
        let (reason, whom) = match (entry.reason, operator, recipient) {
            (Reason::Opening, ..) => ("Opening balance", None),
            (Reason::TopUp, None, _) => ("Added", None),
            (Reason::TopUp, operator, _) => ("Added by", operator),
            (Reason::Correction, None, _) => ("Correction", None),
            (Reason::Correction, operator, _) => ("Correction by", operator),
            (Reason::Message, _, None) => ("Message", None),
            (Reason::Message, _, recipient) => ("Message to", recipient),
            (Reason::Refund, _, None) => ("Refund", None),
            (Reason::Refund, _, recipient) => ("Refund for message to", recipient),
        };
        Self {
            when: entry.created_at.into(),
            change: signed(entry.amount),
            is_gain: entry.amount > 0,
            reason,
            whom,
            href: entry.message_id.as_ref().map(paths::path),
            note: entry.note,
        }
    }
}
