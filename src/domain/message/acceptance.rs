//! Takes messages: holds a request against the rules, charges it and puts it
//! in the queue, all of it or nothing.

use std::collections::HashSet;

use super::phone_number::PhoneNumber;
use super::sender::Sender;
use super::sms_text::SmsText;
use super::{Message, MessageId, Status, VALID_SECONDS};
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::Mode;
use crate::domain::credit;
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};
use crate::store::schema::messages;
use crate::store::{Conn, Steadily, UtcTime};

/// Recipients of one request at most.
pub const MOST_RECIPIENTS: usize = 100;

/// What is to be sent, held against the rules.
#[derive(Debug, Clone)]
pub struct Draft {
    recipients: Vec<PhoneNumber>,
    sender: Option<Sender>,
    text: SmsText,
    reference: String,
}

impl Draft {
    /// Holds a request against the rules.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every field that is wrong.
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

    /// To whom; at least one, and nobody twice.
    #[must_use]
    pub fn recipients(&self) -> &[PhoneNumber] {
        &self.recipients
    }

    /// What.
    #[must_use]
    pub const fn text(&self) -> &SmsText {
        &self.text
    }

    /// In how many segments one of the messages is sent.
    #[must_use]
    pub fn segments(&self) -> i64 {
        i64::try_from(self.text.segment_count()).unwrap_or(i64::MAX)
    }
}

fn parse_recipients(to: &[String]) -> Result<Vec<PhoneNumber>> {
    if to.is_empty() {
        return Err(Error::invalid("to", "Name at least one recipient."));
    }
    if to.len() > MOST_RECIPIENTS {
        return Err(Error::invalid("to", format!("Name at most {MOST_RECIPIENTS} recipients in one request.")));
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

/// The application's own word: kept as it is, so it must be one line.
fn parse_reference(reference: &str) -> Result<String> {
    if reference.trim().is_empty() { Ok(String::new()) } else { text::line("reference", "Reference", 100, reference) }
}

/// What all of it costs, in credits: one for each segment to each recipient,
/// and nothing in test mode.
#[must_use]
pub fn cost(draft: &Draft, mode: Mode) -> i64 {
    let recipients = i64::try_from(draft.recipients.len()).unwrap_or(i64::MAX);
    price(draft, mode).saturating_mul(recipients)
}

/// What one of the messages costs.
fn price(draft: &Draft, mode: Mode) -> i64 {
    match mode {
        Mode::Live => draft.segments(),
        Mode::Test => 0,
    }
}

/// Who sends.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Whose credits.
    pub account_id: AccountId,
    /// With which key; none when an operator does.
    pub api_key_id: Option<ApiKeyId>,
    /// Live, or test: which costs nothing and leaves for no carrier.
    pub mode: Mode,
}

/// What was taken.
#[derive(Debug)]
pub struct Accepted {
    /// A message for each recipient, in their order.
    pub messages: Vec<Message>,
    /// What the account can still spend.
    pub credits_left: i64,
}

/// Charges and queues a message for each recipient.
///
/// # Errors
/// [`Error::NotEnoughCredits`]: nothing was charged and nothing queued, once
/// the transaction is undone. When the database fails.
pub fn accept(conn: &mut Conn, origin: &Origin, draft: &Draft, now: UtcTime) -> Result<Accepted> {
    let messages: Vec<Message> = draft.recipients.iter().map(|to| message(origin, draft, to, now)).collect();
    let credits_left = match origin.mode {
        Mode::Live => {
            let costs: Vec<_> = messages.iter().map(|message| (message.id.clone(), message.credits)).collect();
            credit::charge(conn, &origin.account_id, &costs, now)?
        }
        Mode::Test => credit::balance(conn, &origin.account_id)?,
    };
    for message in &messages {
        diesel::insert_into(messages::table).values(message).steadily().execute(conn)?;
    }
    Ok(Accepted { messages, credits_left })
}

fn message(origin: &Origin, draft: &Draft, recipient: &PhoneNumber, now: UtcTime) -> Message {
    Message {
        id: MessageId::mint(),
        account_id: origin.account_id.clone(),
        api_key_id: origin.api_key_id.clone(),
        mode: origin.mode,
        recipient: recipient.clone(),
        sender: draft.sender.clone(),
        text: draft.text.clone(),
        reference: draft.reference.clone(),
        encoding: draft.text.encoding(),
        segments: draft.segments(),
        credits: price(draft, origin.mode),
        status: Status::Queued,
        error: None,
        tries: 0,
        due_at: Some(now),
        valid_until: now.plus_seconds(VALID_SECONDS),
        created_at: now,
        updated_at: now,
    }
}
