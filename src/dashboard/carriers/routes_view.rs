//! The routes on the page: few of many, and those that a search finds.

use super::paths::PATH;
use crate::dashboard::frame::list_query::query_string;
use crate::domain::carrier::{Route, RouteTable, SenderRule};
use crate::format::{count, grouped};

/// The most routes that are shown before somebody asks for all.
const FEW_ROUTES: usize = 20;
/// The longest search: a number, or the name of a carrier.
pub(super) const MAX_SEARCH_CHARS: usize = 40;

/// What the page shows of the routes.
pub(super) struct RoutesView {
    pub(super) rows: Vec<RouteRow>,
    /// How many there are, in words.
    pub(super) total: String,
    /// Whether there are so many that they can be searched.
    pub(super) has_search: bool,
    pub(super) search: String,
    /// The address of the page with all routes, if these are not all.
    pub(super) all: Option<String>,
    /// What the route of the number that was searched for is, if a number was.
    pub(super) found: Option<String>,
}

/// One route.
pub(super) struct RouteRow {
    /// The prefix with its plus sign, or words for all numbers.
    pub(super) prefix: String,
    /// The carriers in the order of preference.
    pub(super) carriers: Vec<String>,
    pub(super) credits: i64,
    pub(super) sender: String,
}

impl RoutesView {
    /// The routes that `search` finds, or all.
    pub(super) fn new(table: &RouteTable, search: &str, shows_all: bool) -> Self {
        let mut routes: Vec<(&str, &Route)> = table.iter().collect();
        routes.sort_by_key(|(prefix, _)| *prefix);
        let total = routes.len();
        let search = search.trim();
        let digits: String = search.chars().filter(char::is_ascii_digit).collect();
        let is_number = !digits.is_empty() && search.chars().all(|char| !char.is_alphabetic());
        let longest = |(prefix, _): &&(&str, &Route)| digits.starts_with(prefix);
        let applies = routes.iter().filter(longest).max_by_key(|(prefix, _)| prefix.len()).copied();
        if is_number {
            routes.retain(|(prefix, _)| prefix.starts_with(&*digits) || Some(*prefix) == applies.map(|(own, _)| own));
        } else if !search.is_empty() {
            let name = search.to_lowercase();
            routes.retain(|(_, route)| route.carriers.iter().any(|carrier| carrier.as_str().contains(&name)));
        }
        let matching = routes.len();
        if !shows_all {
            routes.truncate(FEW_ROUTES);
        }
        let query: Vec<_> =
            [("q", search), ("routes", "all")].into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Self {
            all: (routes.len() < matching).then(|| format!("{PATH}{}#routes", query_string(&query))),
            rows: routes.into_iter().map(|(prefix, route)| RouteRow::new(prefix, route, total)).collect(),
            found: is_number.then(|| found(&digits, applies, total)),
            total: count(i64::try_from(total).unwrap_or(i64::MAX), "route"),
            has_search: total > FEW_ROUTES || !search.is_empty(),
            search: search.to_owned(),
        }
    }
}

impl RouteRow {
    fn new(prefix: &str, route: &Route, total: usize) -> Self {
        Self {
            prefix: prefix_words(prefix, total),
            carriers: route.carriers.iter().map(ToString::to_string).collect(),
            credits: route.credits,
            sender: match &route.sender {
                SenderRule::AsIs => "As sent".to_owned(),
                SenderRule::Replace(sender) => format!("Always {}", sender.as_str()),
                SenderRule::Numeric => "Numbers only".to_owned(),
            },
        }
    }
}

fn prefix_words(prefix: &str, total: usize) -> String {
    match prefix {
        "" if total == 1 => "All numbers".to_owned(),
        "" => "All other numbers".to_owned(),
        prefix => format!("+{prefix}"),
    }
}

fn found(digits: &str, applies: Option<(&str, &Route)>, total: usize) -> String {
    let Some((prefix, route)) = applies else {
        return format!("No route begins like +{digits}: no carrier serves such numbers.");
    };
    let carriers: Vec<_> = route.carriers.iter().map(ToString::to_string).collect();
    let price = if route.credits == 1 { "1 credit".to_owned() } else { format!("{} credits", grouped(route.credits)) };
    let by = match prefix {
        "" => String::new(),
        prefix => format!(", by the route {}", prefix_words(prefix, total)),
    };
    format!("+{digits} goes by {} for {price} a segment{by}.", carriers.join(", then "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::carrier::CarrierName;

    fn table(prefixes: &[&str]) -> RouteTable {
        let name = |prefix: &str| if prefix.starts_with('4') { "one" } else { "two" };
        let by = |prefix| Route::over(name(prefix).parse::<CarrierName>().unwrap());
        RouteTable::new(prefixes.iter().map(|prefix| ((*prefix).to_owned(), by(prefix))))
    }

    fn prefixes(view: &RoutesView) -> Vec<&str> {
        view.rows.iter().map(|row| &*row.prefix).collect()
    }

    #[test]
    fn few_routes_are_all_shown_and_of_many_the_first_twenty() {
        let few = RoutesView::new(&table(&["44", "", "420"]), "", false);
        assert_eq!(prefixes(&few), ["All other numbers", "+420", "+44"]);
        assert!(few.all.is_none() && !few.has_search);

        let many: Vec<String> = (1_000..2_000).map(|prefix| prefix.to_string()).collect();
        let many = table(&many.iter().map(String::as_str).collect::<Vec<_>>());
        let first = RoutesView::new(&many, "", false);
        assert_eq!((first.rows.len(), &*first.total), (20, "1,000 routes"));
        assert_eq!(first.all.as_deref(), Some("/carriers?routes=all#routes"));
        let all = RoutesView::new(&many, "", true);
        assert_eq!((all.rows.len(), all.all), (1_000, None));
        let found = RoutesView::new(&many, "+19", false);
        assert_eq!((found.rows.len(), found.all.as_deref()), (20, Some("/carriers?q=%2B19&routes=all#routes")));
    }

    #[test]
    fn a_search_for_a_number_says_which_route_it_takes() {
        let routes = table(&["", "44", "4477", "420"]);
        let found = |search| RoutesView::new(&routes, search, false);

        let number = found("+44 7700 900123");
        assert_eq!(prefixes(&number), ["+4477"]);
        assert_eq!(number.found.unwrap(), "+447700900123 goes by one for 1 credit a segment, by the route +4477.");
        let prefix = found("44");
        assert_eq!(prefixes(&prefix), ["+44", "+4477"]);
        assert_eq!(found("+1 555").found.unwrap(), "+1555 goes by two for 1 credit a segment.");
        let none = RoutesView::new(&table(&["44"]), "+1", false);
        assert_eq!(none.found.unwrap(), "No route begins like +1: no carrier serves such numbers.");
        assert!(none.rows.is_empty());
    }

    #[test]
    fn a_search_for_a_carrier_finds_its_routes() {
        let found = RoutesView::new(&table(&["", "44", "420"]), "On", false);
        assert_eq!((prefixes(&found), &found.found), (vec!["+420", "+44"], &None));
    }
}
