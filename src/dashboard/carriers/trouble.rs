//! What pages say about carriers that take no messages now.

use crate::domain::account::{Access, AccountId, Permission};
use crate::domain::carrier::CarrierName;
use crate::domain::message::{self, MAX_COUNT};
use crate::error::Result;
use crate::format::{count, grouped};
use crate::sms::Sms;
use crate::store::Conn;

/// A carrier that takes nothing, as this instance sees it.
struct TroubledCarrier {
    name: CarrierName,
    /// The end of a sentence.
    why: String,
    /// Whether it stays so until somebody changes something.
    needs_operator: bool,
}

/// The carriers that take nothing now. Only what waits for these is counted.
pub(in crate::dashboard) struct TroubledCarriers {
    carriers: Vec<TroubledCarrier>,
    /// Whether there is one carrier, which the settings give no name.
    is_only_one: bool,
}

impl TroubledCarriers {
    /// Those of this instance; none for somebody who may not see carriers.
    pub(in crate::dashboard) fn seen_by(access: Access, sms: &Sms) -> Self {
        let is_seen = access.allows(Permission::ViewCarriers);
        if is_seen { Self::of(sms) } else { Self { carriers: Vec::new(), is_only_one: false } }
    }

    /// Those of this instance.
    pub(in crate::dashboard) fn of(sms: &Sms) -> Self {
        let Some(all) = sms.carriers() else { return Self { carriers: Vec::new(), is_only_one: false } };
        let connected = all.list().iter().filter_map(|carrier| {
            let problem = carrier.transport.state().problem?;
            let (why, needs_operator) = (problem.sentence, problem.needs_operator);
            Some(TroubledCarrier { name: carrier.name.clone(), why, needs_operator })
        });
        let off = all.switched_off().map(|carrier| TroubledCarrier {
            name: carrier.name.clone(),
            why: "the carrier is switched off".to_owned(),
            needs_operator: false,
        });
        let is_only_one = all.names().eq([&CarrierName::default_carrier()]);
        Self { carriers: connected.chain(off).collect(), is_only_one }
    }

    /// A sentence for each carrier that messages wait for, and for each that takes nothing
    /// until somebody changes something.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::dashboard) fn sentences(&self, conn: &mut Conn) -> Result<Vec<String>> {
        let mut sentences = Vec::new();
        for carrier in &self.carriers {
            let waiting = message::waiting_by_carrier(conn, &carrier.name)?;
            if waiting > 0 || carrier.needs_operator {
                sentences.push(sentence(carrier, waiting, self.is_only_one));
            }
        }
        Ok(sentences)
    }

    /// Whether messages of an account wait for one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::dashboard) fn hold_messages_of(&self, conn: &mut Conn, account: &AccountId) -> Result<bool> {
        for carrier in &self.carriers {
            if message::waits_for(conn, account, &carrier.name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn sentence(TroubledCarrier { name, why, .. }: &TroubledCarrier, waiting: usize, is_only_one: bool) -> String {
    let number = if waiting > MAX_COUNT {
        format!("More than {} messages", grouped(MAX_COUNT as i64))
    } else {
        count(i64::try_from(waiting).unwrap_or(i64::MAX), "message")
    };
    if is_only_one {
        return match waiting {
            0 => format!("Messages will wait: {why}."),
            1 => format!("{number} is waiting: {why}."),
            _ => format!("{number} are waiting: {why}."),
        };
    }
    let why = named(why, name);
    let verb = if waiting == 1 { "waits" } else { "wait" };
    match waiting {
        0 => format!("{why}."),
        // One colon in a sentence is enough.
        _ if why.contains(": ") => format!("{why}. {number} {verb}."),
        _ => format!("{why}: {} {verb}.", number.replace("More", "more")),
    }
}

/// The end of a sentence about a carrier as a sentence that names it.
pub(super) fn named(why: &str, name: &CarrierName) -> String {
    let named = why.replacen("the carrier", name.as_str(), 1);
    if named.starts_with(name.as_str()) { named } else { capitalised(&named) }
}

/// The end of a sentence as the beginning of one.
pub(super) fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(why: &str, waiting: usize, is_only_one: bool) -> String {
        let (name, why) = ("twilio".parse().unwrap(), why.to_owned());
        sentence(&TroubledCarrier { name, why, needs_operator: false }, waiting, is_only_one)
    }

    #[test]
    fn a_sentence_names_the_carrier_and_counts_what_waits_for_it() {
        for (why, waiting, sentence) in [
            ("the carrier refuses the password", 37, "twilio refuses the password: 37 messages wait."),
            ("the carrier refuses the password", 1, "twilio refuses the password: 1 message waits."),
            ("the carrier refuses the password", 0, "twilio refuses the password."),
            ("the carrier hung up", 10_001, "twilio hung up: more than 10,000 messages wait."),
            ("the carrier can't be reached: no route", 2, "twilio can't be reached: no route. 2 messages wait."),
            (
                "TLS with the carrier failed: expired",
                10_001,
                "TLS with twilio failed: expired. More than 10,000 messages wait.",
            ),
            (
                "the connection to the carrier is not there yet",
                2,
                "The connection to twilio is not there yet: 2 messages wait.",
            ),
        ] {
            assert_eq!(said(why, waiting, false), sentence);
        }
    }

    #[test]
    fn the_only_carrier_needs_no_name() {
        assert_eq!(said("the carrier hung up", 1, true), "1 message is waiting: the carrier hung up.");
        assert_eq!(said("the carrier hung up", 1_000, true), "1,000 messages are waiting: the carrier hung up.");
        assert_eq!(said("the carrier hung up", 0, true), "Messages will wait: the carrier hung up.");
    }
}
