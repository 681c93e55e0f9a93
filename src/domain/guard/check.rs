//! Whether messages may be sent: called in the transaction of their debit and after it, so
//! that messages of one account are counted one after the other, on all instances.

use super::destinations::DestinationRule;
use super::record::{Guard, of_sending};
use super::warning::GuardWarning;
use super::{count, recipient};
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::credit;
use crate::domain::message::Message;
use crate::domain::message::sender::Sender;
use crate::error::{Error, GuardRefusal, GuardRule, Result};
use crate::store::{Conn, UtcTime};

/// Messages that are about to be queued.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The account that sends them.
    pub account: &'a AccountId,
    /// The key of the request; `None` for the dashboard.
    pub api_key: Option<&'a ApiKeyId>,
    /// Who sends them, as phones show it; `None` leaves it to the carrier.
    pub sender: Option<&'a Sender>,
    /// The messages, in the order of the request, not inserted yet.
    pub messages: &'a [Message],
    /// Whether the transaction has locked the account's balance.
    pub is_locked: bool,
}

/// Counts live messages, if no limit refuses them. Gives what is to be warned of.
///
/// # Errors
/// [`Error::GuardRefused`]; once the caller's transaction is rolled back, nothing is counted.
pub fn admit(conn: &mut Conn, sending: Sending<'_>, now: UtcTime) -> Result<Vec<GuardWarning>> {
    let Sending { account, api_key, sender, messages, is_locked } = sending;
    let mut guards = of_sending(conn, account, api_key)?;
    if !is_locked && guards.iter().any(|guard| guard.limits.counts()) {
        credit::lock(conn, account)?;
        // They may have been changed before the lock was free.
        guards = of_sending(conn, account, api_key)?;
    }
    for guard in &guards {
        check_sender(guard, sender)?;
        check_destinations(guard, messages)?;
    }
    guards.iter().try_for_each(|guard| recipient::check(conn, guard, messages, now))?;
    let warnings = guards.iter().map(|guard| count::add(conn, guard, messages, now));
    Ok(warnings.collect::<Result<Vec<_>>>()?.concat())
}

/// A message without a sender is the carrier's to name, which nobody can choose.
fn check_sender(guard: &Guard, sender: Option<&Sender>) -> Result<()> {
    let allowed = &guard.limits.senders;
    match sender {
        Some(sender) if !allowed.allow(sender) => {
            let list: Vec<&str> = allowed.iter().collect();
            let detail = format!(
                "“{sender}” is not among the senders of {}. Use {}, or add it to the sending limits.",
                guard.whose(),
                list.join(" or "),
            );
            Err(refused(guard, GuardRule::Sender, None, &detail))
        }
        _ => Ok(()),
    }
}

fn check_destinations(guard: &Guard, messages: &[Message]) -> Result<()> {
    let Some(index) = messages.iter().position(|message| !guard.limits.allow(&message.recipient)) else {
        return Ok(());
    };
    let Some(number) = messages.get(index).map(|message| &message.recipient) else { return Ok(()) };
    let prefixes = &guard.limits.prefixes;
    let rule = match guard.limits.destinations {
        DestinationRule::Only => {
            let list: Vec<&str> = prefixes.iter().collect();
            format!("only to numbers that begin with {}", list.join(" or "))
        }
        DestinationRule::Any | DestinationRule::Except => {
            format!("no messages to numbers that begin with {}", prefixes.prefix_of(number).unwrap_or_default())
        }
    };
    let detail = format!("{number}: {} sends {rule}. Leave it out, or change the sending limits.", guard.whose());
    Err(refused(guard, GuardRule::Destination, Some(index), &detail))
}

fn refused(guard: &Guard, rule: GuardRule, index: Option<usize>, detail: &str) -> Error {
    let detail = format!("{detail} Nothing was charged and nothing is sent.");
    Error::GuardRefused(Box::new(GuardRefusal { rule, holder: guard.holder.clone(), index, retry_after: None, detail }))
}
