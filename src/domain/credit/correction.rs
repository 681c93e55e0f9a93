//! Corrections of a balance by an operator, up or down, with the reason.

use diesel::prelude::*;

use super::balance::balance;
use super::entry::{LedgerEntry, LedgerEntryId, Reason, insert_once};
use super::top_up::{Addition, MAX_TOP_UP, whole_number};
use crate::domain::account::{self, AccountId};
use crate::domain::audit::{self, Action, TargetKind};
use crate::domain::identity::operator::OperatorId;
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};
use crate::format::{count, grouped};
use crate::store::Tx;
use crate::store::schema::credit_balances;

/// A valid form for correcting the balance.
#[derive(Debug, PartialEq, Eq)]
pub struct Correction {
    id: LedgerEntryId,
    change: i64,
    reason: String,
}

impl Correction {
    /// Validates a submitted form. `id` was minted when the form was rendered, so that
    /// submitting it twice corrects the balance once.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field.
    pub fn parse(id: &str, change: &str, reason: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let id = id.parse().map_err(|()| {
            Error::invalid("correction_id", "This form has expired. Check it and press Correct Balance again.")
        });
        let id = errors.collect(id)?;
        let change = errors.collect(parse_change(change))?;
        let reason = errors.collect(text::line("reason", "Reason", 200, reason))?;
        match (id, change, reason) {
            (Some(id), Some(change), Some(reason)) => Ok(Self { id, change, reason }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The credits that are added, or taken away when less than 0.
    #[must_use]
    pub const fn change(&self) -> i64 {
        self.change
    }
}

/// Reads `-25`, `25` or `+25`; with the minus sign of a book as well.
fn parse_change(text: &str) -> Result<i64> {
    let text = text.trim();
    let (is_less, number) = match text.strip_prefix(['-', '−']) {
        Some(number) => (true, number),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    match whole_number(number) {
        Some(number @ 1..=MAX_TOP_UP) => Ok(if is_less { -number } else { number }),
        _ => Err(Error::invalid("change", "Enter a whole number of credits: 25 to add, -25 to take away.")),
    }
}

/// Corrects a balance, once for each form.
///
/// # Errors
/// [`Error::Invalid`] when it would take more than there is; then nothing is changed.
pub fn correct(
    tx: &mut Tx<'_>,
    account: &AccountId,
    by: Option<&OperatorId>,
    correction: Correction,
) -> Result<Addition> {
    let Correction { id, change, reason } = correction;
    let entry = LedgerEntry {
        id,
        note: reason.clone(),
        created_by: by.cloned(),
        ..LedgerEntry::new(account, change, Reason::Correction, tx.now())
    };
    if !insert_once(tx, &entry)? {
        return Ok(Addition::Repeated);
    }
    let row = credit_balances::table.find(account).filter(credit_balances::credits.ge(-change));
    let after: Option<i64> = diesel::update(row)
        .set(credit_balances::credits.eq(credit_balances::credits + change))
        .returning(credit_balances::credits)
        .get_result(tx.conn())
        .optional()?;
    let Some(after) = after else { return Err(too_much(balance(tx, account)?)) };
    let name = account::name(tx, account)?;
    let event = audit::event(Action::CreditsCorrected, TargetKind::Account, account.as_str(), &name);
    tx.audit(event.of(account).field("credits", after - change, after).because(Some(reason)).done())?;
    Ok(Addition::Made(after))
}

fn too_much(balance: i64) -> Error {
    let left = if balance > 0 {
        format!("The balance is {}, so {} can be taken away at most.", count(balance, "credit"), grouped(balance))
    } else {
        "The balance is 0, so nothing can be taken away.".to_owned()
    };
    Error::invalid("change", left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_whole_number_with_or_without_a_sign() {
        for (text, change) in [
            ("25", 25),
            (" +25 ", 25),
            ("-25", -25),
            ("−1,000", -1_000),
            ("- 25", -25),
            ("1000000000", MAX_TOP_UP),
            ("-1000000000", -MAX_TOP_UP),
        ] {
            assert_eq!(parse_change(text).ok(), Some(change), "{text}");
        }
        for wrong in ["", "0", "-0", "+", "-", "--5", "+-5", "1.5", "-12,50", "five", "1000000001", "-1000000001", "٥"]
        {
            assert!(parse_change(wrong).is_err(), "{wrong}");
        }
    }
}
