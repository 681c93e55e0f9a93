//! Credits that an operator adds.

use super::balance::change;
use super::entry::{LedgerEntry, LedgerEntryId, Reason, insert_once};
use crate::domain::account::{self, AccountId};
use crate::domain::audit::{self, Action, TargetKind};
use crate::domain::identity::operator::OperatorId;
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};
use crate::store::Tx;

/// The most credits that can be added in one step.
pub const MAX_TOP_UP: i64 = 1_000_000_000;

/// A valid form for adding credits.
#[derive(Debug, PartialEq, Eq)]
pub struct TopUp {
    id: LedgerEntryId,
    amount: i64,
    note: String,
}

impl TopUp {
    /// Validates a submitted form. `id` was minted when the form was rendered, so
    /// that submitting it twice adds the credits once.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field.
    pub fn parse(id: &str, amount: &str, note: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let id = id
            .parse()
            .map_err(|()| Error::invalid("entry_id", "This form has expired. Check it and press Add Credits again."));
        let id = errors.collect(id)?;
        let amount = errors.collect(parse_amount(amount))?;
        let note = errors.collect(text::line("note", "Note", 200, note))?;
        match (id, amount, note) {
            (Some(id), Some(amount), Some(note)) => Ok(Self { id, amount, note }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The credits to add.
    #[must_use]
    pub const fn amount(&self) -> i64 {
        self.amount
    }
}

fn parse_amount(text: &str) -> Result<i64> {
    match whole_number(text) {
        Some(amount @ 1..=MAX_TOP_UP) => Ok(amount),
        _ => Err(Error::invalid("amount", "Enter a whole number of credits from 1 to 1,000,000,000.")),
    }
}

/// Reads digits, which may stand in groups of three.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    let is_space = |c| matches!(c, ' ' | '\u{a0}' | '\u{202f}');
    let parts: Vec<&str> = text.trim().split(|c| c == ',' || is_space(c)).collect();
    let is_digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    // Groups have three digits, so that "12,50" is not read as 1250.
    let is_grouped = parts.iter().skip(1).all(|part| part.len() == 3) && (parts.len() == 1 || parts[0].len() <= 3);
    if is_grouped && parts.iter().all(is_digits) { parts.concat().parse().ok() } else { None }
}

/// The result of submitting the form.
#[derive(Debug, PartialEq, Eq)]
pub enum Addition {
    /// The balance was changed; what it is afterwards.
    Made(i64),
    /// The same form was submitted before, and took effect then.
    Repeated,
}

/// Adds credits, once for each form.
///
/// # Errors
/// When the database fails.
pub fn add(tx: &mut Tx<'_>, account: &AccountId, by: Option<&OperatorId>, top_up: TopUp) -> Result<Addition> {
    let entry = LedgerEntry {
        id: top_up.id,
        note: top_up.note,
        created_by: by.cloned(),
        ..LedgerEntry::new(account, top_up.amount, Reason::TopUp, tx.now())
    };
    if !insert_once(tx, &entry)? {
        return Ok(Addition::Repeated);
    }
    let balance = change(tx, account, top_up.amount)?;
    let event = audit::event(Action::CreditsAdded, TargetKind::Account, account.as_str(), &account::name(tx, account)?);
    tx.audit(event.of(account).field("credits", balance - top_up.amount, balance).done())?;
    Ok(Addition::Made(balance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_whole_number_that_may_be_grouped_by_thousands() {
        for (text, amount) in
            [("1", 1), (" 500 ", 500), ("1,000", 1_000), ("1 000 000", 1_000_000), ("1000000000", MAX_TOP_UP)]
        {
            assert_eq!(parse_amount(text).ok(), Some(amount), "{text}");
        }
        for wrong in [
            "",
            "0",
            "-5",
            "+5",
            "12,50",
            "1,00",
            "1,0000",
            "1000,000",
            "1.5",
            ",500",
            "1,,000",
            "1e3",
            "1000000001",
            "९",
        ] {
            assert!(parse_amount(wrong).is_err(), "{wrong}");
        }
    }
}
