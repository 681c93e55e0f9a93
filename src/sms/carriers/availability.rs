//! Whether messages should wait for a carrier, or go by another one.

use std::time::Duration;

use parking_lot::RwLock;

use crate::domain::carrier::Route;
use crate::sms::transport::{LinkProblem, LinkState};

/// How long a carrier may be without a connection before its messages go by another one.
const MAX_OUTAGE: Duration = Duration::from_secs(10);

/// Why the messages of a carrier go by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// There has been no connection for a while.
    NotConnected,
    /// The carrier refuses the connection until somebody changes something.
    Refused,
    /// It has been throttling for longer than the route allows.
    Throttled,
    /// It is switched off in the settings.
    SwitchedOff,
    /// The settings do not have it any more.
    Unknown,
}

impl GivenUp {
    /// The middle of a sentence that begins with the carrier.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NotConnected => "is not connected",
            Self::Refused => "refuses the connection",
            Self::Throttled => "takes too few messages",
            Self::SwitchedOff => "is switched off",
            Self::Unknown => "is no longer in the settings",
        }
    }
}

/// What this instance saw of a carrier's connection last.
#[derive(Debug, Default)]
pub(in crate::sms) struct Availability {
    seen: RwLock<Seen>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Seen {
    outage: Option<GivenUp>,
    throttled_for: Option<Duration>,
}

impl Availability {
    /// Takes note of the state of the connection.
    pub(in crate::sms) fn observe(&self, state: &LinkState) {
        let outage = match &state.problem {
            Some(LinkProblem { needs_operator: true, .. }) => Some(GivenUp::Refused),
            Some(_) if state.lasts >= MAX_OUTAGE => Some(GivenUp::NotConnected),
            _ => None,
        };
        *self.seen.write() = Seen { outage, throttled_for: state.throttled_for };
    }

    /// Why messages of a route are not to go by the carrier, if they are not.
    pub(in crate::sms) fn given_up(&self, route: &Route) -> Option<GivenUp> {
        let Seen { outage, throttled_for } = *self.seen.read();
        let is_too_slow = throttled_for.is_some_and(|lasts| lasts > route.max_throttled);
        outage.or_else(|| is_too_slow.then_some(GivenUp::Throttled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::carrier::CarrierName;

    fn seen(state: &LinkState) -> Option<GivenUp> {
        let availability = Availability::default();
        availability.observe(state);
        let route = Route { max_throttled: Duration::from_secs(60), ..Route::over(CarrierName::default_carrier()) };
        availability.given_up(&route)
    }

    fn broken(seconds: u64, needs_operator: bool) -> LinkState {
        let problem = LinkProblem { sentence: "the carrier hung up".to_owned(), needs_operator };
        LinkState { problem: Some(problem), lasts: Duration::from_secs(seconds), ..LinkState::default() }
    }

    fn throttled(seconds: u64) -> LinkState {
        LinkState { throttled_for: Some(Duration::from_secs(seconds)), ..LinkState::default() }
    }

    #[test]
    fn a_carrier_is_given_up_after_ten_seconds_without_a_connection() {
        assert_eq!(seen(&broken(9, false)), None);
        assert_eq!(seen(&broken(10, false)), Some(GivenUp::NotConnected));
    }

    #[test]
    fn a_carrier_that_refuses_the_connection_is_given_up_at_once() {
        assert_eq!(seen(&broken(0, true)), Some(GivenUp::Refused));
    }

    #[test]
    fn a_carrier_may_throttle_for_as_long_as_the_route_says() {
        assert_eq!(seen(&throttled(60)), None);
        assert_eq!(seen(&throttled(61)), Some(GivenUp::Throttled));
    }

    #[test]
    fn a_carrier_that_takes_messages_is_never_given_up() {
        assert_eq!(seen(&LinkState { lasts: Duration::from_secs(3_600), ..LinkState::default() }), None);
    }
}
