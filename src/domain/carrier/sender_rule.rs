//! What a route does with the sender that an application chose.

use crate::domain::message::sender::Sender;

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
