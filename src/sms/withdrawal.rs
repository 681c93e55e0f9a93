//! What applications take back: messages that wait in the queue, and what is kept of those
//! that were sent.

use super::service::Sms;
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::domain::message::{self, Message, MessageId};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

impl Sms {
    /// Ends a message that waits in the queue and refunds it.
    ///
    /// # Errors
    /// As with [`message::cancel`].
    pub async fn cancel(&self, account: &AccountId, mode: Mode, id: &MessageId) -> Result<Message> {
        self.take_back(account, mode, id, message::cancel).await
    }

    /// Removes the text of a message that was sent.
    ///
    /// # Errors
    /// As with [`message::redact`].
    pub async fn redact(&self, account: &AccountId, mode: Mode, id: &MessageId) -> Result<Message> {
        self.take_back(account, mode, id, message::redact).await
    }

    /// Removes a message that was sent from what applications see.
    ///
    /// # Errors
    /// As with [`message::erase`].
    pub async fn erase(&self, account: &AccountId, mode: Mode, id: &MessageId) -> Result<()> {
        self.take_back(account, mode, id, message::erase).await
    }

    async fn take_back<T: Send + 'static>(
        &self,
        account: &AccountId,
        mode: Mode,
        id: &MessageId,
        change: fn(&mut Conn, &AccountId, Mode, &MessageId, UtcTime) -> Result<T>,
    ) -> Result<T> {
        let (account, id, now) = (account.clone(), id.clone(), self.clock.now());
        // Grouped as acceptance is, in the order of accounts: both change the balance.
        let order = account.to_string();
        self.store.write_grouped(&order, move |conn| change(conn, &account, mode, &id, now)).await
    }
}
