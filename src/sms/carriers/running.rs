//! The carriers while the process runs.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::domain::carrier::{Assignment, CarrierName, RouteTable};
use crate::domain::message::MessageDraft;
use crate::domain::message::sender::Sender;
use crate::error::{Error, Result};
use crate::sms::transport::Transport;

/// One carrier: the connection to it, and the queue of what waits for it.
pub struct Carrier {
    /// Its name.
    pub name: CarrierName,
    /// The connection.
    pub transport: Arc<dyn Transport>,
    /// The sender of messages that name none.
    pub sender: Option<Sender>,
    /// Notified when this instance queues a message for it, or a poll finds one that is
    /// due.
    pub(in crate::sms) queue_changed: Arc<Notify>,
}

impl Carrier {
    /// A carrier with its connection.
    #[must_use]
    pub fn new(name: CarrierName, transport: Arc<dyn Transport>, sender: Option<Sender>) -> Self {
        Self { name, transport, sender, queue_changed: Arc::default() }
    }
}

/// All carriers of this instance.
pub struct Carriers {
    /// The carriers that messages are sent by; none when all are rehearsed.
    pub(in crate::sms) list: Vec<Arc<Carrier>>,
    /// The sandbox, which rehearses.
    pub(in crate::sms) sandbox: Arc<Carrier>,
    routes: RouteTable,
}

impl Carriers {
    /// The carriers with the routes to them.
    #[must_use]
    pub fn new(list: Vec<Carrier>, sandbox: Carrier, routes: RouteTable) -> Self {
        Self { list: list.into_iter().map(Arc::new).collect(), sandbox: Arc::new(sandbox), routes }
    }

    /// Those that messages are sent by.
    #[must_use]
    pub fn list(&self) -> &[Arc<Carrier>] {
        &self.list
    }

    /// The carriers and the sandbox.
    pub(in crate::sms) fn with_sandbox(&self) -> impl Iterator<Item = &Arc<Carrier>> {
        self.list.iter().chain([&self.sandbox])
    }

    /// The carrier with this name, or the sandbox.
    #[must_use]
    pub fn find(&self, name: &CarrierName) -> Option<&Arc<Carrier>> {
        self.with_sandbox().find(|carrier| carrier.name == *name)
    }

    /// By which carrier each message of a draft is to go.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a recipient that no carrier serves.
    pub fn assign(&self, draft: &MessageDraft) -> Result<Vec<Assignment>> {
        let assignment = |recipient| {
            let route = self.routes.find(recipient);
            let carrier = route.and_then(|route| Some((route.carriers.first()?.clone(), route.credits)));
            carrier.map(|(carrier, credits_per_segment)| Assignment { carrier, credits_per_segment }).ok_or_else(|| {
                Error::invalid("to", format!("No carrier serves {recipient}: no route begins like this number."))
            })
        };
        draft.recipients().iter().map(assignment).collect()
    }
}
