//! The carriers while the process runs.

use std::sync::Arc;

use tokio::sync::Notify;

use super::availability::Availability;
use super::config::{CarrierConfig, CarriersConfig};
use crate::domain::carrier::{Assignment, CarrierName, Route, RouteTable};
use crate::domain::message::MessageDraft;
use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::sender::Sender;
use crate::error::{Error, Result};
use crate::sms::metrics::CarrierMetrics;
use crate::sms::transport::{LinkProblem, Transport};

/// One carrier: the connection to it, and the queue of what waits for it.
pub struct Carrier {
    /// Its name.
    pub name: CarrierName,
    /// What it speaks, such as `SMPP`.
    pub kind: &'static str,
    /// Where it is, without user and password: `smsc.example.com:2775`.
    pub host: String,
    /// The connection.
    pub transport: Arc<dyn Transport>,
    /// The sender of messages that name none.
    pub sender: Option<Sender>,
    /// What this instance counted, and the last error.
    pub metrics: Arc<CarrierMetrics>,
    /// Whether messages should wait for it.
    pub(in crate::sms) availability: Availability,
    /// Notified when this instance queues a message for it, or a poll finds one that is
    /// due.
    pub(in crate::sms) queue_changed: Arc<Notify>,
}

impl Carrier {
    /// A carrier with its connection.
    #[must_use]
    pub fn new(config: &CarrierConfig, transport: Arc<dyn Transport>, metrics: Arc<CarrierMetrics>) -> Self {
        Self {
            name: config.name.clone(),
            kind: config.transport.kind(),
            host: config.transport.host(),
            transport,
            sender: config.sender.clone(),
            metrics,
            availability: Availability::default(),
            queue_changed: Arc::default(),
        }
    }

    /// Looks at the connection, and takes note of its state.
    pub(in crate::sms) fn observe(&self) {
        let state = self.transport.state();
        // A transport notes those of its problems that do not last until the next look.
        let is_news =
            |problem: &&LinkProblem| self.metrics.last_fault().is_none_or(|fault| fault.sentence != problem.sentence);
        if let Some(problem) = state.problem.as_ref().filter(is_news) {
            self.metrics.fault(&problem.sentence);
        }
        self.availability.observe(&state);
    }

    /// What it speaks and where it is: `SMPP smsc.example.com:2775`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{} {}", self.kind, self.host).trim_end().to_owned()
    }
}

/// All carriers of this instance.
pub struct Carriers {
    /// The carriers that messages are sent by; none when all are rehearsed.
    pub(in crate::sms) list: Vec<Arc<Carrier>>,
    /// The sandbox, which rehearses.
    pub(in crate::sms) sandbox: Arc<Carrier>,
    config: CarriersConfig,
}

impl Carriers {
    /// The carriers of `config` that are on, and the sandbox.
    #[must_use]
    pub fn new(list: Vec<Carrier>, sandbox: Carrier, config: CarriersConfig) -> Self {
        Self { list: list.into_iter().map(Arc::new).collect(), sandbox: Arc::new(sandbox), config }
    }

    /// Those that messages are sent by, in the order of the settings.
    #[must_use]
    pub fn list(&self) -> &[Arc<Carrier>] {
        &self.list
    }

    /// Those that are switched off, in the order of the settings.
    pub fn switched_off(&self) -> impl Iterator<Item = &CarrierConfig> {
        self.config.carriers.iter().filter(|carrier| !carrier.is_on)
    }

    /// The names of all carriers in the settings, on or off.
    pub fn names(&self) -> impl Iterator<Item = &CarrierName> {
        self.config.carriers.iter().map(|carrier| &carrier.name)
    }

    /// Whether the settings have no carrier, so that every message is rehearsed.
    #[must_use]
    pub fn rehearse_all(&self) -> bool {
        self.config.carriers.is_empty()
    }

    /// Which numbers go by which carrier.
    #[must_use]
    pub const fn routes(&self) -> &RouteTable {
        &self.config.routes
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

    /// Whether the settings have a carrier with this name, on or off.
    #[must_use]
    pub fn knows(&self, name: &CarrierName) -> bool {
        self.config.carriers.iter().any(|carrier| carrier.name == *name)
    }

    /// The first carrier of a route that is not given up.
    pub(in crate::sms) fn first_available(&self, route: &Route) -> Option<&Arc<Carrier>> {
        let carriers = route.carriers.iter().filter_map(|name| self.find(name));
        carriers.into_iter().find(|carrier| carrier.availability.given_up(route).is_none())
    }

    /// By which carrier each message of a draft is to go.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a recipient that no carrier serves.
    pub fn assign(&self, draft: &MessageDraft) -> Result<Vec<Assignment>> {
        draft.recipients().iter().map(|recipient| self.assign_one(recipient)).collect()
    }

    fn assign_one(&self, recipient: &PhoneNumber) -> Result<Assignment> {
        let no_carrier = |why| Error::invalid("to", format!("No carrier serves {recipient}: {why}."));
        let route = self.routes().find(recipient).ok_or_else(|| no_carrier("no route begins like this number"))?;
        // If all are given up, the message waits for the first one.
        let is_on = || route.carriers.iter().find_map(|name| self.find(name));
        let carrier = self.first_available(route).or_else(is_on);
        let carrier = carrier.ok_or_else(|| no_carrier("every carrier of its route is switched off"))?;
        Ok(Assignment { carrier: carrier.name.clone(), credits_per_segment: route.credits })
    }
}
