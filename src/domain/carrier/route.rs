//! Routes: the carriers and the price of the numbers that begin with a prefix.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::name::CarrierName;
use super::sender_rule::SenderRule;
use crate::domain::message::phone_number::PhoneNumber;

/// The highest price of a segment, in credits.
pub const MAX_CREDITS_PER_SEGMENT: i64 = 100;

/// How messages to numbers with one prefix are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The carriers in the order of preference; at least one.
    pub carriers: Vec<CarrierName>,
    /// The price of a segment, 0 to [`MAX_CREDITS_PER_SEGMENT`] credits.
    pub credits: i64,
    /// What becomes of the sender.
    pub sender: SenderRule,
    /// How long a carrier may throttle before the next one is taken.
    pub max_throttled: Duration,
}

impl Route {
    /// A route over one carrier for one credit a segment.
    #[must_use]
    pub fn over(carrier: CarrierName) -> Self {
        Self {
            carriers: vec![carrier],
            credits: 1,
            sender: SenderRule::AsIs,
            max_throttled: Self::DEFAULT_MAX_THROTTLED,
        }
    }

    /// How long a carrier may throttle, unless the route says otherwise.
    pub const DEFAULT_MAX_THROTTLED: Duration = Duration::from_secs(60);
}

/// The routes by prefix. The longest prefix of a number decides. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    routes: Arc<HashMap<String, Arc<Route>>>,
    max_prefix_digits: usize,
}

impl RouteTable {
    /// A table of routes, each with its prefix: digits of a number in international
    /// form without the plus sign; the empty prefix fits every number.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = (String, Route)>) -> Self {
        let routes: HashMap<_, _> = routes.into_iter().map(|(prefix, route)| (prefix, Arc::new(route))).collect();
        let max_prefix_digits = routes.keys().map(String::len).max().unwrap_or_default();
        Self { routes: Arc::new(routes), max_prefix_digits }
    }

    /// The route of a number, if there is one.
    #[must_use]
    pub fn find(&self, number: &PhoneNumber) -> Option<&Arc<Route>> {
        self.find_with_prefix(number).map(|(_, route)| route)
    }

    /// The route of a number with its prefix, if there is one.
    #[must_use]
    pub fn find_with_prefix(&self, number: &PhoneNumber) -> Option<(&str, &Arc<Route>)> {
        let digits = number.digits();
        let longest = self.max_prefix_digits.min(digits.len());
        let found = (0..=longest).rev().find_map(|length| self.routes.get_key_value(digits.get(..length)?));
        found.map(|(prefix, route)| (prefix.as_str(), route))
    }

    /// The routes with their prefixes, in the order of these.
    #[must_use]
    pub fn list(&self) -> Vec<(&str, &Arc<Route>)> {
        let mut all: Vec<_> = self.routes.iter().map(|(prefix, route)| (prefix.as_str(), route)).collect();
        all.sort_by_key(|(prefix, _)| *prefix);
        all
    }

    /// The routes with their prefixes, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Route)> {
        self.routes.iter().map(|(prefix, route)| (&**prefix, &**route))
    }

    /// Whether there is no route.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(prefixes: &[&str]) -> RouteTable {
        let route = |prefix: &&str| {
            let name = if prefix.is_empty() { "rest" } else { prefix };
            ((*prefix).to_owned(), Route::over(name.parse().unwrap()))
        };
        RouteTable::new(prefixes.iter().map(route))
    }

    fn carrier_of(table: &RouteTable, number: &str) -> Option<String> {
        table.find(&number.parse().unwrap()).map(|route| route.carriers[0].to_string())
    }

    #[test]
    fn the_longest_prefix_of_a_number_decides() {
        let table = table(&["", "44", "4477", "420"]);
        for (number, carrier) in
            [("+420777123456", "420"), ("+447712345678", "4477"), ("+441234567890", "44"), ("+15551234567", "rest")]
        {
            assert_eq!(carrier_of(&table, number).as_deref(), Some(carrier), "{number}");
        }
    }

    #[test]
    fn a_number_may_have_no_route() {
        assert_eq!(carrier_of(&table(&["44"]), "+420777123456"), None);
        assert_eq!(carrier_of(&RouteTable::default(), "+420777123456"), None);
    }
}
