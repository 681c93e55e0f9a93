//! What messages may name as their sender.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use crate::domain::message::sender::Sender;
use crate::error::{Error, Result};
use crate::store::types::text_column;

/// The most senders of a list.
const MAX_SENDERS: usize = 50;

/// Senders, one in each line; none means any.
#[derive(Debug, Clone, PartialEq, Eq, Default, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct AllowedSenders(String);

impl AllowedSenders {
    /// Validates a list with commas or line breaks between its senders.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `senders`: what is no sender, and too many.
    pub fn parse(text: &str) -> Result<Self> {
        let parts = text.split(['\n', '\r', ',', ';']).filter(|part| !part.trim().is_empty());
        let mut senders: Vec<String> = Vec::new();
        for part in parts {
            let sender = Sender::parse("senders", part)?;
            if !senders.iter().any(|other| other == sender.as_str()) {
                senders.push(sender.as_str().to_owned());
            }
        }
        if senders.len() > MAX_SENDERS {
            let message = format!("{} senders; {MAX_SENDERS} is the most.", senders.len());
            return Err(Error::invalid("senders", message));
        }
        Ok(Self(senders.join("\n")))
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every sender is allowed.
    #[must_use]
    pub fn allow_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a message may name this sender.
    #[must_use]
    pub fn allow(&self, sender: &Sender) -> bool {
        self.allow_any() || self.iter().any(|allowed| allowed == sender.as_str())
    }

    /// The senders.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }
}

impl std::str::FromStr for AllowedSenders {
    type Err = std::convert::Infallible;

    fn from_str(stored: &str) -> Result<Self, Self::Err> {
        Ok(Self(stored.to_owned()))
    }
}

text_column!(AllowedSenders);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_senders_of_a_list_are_allowed_and_all_without_one() {
        let sender = |text: &str| Sender::parse("from", text).unwrap();
        let list = AllowedSenders::parse("My Shop, +420 777 123 456\r\n12345\nMy Shop").unwrap();
        assert_eq!(list.as_str(), "My Shop\n+420777123456\n12345");
        assert!(list.allow(&sender("My Shop")) && list.allow(&sender("+420777123456")));
        assert!(!list.allow(&sender("Bank")) && !list.allow(&sender("my shop")));
        assert!(AllowedSenders::parse(" \n").unwrap().allow(&sender("Bank")));
        assert!(AllowedSenders::parse("Shop, Žluť").is_err());
    }
}
