//! One carrier on the page.

use std::time::Duration;

use super::trouble::{capitalised, named};
use crate::dashboard::frame::ago::{Age, lasting};
use crate::dashboard::frame::layout::When;
use crate::domain::carrier::CarrierName;
use crate::domain::message::{CarrierCounts, QueueFigures, StatusGroup};
use crate::format::{count, grouped};
use crate::sms::carriers::{Carrier, CarrierConfig};
use crate::sms::transport::LinkState;
use crate::store::UtcTime;

/// What the page shows of a carrier.
pub(super) struct CarrierCard {
    pub(super) name: CarrierName,
    /// What it speaks and where it is; empty if the settings do not say.
    pub(super) address: String,
    pub(super) state: ConnectionWord,
    /// How long the state lasts, as in `for 3 minutes`.
    pub(super) lasts: Option<String>,
    /// What is wrong, as a sentence.
    pub(super) problem: Option<String>,
    /// What the carrier's throttling has taught, as sentences.
    pub(super) pace_advice: Option<String>,
    /// The pace at which it takes messages now.
    pub(super) pace: Option<String>,
    pub(super) queue: Option<QueueView>,
    /// What was wrong last, unless it still is.
    pub(super) last_error: Option<(String, When, Age)>,
    /// What became of today's messages.
    pub(super) counts: [(&'static str, String); 4],
    /// The sender of messages that name none.
    pub(super) sender: Option<String>,
}

/// The state of a connection in a word, in the colour of its meaning.
pub(super) enum ConnectionWord {
    Connected,
    Slowed,
    NotConnected,
    Off,
    Removed,
}

impl ConnectionWord {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Connected => "Connected",
            Self::Slowed => "Slowed down",
            Self::NotConnected => "Not connected",
            Self::Off => "Off",
            Self::Removed => "Not in the settings",
        }
    }

    /// The class of the word is `status--` and this.
    pub(super) const fn class(&self) -> &'static str {
        match self {
            Self::Connected => "delivered",
            Self::Slowed => "expired",
            Self::NotConnected => "failed",
            Self::Off | Self::Removed => "off",
        }
    }
}

/// What waits.
pub(super) struct QueueView {
    pub(super) messages: String,
    /// When the one that has waited longest was accepted.
    pub(super) oldest: Option<(When, Age)>,
}

impl CarrierCard {
    /// A carrier that is switched on.
    pub(super) fn of(carrier: &Carrier, figures: &QueueFigures, counts: &CarrierCounts, now: UtcTime) -> Self {
        let link = carrier.transport.state();
        let problem = link.problem.as_ref().map(|problem| sentence(&problem.sentence, &carrier.name));
        let fault = carrier.metrics.last_fault().filter(|_| problem.is_none());
        Self {
            address: carrier.address(),
            lasts: Some(format!("for {}", lasting(seconds(link.lasts)))),
            pace_advice: pace_advice(&link),
            pace: pace(carrier.metrics.recent_pace()),
            last_error: fault
                .map(|fault| (sentence(&fault.sentence, &carrier.name), fault.at.into(), Age::of(fault.at, now))),
            sender: carrier.sender.as_ref().map(|sender| sender.as_str().to_owned()),
            state: match (&problem, link.throttled_for) {
                (Some(_), _) => ConnectionWord::NotConnected,
                (None, Some(_)) => ConnectionWord::Slowed,
                (None, None) => ConnectionWord::Connected,
            },
            problem,
            ..Self::idle(carrier.name.clone(), ConnectionWord::Off, figures, counts, now)
        }
    }

    /// A carrier that is switched off.
    pub(super) fn off(carrier: &CarrierConfig, figures: &QueueFigures, counts: &CarrierCounts, now: UtcTime) -> Self {
        let address = format!("{} {}", carrier.transport.kind(), carrier.transport.host());
        Self {
            address: address.trim_end().to_owned(),
            sender: carrier.sender.as_ref().map(|sender| sender.as_str().to_owned()),
            ..Self::idle(carrier.name.clone(), ConnectionWord::Off, figures, counts, now)
        }
    }

    /// A carrier that messages wait for and the settings no longer have.
    pub(super) fn removed(name: CarrierName, figures: &QueueFigures, counts: &CarrierCounts, now: UtcTime) -> Self {
        Self::idle(name, ConnectionWord::Removed, figures, counts, now)
    }

    fn idle(
        name: CarrierName,
        state: ConnectionWord,
        figures: &QueueFigures,
        counts: &CarrierCounts,
        now: UtcTime,
    ) -> Self {
        let of = |group| grouped(counts.get(&(name.clone(), group)).copied().unwrap_or_default().max(0));
        Self {
            counts: [
                ("Delivered", of(StatusGroup::Delivered)),
                ("Sent, no receipt yet", of(StatusGroup::Sent)),
                ("Not delivered", of(StatusGroup::NotDelivered)),
                ("Waiting", of(StatusGroup::Waiting)),
            ],
            queue: QueueView::of(figures, now),
            state,
            name,
            address: String::new(),
            lasts: None,
            problem: None,
            pace_advice: None,
            pace: None,
            last_error: None,
            sender: None,
        }
    }

    /// Whether something of it may look otherwise in a moment.
    pub(super) const fn is_moving(&self) -> bool {
        self.queue.is_some() || matches!(self.state, ConnectionWord::NotConnected | ConnectionWord::Slowed)
    }
}

impl QueueView {
    fn of(figures: &QueueFigures, now: UtcTime) -> Option<Self> {
        let oldest = figures.oldest.map(|oldest| (When::from(oldest), Age::of(oldest, now)));
        (figures.length > 0).then(|| Self { messages: count(figures.length, "message"), oldest })
    }
}

/// The carrier's card has its name already.
fn sentence(why: &str, name: &CarrierName) -> String {
    if *name == CarrierName::default_carrier() {
        return format!("{}.", capitalised(why));
    }
    format!("{}.", named(why, name))
}

fn pace(per_second: f64) -> Option<String> {
    match per_second {
        none if none <= 0.0 => None,
        few if few < 1.0 => Some("less than 1 a second".to_owned()),
        many => Some(format!("{} a second", grouped(many.round() as i64))),
    }
}

fn pace_advice(link: &LinkState) -> Option<String> {
    let rate = link.learned_rate?.floor().max(1.0) as i64;
    Some(format!(
        "It takes about {} a second and refuses more. Set rate={rate} in its settings to avoid refusals.",
        grouped(rate)
    ))
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
