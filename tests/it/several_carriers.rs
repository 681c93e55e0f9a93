//! Several carriers: which message goes by which, and what becomes of it when its carrier is lost.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::sms::carriers::CarriersConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    App, Application, CarrierPeer, DELIVER_SM, Database, PeerAnswer, PeerSubmit, Smsc, delivery, on_both_databases, run,
};

const PATIENCE: Duration = Duration::from_secs(60);
const CZECH: &str = "+420777000001";
const BRITISH: &str = "+447700900001";
const ESTIMATE: &str = "/v1/sms/messages/estimate";

/// A file of carriers.
struct File {
    _folder: TempDir,
    path: PathBuf,
}

impl File {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("carriers.toml");
        std::fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// The table of a carrier at this URL, with further keys.
fn carrier(name: &str, url: &str, more: &str) -> String {
    format!("[carriers.{name}]\ntransport = \"{url}\"\n{more}\n")
}

fn route(prefix: &str, carriers: &str, more: &str) -> String {
    format!("[[routes]]\nprefix = \"{prefix}\"\ncarriers = [{carriers}]\n{more}\n")
}

/// A server with the carriers of a file.
fn with_file<'db>(db: &'db Database, text: &str) -> App<'db> {
    let carriers = CarriersConfig::read(&File::with(text).path).unwrap();
    let set = |config: &mut Config| config.carriers = Some(carriers);
    App::start_set(db, set, Clock::System)
}

fn with_carriers<'db>(db: &'db Database, text: &str) -> (App<'db>, Application) {
    let app = with_file(db, text).with_operator();
    app.set_credits(10_000);
    let application = Application::with(&app, &app.make_key("Project X"));
    (app, application)
}

/// One that delivers, and remembers.
fn delivering() -> CarrierPeer {
    CarrierPeer::start(|_| PeerAnswer::Deliver("stat:DELIVRD err:000"))
}

fn recipients(submits: &[PeerSubmit]) -> Vec<&str> {
    submits.iter().map(|submit| submit.to.as_str()).collect()
}

fn history(db: &Database, message: &Value) -> Vec<String> {
    let id = message["id"].as_str().unwrap();
    db.ask(&format!("SELECT detail AS line FROM message_events WHERE message_id = '{id}' ORDER BY id"))
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

on_both_databases! {
    fn each_number_goes_by_its_carrier_at_its_price_and_receipts_with_the_same_id_find_their_own(db: &Database) {
        let a = delivering();
        let b = CarrierPeer::start(|_| PeerAnswer::Deliver("stat:UNDELIV err:011"));
        let text = carrier("a", &a.url(""), "") + &carrier("b", &b.url(""), "")
            + &route("+420", "\"a\"", "") + &route("+44", "\"b\"", "credits = 3");
        let (app, application) = with_carriers(db, &text);

        let body = json!({"to": [CZECH, BRITISH], "text": "Hello"});
        let estimate = application.client.post_json(ESTIMATE, body.to_string()).assert_ok().json();
        let accepted = application.post(&body).assert_status(202).json();

        let prices = json!([{"to": CZECH, "segments": 1, "credits": 1}, {"to": BRITISH, "segments": 1, "credits": 3}]);
        assert_eq!((&estimate["credits"], &estimate["messages"]), (&json!(4), &prices));
        let messages = accepted["messages"].as_array().unwrap();
        assert_eq!((&messages[0]["credits"], &messages[1]["credits"]), (&json!(1), &json!(3)));
        // Both carriers give the id 1.
        assert_eq!(application.wait_for_end(&messages[0])["status"], "delivered");
        assert_eq!(application.wait_for_end(&messages[1])["status"], "undelivered");
        assert_eq!(recipients(&a.submits()), [CZECH.trim_start_matches('+')]);
        assert_eq!(recipients(&b.submits()), [BRITISH.trim_start_matches('+')]);
        assert_eq!(application.credits(), 9_996);
        app.assert_ledger_adds_up();
    }

    fn a_refusal_gives_back_the_price_of_the_route(db: &Database) {
        let peer = CarrierPeer::start(|_| PeerAnswer::Refuse(0x0b));
        let (app, application) = with_carriers(db, &(carrier("a", &peer.url(""), "") + &route("", "\"a\"", "credits = 3")));

        let message = application.sent(CZECH, &"a".repeat(161));

        assert_eq!((&message["credits"], application.wait_for_end(&message)["status"].as_str()), (&json!(6), Some("failed")));
        assert_eq!(application.credits(), 10_000);
        app.assert_ledger_adds_up();
    }

    fn a_route_for_nothing_charges_nothing(db: &Database) {
        let peer = delivering();
        let text = carrier("a", &peer.url(""), "") + &route("", "\"a\"", "credits = 0");
        let (app, application) = with_carriers(db, &text);
        let entries = db.count("ledger_entries");

        let message = application.sent(CZECH, "Hello");

        assert_eq!(application.wait_for_end(&message)["status"], "delivered");
        assert_eq!((&message["credits"], application.credits(), db.count("ledger_entries")), (&json!(0), 10_000, entries));
        app.assert_ledger_adds_up();
    }

    fn a_number_without_a_route_or_with_carriers_that_are_all_off_is_refused_and_nothing_is_charged(db: &Database) {
        let peer = delivering();
        let text = carrier("a", &peer.url(""), "") + &carrier("b", &peer.url(""), "enabled = false")
            + &route("+420", "\"b\", \"a\"", "") + &route("+44", "\"b\"", "");
        let (_app, application) = with_carriers(db, &text);

        for (number, sentence) in [
            (BRITISH, "No carrier serves +447700900001: every carrier of its route is switched off."),
            ("+15551234567", "No carrier serves +15551234567: no route begins like this number."),
        ] {
            let refused = application.post(&json!({"to": [CZECH, number], "text": "Hello"})).assert_problem(422, "INVALID");
            assert_eq!((&refused.json()["errors"][0]["field"], &refused.json()["errors"][0]["message"]), (&json!("to"), &json!(sentence)));
        }

        assert_eq!((application.credits(), db.count("messages")), (10_000, 0));
        let message = application.sent(CZECH, "Hello");
        assert_eq!(application.wait_for_end(&message)["status"], "delivered");
        let without_number = application.client.post_json(ESTIMATE, json!({"text": "Hello"}).to_string());
        assert!(without_number.assert_problem(422, "INVALID").body.contains("Name a recipient"));
    }

    fn the_sender_is_what_the_route_makes_of_it(db: &Database) {
        let peer = delivering();
        let text = carrier("a", &peer.url("sender=Carrier"), "sender = \"+420777111222\"")
            + &carrier("b", &peer.url("sender=Carrier"), "")
            + &route("+420", "\"a\"", "") + &route("+44", "\"a\"", "sender = \"numeric\"")
            + &route("+1", "\"a\"", "sender = {replace = \"Bank\"}") + &route("+49", "\"b\"", "");
        let (_app, application) = with_carriers(db, &text);

        for (number, own, sender) in [
            (CZECH, Some("Shop"), "Shop"),
            (CZECH, None, "420777111222"),
            (BRITISH, Some("Shop"), "420777111222"),
            (BRITISH, Some("12345"), "12345"),
            ("+15551234567", Some("Shop"), "Bank"),
            ("+15551234567", None, "Bank"),
            ("+4915112345678", None, "Carrier"),
        ] {
            let mut body = json!({"to": number, "text": "Hello"});
            if let Some(own) = own {
                body["from"] = json!(own);
            }
            let message = application.post(&body).assert_status(202).json()["messages"][0].clone();
            application.wait_for_end(&message);
            assert_eq!(peer.submits().last().unwrap().from, sender, "{number} {own:?}");
        }
    }

    fn messages_of_a_carrier_that_is_killed_amid_sending_go_by_the_next_one_and_none_twice(db: &Database) {
        let (mut a, mut b) = (Smsc::start(&["--dlr-ms", "60000"]), Smsc::start(&[]));
        let text = carrier("a", &a.url("window=5"), "") + &carrier("b", &b.url("window=100"), "") + &route("+420", "\"a\", \"b\"", "");
        let (app, application) = with_carriers(db, &text);

        let numbers = |batch: usize| (0..100).map(|number| format!("+4207770{batch}{number:04}")).collect::<Vec<_>>();
        for batch in 0..3 {
            application.post(&json!({"to": numbers(batch), "text": "Hello"})).assert_status(202);
        }
        let mut by_a = a.wait_for_all("submit", 20);
        by_a.extend(a.kill_and_list("submit"));

        wait_until("nothing waits", || {
            db.ask("SELECT id AS line FROM messages WHERE status IN ('queued', 'sending')").is_empty()
        });
        let by_b = b.kill_and_list("submit");
        let to = |submits: &[Value]| submits.iter().map(|submit| submit["to"].to_string()).collect::<Vec<_>>();
        let (by_a, by_b) = (to(&by_a), to(&by_b));
        let phones: HashSet<&String> = by_a.iter().chain(&by_b).collect();
        assert_eq!(by_a.len() + by_b.len(), phones.len(), "none twice");
        assert!(by_b.len() > 200, "{} by the other one", by_b.len());
        let moved = db.ask("SELECT detail AS line FROM message_events WHERE detail LIKE 'Carrier %'");
        assert!(moved.len() >= by_b.len(), "{} of {}", moved.len(), by_b.len());
        assert!(moved.iter().all(|detail| detail == "Carrier a is not connected: it goes by b."), "{moved:?}");
        // What comes now does not wait for the lost one first.
        assert_eq!(db.ask("SELECT carrier AS line FROM messages WHERE carrier NOT IN ('a', 'b')"), [""; 0]);
        let message = application.sent(CZECH, "Hello");
        let id = message["id"].as_str().unwrap();
        assert_eq!(db.ask(&format!("SELECT carrier AS line FROM messages WHERE id = '{id}'")), ["b"]);
        app.assert_ledger_adds_up();
    }

    fn a_carrier_that_refuses_the_password_loses_its_messages_to_the_next_one_at_once(db: &Database) {
        let a = Smsc::start(&["--password", "another"]);
        let b = delivering();
        let text = carrier("a", &a.url(""), "") + &carrier("b", &b.url(""), "") + &route("", "\"a\", \"b\"", "");
        let (_app, application) = with_carriers(db, &text);

        let message = application.sent(CZECH, "Hello");

        assert_eq!(application.wait_for_end(&message)["status"], "delivered");
        assert_eq!(b.submits().len(), 1);
    }

    fn what_waits_for_a_renamed_carrier_goes_by_the_new_name_and_what_it_has_stays(db: &Database) {
        let peer = CarrierPeer::start(|submit| match &submit.to[submit.to.len() - 1..] {
            "1" => PeerAnswer::Accept,
            // The header of a part may have one by chance.
            "3" if !submit.message.ends_with(b"bb") => PeerAnswer::Accept,
            _ => PeerAnswer::Refuse(0x14),
        });
        let (app, application) = with_carriers(db, &carrier("a", &peer.url(""), ""));
        let sent = application.sent("+420777000001", "Hello");
        application.wait_for(&sent, &["sent"]);
        let in_part = application.sent("+420777000003", &("a".repeat(153) + &"b".repeat(20)));
        let queued = application.sent("+420777000002", "Hello");
        wait_until("both wait for another try", || [&in_part, &queued].iter().all(|message| history(db, message).len() == 1));
        drop(app);

        peer.behave(|_| PeerAnswer::Deliver("stat:DELIVRD err:000"));
        let app = with_file(db, &carrier("b", &peer.url(""), ""));
        let application = Application { client: application.client.at(&app.url) };

        assert_eq!(application.wait_for_end(&queued)["status"], "delivered");
        assert!(history(db, &queued).contains(&"Carrier a is no longer in the settings: it goes by b.".to_owned()));
        peer.deliver(DELIVER_SM, 900, &delivery("420777000001", 4, b"id:peer-1 stat:DELIVRD err:000", b""));
        assert_eq!(application.wait_for_end(&sent)["status"], "delivered");
        // The carrier has one part, and nobody else can send the other one.
        let id = in_part["id"].as_str().unwrap();
        assert_eq!(db.ask(&format!("SELECT carrier || ' ' || status AS line FROM messages WHERE id = '{id}'")), ["a queued"]);
    }
}

#[test]
fn the_command_lists_carriers_and_routes_without_secrets_and_says_where_a_number_goes() {
    let text = carrier("a", "smpp://user:s3cret@a.example.com", "sender = \"Shop\"")
        + &carrier("b", "smpps://user:s3cret@b.example.com:2776", "enabled = false")
        + &route("+420", "\"b\", \"a\"", "credits = 3\nsender = \"numeric\"")
        + &route("", "\"a\"", "")
        + &route("+44", "\"b\"", "");
    let file = File::with(&text);

    let listed = run(&["carriers", "--carriers", file.path()], "").assert_success();
    let number = run(&["carriers", "route", CZECH, "--carriers", file.path()], "").assert_success();

    assert_eq!(
        listed.stdout,
        "Carriers\n  a: SMPP a.example.com:2775, on, sender Shop\n  b: SMPP b.example.com:2776, off\nRoutes\n  \
         every other number: by a, 1 credit a segment\n  \
         +420: by b (off), then a, 3 credits a segment, the sender becomes a number, the next carrier after 60 s of throttling\n  \
         +44: by b (off), 1 credit a segment\n"
    );
    assert!(
        number.stdout.starts_with("+420777000001 takes the route for +420: by b (off), then a, 3 credits"),
        "{}",
        number.stdout
    );
    run(&["carriers", "route", BRITISH, "--carriers", file.path()], "")
        .assert_says("No carrier serves +447700900001: every carrier of its route is switched off.");
    run(&["carriers", "route", "12", "--carriers", file.path()], "").assert_one_sentence();
    let single = run(&["carriers", "--sms-transport", "smpp://user:s3cret@a.example.com"], "").assert_success();
    assert!(single.stdout.contains("default: SMPP a.example.com:2775, on\n"), "{}", single.stdout);
}

#[test]
fn a_mistake_in_the_file_ends_every_command_with_its_line() {
    let file = File::with("[carriers.a]\ntransprt = \"smpp://user:s3cret@a.example.com\"");
    let sentence = format!(
        "{}, line 2: the key \"transprt\" is unknown; a carrier has transport, transport_file, preset, url, enabled and sender",
        file.path()
    );

    let ended = run(&["carriers", "--carriers", file.path()], "").assert_one_sentence();
    assert!(ended.stderr.contains(&sentence) && !ended.stderr.contains("s3cret"), "{}", ended.stderr);
    let both = ["carriers", "--carriers", file.path(), "--sms-transport", "smpp://user:s3cret@a.example.com"];
    run(&both, "").assert_says("--carriers has all carriers: move that of --sms-transport into the file");
    run(&["carriers", "--carriers", "/nowhere.toml"], "").assert_says("/nowhere.toml can't be read");
}

#[test]
fn the_command_prints_the_address_that_the_receipts_of_a_carrier_come_to() {
    let phone = "http-preset://sms-gate?username=me&password=s3cret";
    let file = File::with(&(carrier("a", phone, "") + &carrier("b", "smpp://user:s3cret@b.example.com", "")));
    let receipts = |more: &[&str]| {
        let arguments = [&["carriers", "receipts", "--public-url", "https://keys.example.com"], more].concat();
        run(&arguments, "")
    };

    let one = receipts(&["--sms-transport", phone]).assert_success().stdout;
    let secret = one.strip_prefix("https://keys.example.com/v1/carriers/default/receipts/").unwrap().trim_end();
    assert!(secret.len() == 40 && !secret.contains("s3cret"), "{one}");
    let named = receipts(&["a", "--carriers", file.path()]).assert_success().stdout;
    assert!(
        named.starts_with("https://keys.example.com/v1/carriers/a/receipts/") && !named.contains(secret),
        "{named}"
    );

    receipts(&["b", "--carriers", file.path()]).assert_says("No receipts of b come over HTTP.");
    receipts(&["c", "--carriers", file.path()]).assert_says("There is no such carrier.");
    receipts(&["--carriers", file.path()]).assert_says("Name one of the carriers.");
    run(&["carriers", "receipts", "--sms-transport", phone], "").assert_says("Receipts need --public-url");
}
