//! The groups in which requests are counted.

use crate::http::base_path::BasePath;
use crate::server::metrics::{RouteGroup, ServerMetrics};

/// The gate's requests take no durations here: how long verdicts took is counted by the gate
/// itself, and its requests are too many and too short to read the clock twice more for each.
static GROUPS: [RouteGroup; 7] = [
    RouteGroup { name: "gate", is_timed: false },
    RouteGroup { name: "sms", is_timed: true },
    RouteGroup { name: "receipts", is_timed: true },
    RouteGroup { name: "api", is_timed: true },
    RouteGroup { name: "static", is_timed: true },
    RouteGroup { name: "health", is_timed: true },
    RouteGroup { name: "dashboard", is_timed: true },
];

/// How paths begin, and the place of their group. The first one that fits counts, so that the
/// gate comes first; all other paths are the dashboard's, with those that nothing is at.
const PATHS: [(&str, usize); 13] = [
    ("/v1/keys/verify", 0),
    ("/v1/auth", 0),
    ("/v1/introspect", 0),
    ("/v1/sms/", 1),
    ("/v1/balance", 1),
    ("/2010-04-01/", 1),
    ("/v1/carriers/", 2),
    ("/v1/", 3),
    ("/static/", 4),
    ("/favicon.ico", 4),
    ("/healthz", 5),
    ("/readyz", 5),
    ("/openapi.json", 5),
];

/// Counters for the site, which may lie below a path of its host.
#[must_use]
pub fn metrics(base_path: Option<BasePath>) -> ServerMetrics {
    match base_path {
        None => ServerMetrics::new(&GROUPS, group_of),
        Some(base) => ServerMetrics::new(&GROUPS, move |path| group_of(base.below(path).unwrap_or(path))),
    }
}

fn group_of(path: &str) -> usize {
    let found = PATHS.iter().find(|(beginning, _)| path.starts_with(beginning));
    found.map_or(GROUPS.len() - 1, |(_, group)| *group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_the_group_that_people_would_look_for_it_in() {
        for (path, group) in [
            ("/v1/auth", "gate"),
            ("/v1/auth/sms;mode=any/hello", "gate"),
            ("/v1/keys/verify", "gate"),
            ("/v1/keys", "api"),
            ("/v1/keys/key_1/rotation", "api"),
            ("/v1/audit-events", "api"),
            ("/v1/sms/messages/estimate", "sms"),
            ("/v1/balance", "sms"),
            ("/2010-04-01/Accounts/AC1/Messages.json", "sms"),
            ("/v1/carriers/a/receipts/secret", "receipts"),
            ("/static/app.css", "static"),
            ("/healthz", "health"),
            ("/api-keys", "dashboard"),
            ("/wp-login.php", "dashboard"),
            ("/", "dashboard"),
            ("*", "dashboard"),
        ] {
            assert_eq!(GROUPS[group_of(path)].name, group, "{path}");
        }
    }
}
