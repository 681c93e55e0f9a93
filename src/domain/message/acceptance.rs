//! Accepting messages: a request is validated, charged and queued, as a whole or
//! not at all.

use std::collections::HashSet;

use super::count_change::count_accepted;
use super::phone_number::PhoneNumber;
use super::record::{MIN_VALIDITY_SECONDS, Message, MessageId, MessageStatus, VALIDITY_SECONDS};
use super::sender::Sender;
use super::sms_text::SmsText;
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{ApiKeyId, default_sender};
use crate::domain::callback::{CallbackFormat, CallbackUrl};
use crate::domain::carrier::Assignment;
use crate::domain::guard::{self, GuardWarning, Sending};
use crate::domain::{callback, credit, text};
use crate::error::{Error, FieldErrors, Result};
use crate::format::grouped;
use crate::networks::Networks;
use crate::store::schema::messages;
use crate::store::{Conn, PrepareCached, UtcTime};

/// The most recipients of one request.
pub const MAX_RECIPIENTS: usize = 100;

/// A request to send one text to some recipients, as it was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageFields<'a> {
    /// The recipients.
    pub to: &'a [String],
    /// The text.
    pub text: &'a str,
    /// The sender; without it, the key's or the carrier's.
    pub from: Option<&'a str>,
    /// The application's own reference.
    pub reference: Option<&'a str>,
    /// The address that is called about these messages; without it, the key's.
    pub status_callback: Option<&'a str>,
    /// The format in which `status_callback` is called.
    pub callback_format: CallbackFormat,
    /// How long delivery is tried, in seconds; without it, [`VALIDITY_SECONDS`].
    pub validity_seconds: Option<i64>,
}

/// A valid request to send one text to some recipients.
#[derive(Debug, Clone)]
pub struct MessageDraft {
    recipients: Vec<PhoneNumber>,
    sender: Option<Sender>,
    text: SmsText,
    reference: String,
    callback_url: Option<CallbackUrl>,
    callback_format: CallbackFormat,
    validity_seconds: i64,
}

impl MessageDraft {
    /// Validates a request. Callbacks may go to the private networks in `allowed`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field, by the names of the
    /// members of [`MessageFields`].
    pub fn parse(fields: &MessageFields<'_>, allowed: &Networks) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let recipients = errors.collect(parse_recipients(fields.to))?;
        let sender = fields.from.map(|from| errors.collect(Sender::parse("from", from))).transpose()?;
        let text = errors.collect(SmsText::parse("text", fields.text))?;
        let reference = errors.collect(parse_reference(fields.reference.unwrap_or_default()))?;
        let callback_url = fields.status_callback.map(|url| CallbackUrl::parse("status_callback", url, allowed));
        let callback_url = callback_url.map(|url| errors.collect(url)).transpose()?.flatten();
        let validity_seconds = errors.collect(parse_validity(fields.validity_seconds))?;
        match (recipients, text, reference, validity_seconds) {
            (Some(recipients), Some(text), Some(reference), Some(validity_seconds)) if errors.is_empty() => Ok(Self {
                recipients,
                sender: sender.flatten(),
                text,
                reference,
                callback_url,
                callback_format: fields.callback_format,
                validity_seconds,
            }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// A request with a text and nothing else.
    ///
    /// # Errors
    /// As with [`MessageDraft::parse`].
    pub fn with_text(to: &[String], text: &str) -> Result<Self> {
        Self::parse(&MessageFields { to, text, ..MessageFields::default() }, &Networks::default())
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

fn parse_validity(seconds: Option<i64>) -> Result<i64> {
    match seconds.unwrap_or(VALIDITY_SECONDS) {
        seconds @ MIN_VALIDITY_SECONDS..=VALIDITY_SECONDS => Ok(seconds),
        _ => Err(Error::invalid(
            "validity_seconds",
            format!("Write a whole number from {MIN_VALIDITY_SECONDS} to {}.", grouped(VALIDITY_SECONDS)),
        )),
    }
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
/// [`Error::NotEnoughCredits`], [`Error::GuardRefused`], and [`Error::Invalid`] for a
/// `status_callback` that the key has no secret to sign for; once the caller's transaction is
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
    if draft.callback_url.is_some() {
        callback::require_secret(conn, origin.api_key_id.as_ref(), "status_callback")?;
    }
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
        valid_until: now.plus_seconds(draft.validity_seconds),
        created_at: now,
        updated_at: now,
        carrier_code: None,
        rehearsed: assignment.carrier.is_sandbox(),
        carrier: assignment.carrier.clone(),
        callback_url: draft.callback_url.clone(),
        callback_format: draft.callback_format,
        deleted_at: None,
    }
}
