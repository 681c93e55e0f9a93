//! What a route does with the sender that an application chose.

use crate::domain::message::sender::{Sender, SenderKind};

/// The rule of a route for senders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SenderRule {
    /// The sender stays, or is the carrier's default where there is none.
    #[default]
    AsIs,
    /// Every message has this sender.
    Replace(Sender),
    /// A name becomes the carrier's default sender: phones of this country show
    /// numbers only.
    Numeric,
}

impl SenderRule {
    /// The sender with which a message is submitted; `None` leaves it to the carrier.
    #[must_use]
    pub fn apply(&self, own: Option<&Sender>, default: Option<&Sender>) -> Option<Sender> {
        let is_number = |sender: &&Sender| sender.kind() != SenderKind::Alphanumeric;
        match self {
            Self::AsIs => own.or(default),
            Self::Replace(sender) => Some(sender),
            Self::Numeric => own.filter(is_number).or_else(|| default.filter(is_number)),
        }
        .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(rule: &SenderRule, own: Option<&str>, default: Option<&str>) -> Option<String> {
        let sender = |text: &str| text.parse::<Sender>().unwrap();
        let (own, default) = (own.map(sender), default.map(sender));
        rule.apply(own.as_ref(), default.as_ref()).map(|sender| sender.to_string())
    }

    #[test]
    fn a_rule_decides_between_the_own_sender_and_the_default_one() {
        let replace = SenderRule::Replace("Bank".parse().unwrap());
        for (rule, own, default, sender) in [
            (&SenderRule::AsIs, Some("Shop"), Some("+420777000111"), Some("Shop")),
            (&SenderRule::AsIs, None, Some("+420777000111"), Some("+420777000111")),
            (&SenderRule::AsIs, None, None, None),
            (&replace, Some("Shop"), Some("+420777000111"), Some("Bank")),
            (&replace, None, None, Some("Bank")),
            (&SenderRule::Numeric, Some("Shop"), Some("+420777000111"), Some("+420777000111")),
            (&SenderRule::Numeric, Some("12345"), Some("+420777000111"), Some("12345")),
            (&SenderRule::Numeric, Some("Shop"), Some("Bank"), None),
            (&SenderRule::Numeric, None, Some("+420777000111"), Some("+420777000111")),
        ] {
            assert_eq!(applied(rule, own, default).as_deref(), sender, "{rule:?} {own:?} {default:?}");
        }
    }
}
