//! Accepting messages: a request is validated, charged and queued, as a whole or
//! not at all.

use std::collections::HashSet;

use super::count_change::count_accepted;
use super::phone_number::PhoneNumber;
use super::record::{Message, MessageId, MessageStatus, VALIDITY_SECONDS};
use super::sender::Sender;
use super::sms_text::SmsText;
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{ApiKeyId, default_sender};
use crate::domain::carrier::Assignment;
use crate::domain::credit;
use crate::domain::guard::{self, GuardWarning, Sending};
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};
use crate::store::schema::messages;
use crate::store::{Conn, PrepareCached, UtcTime};

/// The most recipients of one request.
pub const MAX_RECIPIENTS: usize = 100;

/// A valid request to send one text to some recipients.
#[derive(Debug, Clone)]
pub struct MessageDraft {
    recipients: Vec<PhoneNumber>,
    sender: Option<Sender>,
    text: SmsText,
    reference: String,
}

impl MessageDraft {
    /// Validates a request.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field.
    pub fn parse(to: &[String], text: &str, from: Option<&str>, reference: Option<&str>) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let recipients = errors.collect(parse_recipients(to))?;
        let sender = from.map(|from| errors.collect(Sender::parse("from", from))).transpose()?;
        let text = errors.collect(SmsText::parse("text", text))?;
        let reference = errors.collect(parse_reference(reference.unwrap_or_default()))?;
        match (recipients, text, reference) {
            (Some(recipients), Some(text), Some(reference)) if errors.is_empty() => {
                Ok(Self { recipients, sender: sender.flatten(), text, reference })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The recipients: at least one, and none of them twice.
    #[must_use]
    pub fn recipients(&self) -> &[PhoneNumber] {
        &self.recipients
    }

    /// The text of each message.
    #[must_use]
    pub const fn text(&self) -> &SmsText {
        &self.text
    }

    /// The number of segments of one message.
    #[must_use]
    pub fn segments(&self) -> i64 {
        i64::try_from(self.text.segment_count()).unwrap_or(i64::MAX)
    }
}

fn parse_recipients(to: &[String]) -> Result<Vec<PhoneNumber>> {
    if to.is_empty() {
        return Err(Error::invalid("to", "Name at least one recipient."));
    }
    if to.len() > MAX_RECIPIENTS {
        return Err(Error::invalid("to", format!("Name at most {MAX_RECIPIENTS} recipients in one request.")));
    }
    let mut errors = FieldErrors::default();
    let (mut recipients, mut seen) = (Vec::with_capacity(to.len()), HashSet::new());
    for number in to {
        if let Some(number) = errors.collect(PhoneNumber::parse("to", number))? {
            if !seen.insert(number.as_str().to_owned()) {
                errors.add("to", format!("{number} is named twice; name each recipient once."));
            }
            recipients.push(number);
        }
    }
    if errors.is_empty() { Ok(recipients) } else { Err(Error::Invalid(errors)) }
}

/// The application's own reference is stored as it is, so it must be one line.
fn parse_reference(reference: &str) -> Result<String> {
    if reference.trim().is_empty() { Ok(String::new()) } else { text::line("reference", "Reference", 100, reference) }
}

/// The price of all messages in credits, by the assignment of each recipient.
#[must_use]
pub fn cost(draft: &MessageDraft, assignments: &[Assignment]) -> i64 {
    assignments.iter().map(|assignment| price(draft, assignment)).sum()
}

/// The price of one message in credits.
fn price(draft: &MessageDraft, assignment: &Assignment) -> i64 {
    draft.segments().saturating_mul(assignment.credits_per_segment)
}

/// The account and the key that a message is sent with.
#[derive(Debug, Clone)]
pub struct MessageOrigin {
    /// The account that is charged.
    pub account_id: AccountId,
    /// The key of the request; `None` when an operator sends from the dashboard.
    pub api_key_id: Option<ApiKeyId>,
    /// Live, or test, which is always rehearsed.
    pub mode: Mode,
}

/// The messages of an accepted request.
#[derive(Debug)]
pub struct Accepted {
    /// One message per recipient, in the order of the request.
    pub messages: Vec<Message>,
    /// The account's balance afterwards, in credits.
    pub credits_left: i64,
    /// Sending limits that are nearly used by now.
    pub warnings: Vec<GuardWarning>,
}

/// Charges and queues one message per recipient, for the carrier that `assignments` has
/// in the same place. A rehearsed one costs nothing.
///
/// # Errors
/// [`Error::NotEnoughCredits`] and [`Error::GuardRefused`]; once the caller's transaction is
/// rolled back, nothing is charged or queued. When the database fails.
pub fn accept(
    conn: &mut Conn,
    origin: &MessageOrigin,
    draft: &MessageDraft,
    assignments: &[Assignment],
    now: UtcTime,
) -> Result<Accepted> {
    let sender = match (&draft.sender, &origin.api_key_id) {
        (None, Some(key)) => default_sender(conn, key)?,
        (sender, _) => sender.clone(),
    };
    let message = |(to, assignment)| message(origin, draft, to, sender.clone(), assignment, now);
    let messages: Vec<Message> = draft.recipients.iter().zip(assignments).map(message).collect();
    let costs = messages.iter().filter(|message| message.credits > 0);
    let costs: Vec<_> = costs.map(|message| (message.id.clone(), message.credits)).collect();
    let credits_left = if costs.is_empty() {
        credit::balance(conn, &origin.account_id)?
    } else {
        credit::charge(conn, &origin.account_id, &costs, now)?
    };
    let warnings = match origin.mode {
        Mode::Test => Vec::new(),
        Mode::Live => {
            let (account, api_key) = (&origin.account_id, origin.api_key_id.as_ref());
            let (sender, is_locked) = (sender.as_ref(), !costs.is_empty());
            guard::admit(conn, Sending { account, api_key, sender, messages: &messages, is_locked }, now)?
        }
    };
    for message in &messages {
        diesel::insert_into(messages::table).values(message).prepare_cached().execute(conn)?;
    }
    count_accepted(conn, &messages)?;
    Ok(Accepted { messages, credits_left, warnings })
}

fn message(
    origin: &MessageOrigin,
    draft: &MessageDraft,
    recipient: &PhoneNumber,
    sender: Option<Sender>,
    assignment: &Assignment,
    now: UtcTime,
) -> Message {
    Message {
        id: MessageId::mint(),
        account_id: origin.account_id.clone(),
        api_key_id: origin.api_key_id.clone(),
        mode: origin.mode,
        recipient: recipient.clone(),
        sender,
        text: draft.text.clone(),
        reference: draft.reference.clone(),
        encoding: draft.text.encoding(),
        segments: draft.segments(),
        credits: price(draft, assignment),
        status: MessageStatus::Queued,
        error: None,
        tries: 0,
        due_at: Some(now),
        valid_until: now.plus_seconds(VALIDITY_SECONDS),
        created_at: now,
        updated_at: now,
        carrier_code: None,
        rehearsed: assignment.carrier.is_sandbox(),
        carrier: assignment.carrier.clone(),
    }
}
