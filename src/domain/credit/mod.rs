//! Credits: what sending costs, one per segment. The ledger says where they
//! came from and went to; an account's balance is the sum of its ledger.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::account::{self, AccountId};
use super::audit::{self, Action, TargetKind};
use super::cursor::Cursor;
use super::id::id;
use super::identity::operator::OperatorId;
use super::message::MessageId;
use super::message::phone_number::PhoneNumber;
use super::text;
use crate::error::{Error, FieldErrors, Result};
use crate::store::schema::{accounts, credit_balances, ledger_entries, messages, operators};
use crate::store::types::text_enum;
use crate::store::{Conn, Steadily, Tx, UtcTime};

/// What a new account has, unless the settings say otherwise: enough to try.
pub const OPENING: i64 = 100;
/// Added at once at most.
pub const MOST_ADDED: i64 = 1_000_000_000;
/// Entries on one page of the ledger.
pub const PAGE: usize = 50;

id! {
    /// Names an entry of the ledger.
    LedgerEntryId = "led_"
}

text_enum! {
    /// Why a balance changed.
    Reason {
        /// The account was opened.
        Opening = "opening",
        /// An operator added credits.
        TopUp = "top_up",
        /// A message was accepted.
        Message = "message",
        /// Segments of a message were taken by no carrier.
        Refund = "refund",
    }
}

/// One change of a balance. Never changed itself.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = ledger_entries)]
pub struct LedgerEntry {
    /// Its id.
    pub id: LedgerEntryId,
    /// Whose balance.
    pub account_id: AccountId,
    /// How many credits came (positive) or went (negative).
    pub amount: i64,
    /// Why.
    pub reason: Reason,
    /// For which message, where it was one.
    pub message_id: Option<MessageId>,
    /// What the operator wrote; else empty.
    pub note: String,
    /// Which operator, while that operator exists.
    pub created_by: Option<OperatorId>,
    /// When.
    pub created_at: UtcTime,
}

impl LedgerEntry {
    fn new(account: &AccountId, amount: i64, reason: Reason, now: UtcTime) -> Self {
        Self {
            id: LedgerEntryId::mint(),
            account_id: account.clone(),
            amount,
            reason,
            message_id: None,
            note: String::new(),
            created_by: None,
            created_at: now,
        }
    }
}

/// What an operator fills in to add credits.
#[derive(Debug, PartialEq, Eq)]
pub struct TopUp {
    id: LedgerEntryId,
    amount: i64,
    note: String,
}

impl TopUp {
    /// Holds a filled-in form against the rules. `id` was minted with the form,
    /// so that sending it twice adds credits once.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every field that is wrong.
    pub fn parse(id: &str, amount: &str, note: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let id = id
            .parse()
            .map_err(|()| Error::invalid("entry_id", "This form had expired. Check it and press Add Credits again."));
        let id = errors.collect(id)?;
        let amount = errors.collect(parse_amount(amount))?;
        let note = errors.collect(text::line("note", "Note", 200, note))?;
        match (id, amount, note) {
            (Some(id), Some(amount), Some(note)) => Ok(Self { id, amount, note }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// How many credits.
    #[must_use]
    pub const fn amount(&self) -> i64 {
        self.amount
    }
}

fn parse_amount(text: &str) -> Result<i64> {
    let is_space = |c| matches!(c, ' ' | '\u{a0}' | '\u{202f}');
    let parts: Vec<&str> = text.trim().split(|c| c == ',' || is_space(c)).collect();
    let is_digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    // "12,50" is no 1,250.
    let is_grouped = parts.iter().skip(1).all(|part| part.len() == 3) && (parts.len() == 1 || parts[0].len() <= 3);
    match parts.concat().parse() {
        Ok(amount @ 1..=MOST_ADDED) if is_grouped && parts.iter().all(is_digits) => Ok(amount),
        _ => Err(Error::invalid("amount", "Enter a whole number of credits from 1 to 1,000,000,000.")),
    }
}

/// Opens the balance of every account that has none.
///
/// # Errors
/// When the database fails.
pub fn open_accounts(conn: &mut Conn, credits: i64, now: UtcTime) -> Result<()> {
    let opened = credit_balances::table.select(credit_balances::account_id);
    let new: Vec<AccountId> = accounts::table.filter(accounts::id.ne_all(opened)).select(accounts::id).load(conn)?;
    new.iter().try_for_each(|account| open(conn, account, credits, now))
}

fn open(conn: &mut Conn, account: &AccountId, credits: i64, now: UtcTime) -> Result<()> {
    diesel::insert_into(credit_balances::table)
        .values((credit_balances::account_id.eq(account), credit_balances::credits.eq(credits)))
        .execute(conn)?;
    if credits != 0 {
        enter(conn, &LedgerEntry::new(account, credits, Reason::Opening, now))?;
    }
    Ok(())
}

/// What an account can spend.
///
/// # Errors
/// When the database fails.
pub fn balance(conn: &mut Conn, account: &AccountId) -> Result<i64> {
    let row = credit_balances::table.find(account).select(credit_balances::credits);
    Ok(row.first(conn).optional()?.unwrap_or_default())
}

/// What became of a filled-in form.
#[derive(Debug, PartialEq, Eq)]
pub enum Addition {
    /// The credits were added; the balance since then.
    Made(i64),
    /// The form was sent before: its credits were added then.
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
    // In a savepoint: the same form, sent at the same moment, may have been quicker.
    match tx.transaction(|conn| diesel::insert_into(ledger_entries::table).values(&entry).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => return Ok(Addition::Repeated),
        inserted => inserted?,
    };
    let balance = change_balance(tx, account, top_up.amount)?;
    let event = audit::event(Action::CreditsAdded, TargetKind::Account, account.as_str(), &account::name(tx, account)?);
    tx.audit(event.of(account).field("credits", balance - top_up.amount, balance).done())?;
    Ok(Addition::Made(balance))
}

/// Takes what messages cost, `(message, credits)` each; gives what is left.
///
/// # Errors
/// [`Error::NotEnoughCredits`], and then nothing was taken.
pub fn charge(conn: &mut Conn, account: &AccountId, costs: &[(MessageId, i64)], now: UtcTime) -> Result<i64> {
    let sum: i64 = costs.iter().map(|(_, cost)| cost).sum();
    let row = credit_balances::table.find(account).filter(credit_balances::credits.ge(sum));
    let left = diesel::update(row)
        .set(credit_balances::credits.eq(credit_balances::credits - sum))
        .returning(credit_balances::credits)
        .steadily()
        .get_result(conn)
        .optional()?;
    let Some(left) = left else {
        return Err(Error::NotEnoughCredits { needed: sum, left: balance(conn, account)? });
    };
    let entries: Vec<LedgerEntry> = costs
        .iter()
        .map(|(message, cost)| LedgerEntry {
            message_id: Some(message.clone()),
            ..LedgerEntry::new(account, -cost, Reason::Message, now)
        })
        .collect();
    entries.iter().try_for_each(|entry| enter(conn, entry))?;
    Ok(left)
}

/// Gives back what was charged for segments that no carrier took; once for each
/// message, however often it is asked for.
///
/// # Errors
/// When the database fails.
pub fn refund(conn: &mut Conn, account: &AccountId, message: &MessageId, credits: i64, now: UtcTime) -> Result<()> {
    if credits <= 0 {
        return Ok(());
    }
    let row = ledger_entries::table
        .filter(ledger_entries::message_id.eq(message))
        .filter(ledger_entries::reason.eq(Reason::Refund));
    let refunded: i64 = row.count().get_result(conn)?;
    if refunded > 0 {
        return Ok(());
    }
    let entry =
        LedgerEntry { message_id: Some(message.clone()), ..LedgerEntry::new(account, credits, Reason::Refund, now) };
    match conn.transaction(|conn| diesel::insert_into(ledger_entries::table).values(&entry).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => change_balance(conn, account, credits).map(drop),
    }
}

/// What was given back for a message; nothing where nothing was.
///
/// # Errors
/// When the database fails.
pub fn refunded(conn: &mut Conn, account: &AccountId, message: &MessageId) -> Result<i64> {
    let row = ledger_entries::table
        .filter(ledger_entries::account_id.eq(account))
        .filter(ledger_entries::message_id.eq(message))
        .filter(ledger_entries::reason.eq(Reason::Refund));
    Ok(row.select(ledger_entries::amount).first(conn).optional()?.unwrap_or_default())
}

fn enter(conn: &mut Conn, entry: &LedgerEntry) -> Result<()> {
    diesel::insert_into(ledger_entries::table).values(entry).steadily().execute(conn)?;
    Ok(())
}

fn change_balance(conn: &mut Conn, account: &AccountId, by: i64) -> Result<i64> {
    Ok(diesel::update(credit_balances::table.find(account))
        .set(credit_balances::credits.eq(credit_balances::credits + by))
        .returning(credit_balances::credits)
        .steadily()
        .get_result(conn)?)
}

/// An entry with what it is about.
#[derive(Debug, Clone, Queryable)]
pub struct LedgerLine {
    /// The entry.
    pub entry: LedgerEntry,
    /// The name of who made it, while that operator exists.
    pub operator: Option<String>,
    /// To whom its message goes, where it was one.
    pub recipient: Option<PhoneNumber>,
}

/// One page of the ledger.
#[derive(Debug)]
pub struct Page {
    /// Up to [`PAGE`] entries, newest first.
    pub lines: Vec<LedgerLine>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor<LedgerEntryId>>,
}

/// An account's ledger, newest first, behind `after` or from the start.
///
/// # Errors
/// When the database fails.
pub fn ledger(conn: &mut Conn, account: &AccountId, after: Option<&Cursor<LedgerEntryId>>) -> Result<Page> {
    let mut query = ledger_entries::table
        .left_join(operators::table)
        .left_join(messages::table.on(ledger_entries::message_id.eq(messages::id.nullable())))
        .filter(ledger_entries::account_id.eq(account))
        .order((ledger_entries::created_at.desc(), ledger_entries::id.desc()))
        .limit(PAGE as i64 + 1)
        .select((LedgerEntry::as_select(), operators::name.nullable(), messages::recipient.nullable()))
        .into_boxed();
    if let Some(Cursor(time, id)) = after {
        // The first condition is in the second already; said alone it lets the index begin there.
        query = query.filter(ledger_entries::created_at.le(time)).filter(
            ledger_entries::created_at.lt(time).or(ledger_entries::created_at.eq(time).and(ledger_entries::id.lt(id))),
        );
    }
    let mut lines: Vec<LedgerLine> = query.load(conn)?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let next = lines.last().filter(|_| more).map(|LedgerLine { entry, .. }| Cursor(entry.created_at, entry.id.clone()));
    Ok(Page { lines, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_whole_number_that_may_be_grouped_by_thousands() {
        for (text, amount) in
            [("1", 1), (" 500 ", 500), ("1,000", 1_000), ("1 000 000", 1_000_000), ("1000000000", MOST_ADDED)]
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
