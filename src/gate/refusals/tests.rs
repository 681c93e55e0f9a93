use super::shard::{MAX_REFUSALS, MAX_UNKNOWN};
use super::*;
use crate::domain::refusal::{ALL_ADDRESSES, KeyRefusal, MAX_ADDRESSES_PER_HOUR, UnknownKey};
use crate::gate::verdict::tests::key;

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000)
}

fn some_key() -> KeyRecord {
    key(|_, _| ())
}

fn from(address: &str) -> Client<'static> {
    Client { address: address.parse().ok(), user_agent: "curl" }
}

/// Takes everything out, in the order of the last request.
fn taken(refusals: &Refusals) -> NewRefusals {
    let mut rows = refusals.take(at(0)).rows();
    rows.keys.sort_by_key(|row| (row.last_at, row.source.clone()));
    rows.unknown.sort_by_key(|row| (row.last_at, row.tail.clone()));
    rows
}

fn sources(rows: &[KeyRefusal]) -> Vec<(&str, i64)> {
    rows.iter().map(|row| (&*row.source, row.requests)).collect()
}

#[test]
fn refusals_are_counted_by_key_hour_and_reason_and_those_for_an_address_by_that() {
    let (refusals, key, other) = (Refusals::default(), some_key(), some_key());
    refusals.count(&key, Code::Disabled, from("192.0.2.1"), at(10));
    refusals.count(&key, Code::Disabled, Client { user_agent: "wg\net", ..from("::ffff:192.0.2.2") }, at(20));
    refusals.count(&key, Code::Disabled, from("192.0.2.1"), at(3_600));
    refusals.count(&other, Code::Disabled, from(""), at(3_700));
    refusals.count(&key, Code::IpNotAllowed, from("192.0.2.1"), at(3_701));
    refusals.count(&key, Code::IpNotAllowed, from("::ffff:192.0.2.1"), at(3_702));
    refusals.count(&key, Code::IpNotAllowed, from(""), at(3_703));

    let rows = taken(&refusals).keys;

    let first = KeyRefusal {
        account_id: key.account_id.clone(),
        api_key_id: key.id.clone(),
        hour: at(0),
        code: "DISABLED".to_owned(),
        source: ALL_ADDRESSES.to_owned(),
        requests: 2,
        first_at: at(10),
        last_at: at(20),
        address: "192.0.2.2".to_owned(),
        user_agent: "wget".to_owned(),
    };
    assert_eq!(rows[0], first);
    assert_eq!(sources(&rows), [("*", 2), ("*", 1), ("*", 1), ("192.0.2.1", 2), ("", 1)]);
    assert_eq!((rows[1].hour, &rows[2].api_key_id, &*rows[2].address), (at(3_600), &other.id, ""));
    assert!(taken(&refusals).keys.is_empty(), "each is taken once");
}

#[test]
fn more_addresses_than_an_hour_has_room_for_are_counted_together() {
    let (refusals, key) = (Refusals::default(), some_key());
    for number in 0..100 {
        refusals.count(&key, Code::IpNotAllowed, from(&format!("192.0.2.{number}")), at(number));
    }
    refusals.count(&key, Code::IpNotAllowed, from("192.0.2.0"), at(100));
    refusals.count(&key, Code::IpNotAllowed, from(""), at(101));

    let rows = taken(&refusals).keys;

    assert_eq!(rows.len(), MAX_ADDRESSES_PER_HOUR + 2);
    assert_eq!(sources(&rows)[MAX_ADDRESSES_PER_HOUR - 1..], [("*", 80), ("192.0.2.0", 2), ("", 1)]);
}

#[test]
fn a_flood_of_unknown_keys_takes_no_more_than_its_room_and_every_request_is_counted() {
    let refusals = Refusals::default();
    for number in 0..100_000 {
        refusals.count_unknown(
            &format!("{:04}", number % 10_000),
            from(&format!("2001:db8::{:x}", number / 10_000)),
            at(number),
        );
    }

    let NewRefusals { unknown, counts, .. } = taken(&refusals);

    assert_eq!(unknown.len(), MAX_UNKNOWN);
    let listed: i64 = unknown.iter().map(|key| key.requests).sum();
    assert_eq!(counts, [RefusalCount { day: at(0), kind: RefusalKind::Unlisted, requests: 100_000 - listed }]);
}

#[test]
fn a_flood_of_refused_keys_takes_no_more_than_its_room_and_every_request_is_counted() {
    let refusals = Refusals::default();
    let keys: Vec<_> = (0..2_000).map(|_| some_key()).collect();
    for key in &keys {
        for address in 0..15 {
            refusals.count(key, Code::IpNotAllowed, from(&format!("192.0.2.{address}")), at(1));
        }
    }

    let NewRefusals { keys: rows, counts, .. } = taken(&refusals);

    assert!(rows.len() <= MAX_REFUSALS && rows.len() > MAX_REFUSALS / 2, "{}", rows.len());
    let requests: i64 = rows.iter().map(|row| row.requests).sum();
    assert_eq!(counts[0].requests + requests, 30_000);
}

#[test]
fn what_could_not_be_written_is_added_to_what_came_meanwhile() {
    let (refusals, key) = (Refusals::default(), some_key());
    let count = |address: &str, second: i64| {
        refusals.count(&key, Code::IpNotAllowed, from(address), at(second));
        refusals.count_unknown("abcd", from(address), at(second));
        refusals.count_malformed();
    };
    count("192.0.2.1", 1);
    count("192.0.2.2", 1);
    let failed = refusals.take(at(2));
    count("192.0.2.1", 100_000);

    refusals.put_back(failed);

    let NewRefusals { keys, unknown, counts } = { refusals.take(at(100_000)).rows() };
    assert_eq!(keys.iter().map(|row| row.requests).sum::<i64>(), 3);
    let same = unknown.iter().find(|key| key.address == "192.0.2.1");
    let told = same.map(|UnknownKey { requests, first_at, last_at, .. }| (*requests, *first_at, *last_at));
    assert_eq!(told, Some((2, at(1), at(100_000))));
    let days: Vec<_> = counts.iter().map(|count| (count.day, count.requests)).collect();
    assert_eq!(days, [(at(0), 2), (at(86_400), 1)], "each day has its own number");
}

#[test]
fn debug_shows_no_more_of_an_unknown_key_than_its_tail() {
    let secret = crate::domain::api_key::secret::KeySecret::generate("sms", crate::domain::api_key::secret::Mode::Live);
    let secret = secret.unwrap();
    let refusals = Refusals::default();
    refusals.count_unknown(secret.tail(), from("192.0.2.1"), at(1));

    let shown = format!("{refusals:?}");

    let text = secret.expose();
    assert!(shown.contains(secret.tail()), "{shown}");
    assert!(!shown.contains(&text[text.len() - 5..]), "{shown}");
}
