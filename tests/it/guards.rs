//! Sending limits: what somebody with a leaked key can do at most.

use std::thread;

use diesel::migration::MigrationSource;
use diesel_migrations::MigrationHarness;
use keyfob::domain::account;
use keyfob::domain::api_key::ApiKeyId;
use keyfob::domain::api_key::secret::Mode;
use keyfob::domain::carrier::{Assignment, CarrierName};
use keyfob::domain::guard::{self, TypedLimits, WarnedLimit};
use keyfob::domain::message::{self, MessageDraft, MessageOrigin};
use keyfob::store::{MIGRATIONS, Store};
use serde_json::json;

use crate::support::{Answer, App, Application, Asker, Database, Key, PHONE, on_both_databases, run};

const CLIENTS: usize = 16;
/// Requests of each client: more than any limit of these tests.
const EACH: usize = 12;
const OTHER_PHONE: &str = "+420777000111";
const SATELLITE_PHONE: &str = "+881612345678";

impl App<'_> {
    /// Gives the account, or one of its keys, these limits.
    #[track_caller]
    pub fn limit(&self, key: Option<&Key>, typed: &TypedLimits<'_>) {
        let (account, limits) = (account::first(&mut self.db.conn()).unwrap(), typed.parse().unwrap());
        let key: Option<ApiKeyId> = key.map(|key| key.id.parse().unwrap());
        self.change(move |tx| match &key {
            Some(key) => guard::save_key_limits(tx, &account, key, limits),
            None => guard::save_account_limits(tx, &account, limits),
        });
    }

    /// The limits of a new account.
    fn limit_as_usual(&self) {
        self.limit(None, &USUAL);
    }

    /// The credits that are left, once the ledger has been added up.
    #[track_caller]
    fn credits_of(&self, key: &Key) -> i64 {
        self.assert_ledger_adds_up();
        Application::with(self, key).credits()
    }
}

const NONE: TypedLimits<'static> = TypedLimits {
    recipient_10_minutes: "",
    recipient_day: "",
    messages_minute: "",
    credits_day: "",
    destinations: "",
    prefixes: "",
    senders: "",
};
const USUAL: TypedLimits<'static> = TypedLimits {
    recipient_10_minutes: "5",
    recipient_day: "20",
    destinations: "except",
    prefixes: "+881 +882 +883 +979",
    ..NONE
};

/// How many of so many messages to a phone are accepted; the others get this code.
#[track_caller]
fn accepted(application: &Application, phone: &str, count: usize, code: &str) -> usize {
    let sent = (0..count).map(|_| application.send(phone, "Hello"));
    sent.filter(|answer| {
        answer.status == 202 || {
            refused_with(answer, code);
            false
        }
    })
    .count()
}

#[track_caller]
fn refused_with(answer: &Answer, code: &str) {
    assert_eq!(answer.json()["code"], code, "{}", answer.body);
    assert_eq!(answer.status, if code.ends_with("NOT_ALLOWED") { 403 } else { 429 });
    assert_eq!(answer.status == 429, !answer.header("retry-after").is_empty());
}

/// Sends the longest wait ahead that a refusal asked for.
fn wait_as_asked(app: &App<'_>, refused: &Answer) {
    app.clock.advance(refused.header("retry-after").parse().unwrap());
}

/// Sixteen clients of two instances send at once; gives how many messages were accepted.
fn send_at_once(instances: [&App<'_>; 2], key: &Key, code: &str) -> usize {
    let send = |url: &str| {
        let mut asker = Asker::to(url);
        let headers = format!("Authorization: Bearer {}\r\n", key.secret);
        let told = (0..EACH).map(|_| asker.send(&headers, PHONE).unwrap());
        told.filter(|told| {
            told.status == 202 || {
                assert_eq!((told.status, &*told.code), (429, code));
                false
            }
        })
        .count()
    };
    thread::scope(|all| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| all.spawn(move || send(&instances[number % 2].url))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    })
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("+4207770{number:05}")).collect()
}

on_both_databases! {
    fn of_400_messages_to_one_phone_5_are_sent(db: &Database) {
        let app = db.app();
        app.limit_as_usual();
        let key = app.make_key("Leaked");
        let application = Application::with(&app, &key);

        assert_eq!(accepted(&application, PHONE, 400, "TOO_MANY_TO_RECIPIENT"), 5);

        assert_eq!((db.count("messages"), app.credits_of(&key)), (5, 95));
        assert_eq!(accepted(&application, OTHER_PHONE, 1, ""), 1);
    }

    fn a_phone_gets_the_next_messages_as_10_minutes_and_a_day_go_by(db: &Database) {
        let app = db.app();
        app.limit_as_usual();
        let application = Application::with(&app, &app.make_key("Shop"));
        let send = |count| accepted(&application, PHONE, count, "TOO_MANY_TO_RECIPIENT");

        assert_eq!(send(2), 2);
        app.clock.advance(300);
        assert_eq!(send(9), 3);
        let refused = application.send(PHONE, "Hello").assert_problem(429, "TOO_MANY_TO_RECIPIENT");
        assert_eq!(refused.header("retry-after"), "300");
        assert_eq!(refused.json()["index"], 0);
        app.clock.advance(299);
        assert_eq!(send(1), 0, "a moment too early");
        app.clock.advance(1);
        assert_eq!(send(9), 2, "the first two are 10 minutes old");
        for _ in 0..3 {
            app.clock.advance(600);
            send(5);
        }
        app.clock.advance(600);
        assert_eq!(send(1), 0, "20 in a day");
        wait_as_asked(&app, &application.send(PHONE, "Hello"));
        assert_eq!(send(9), 2, "the first two are a day old");
        app.assert_ledger_adds_up();
    }

    fn sixteen_clients_of_two_instances_never_exceed_a_limit(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        app.set_credits(1_000);
        let (mut sent, each) = (0, CLIENTS * EACH);
        for (typed, expected, code) in [
            (TypedLimits { recipient_day: "7", ..NONE }, 7, "TOO_MANY_TO_RECIPIENT"),
            (TypedLimits { messages_minute: "60", ..NONE }, 60, "TOO_MANY"),
            // The first two have spent 67 of them.
            (TypedLimits { credits_day: "150", ..NONE }, 83, "DAILY_LIMIT"),
            (NONE, each, ""),
        ] {
            let key = app.make_key("Shop");
            app.limit(None, &typed);

            assert_eq!(send_at_once([&app, &other], &key, code), expected, "{typed:?}");

            sent += expected;
            assert_eq!((db.count("messages"), app.credits_of(&key)), (sent, 1_000 - sent as i64));
        }
    }

    fn the_clients_of_a_key_never_exceed_its_own_limits(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        app.set_credits(1_000);
        for (typed, expected, code) in [
            (TypedLimits { recipient_10_minutes: "7", ..NONE }, 7, "TOO_MANY_TO_RECIPIENT"),
            (TypedLimits { messages_minute: "60", ..NONE }, 60, "TOO_MANY"),
            (TypedLimits { credits_day: "83", ..NONE }, 83, "DAILY_LIMIT"),
        ] {
            let key = app.make_key("Shop");
            app.limit(Some(&key), &typed);

            assert_eq!(send_at_once([&app, &other], &key, code), expected, "{typed:?}");
            app.assert_ledger_adds_up();
        }
    }

    fn limits_survive_a_restart(db: &Database) {
        let (app, phones) = (db.app(), numbers(10));
        let key = app.make_key("Shop");
        app.limit(None, &TypedLimits { recipient_10_minutes: "2", ..NONE });
        app.limit(Some(&key), &TypedLimits { messages_minute: "10", credits_day: "12", ..NONE });
        assert_eq!(accepted(&Application::with(&app, &key), PHONE, 3, "TOO_MANY_TO_RECIPIENT"), 2);
        drop(app);

        let app = db.app();
        let application = Application::with(&app, &key);

        application.send(PHONE, "Hello").assert_problem(429, "TOO_MANY_TO_RECIPIENT");
        let many = application.post(&json!({"to": phones[..9], "text": "Hello"})).assert_problem(429, "TOO_MANY");
        application.post(&json!({"to": phones[..8], "text": "Hello"})).assert_status(202);
        wait_as_asked(&app, &many);
        application.post(&json!({"to": phones[..3], "text": "Hello"})).assert_problem(429, "DAILY_LIMIT");
        application.post(&json!({"to": phones[8..], "text": "Hello"})).assert_status(202);
        assert_eq!(app.credits_of(&key), 88);
    }

    fn one_forbidden_number_of_a_hundred_changes_nothing(db: &Database) {
        let app = db.app();
        app.limit_as_usual();
        let key = app.make_key("Shop");
        app.limit(Some(&key), &TypedLimits { messages_minute: "500", credits_day: "500", ..NONE });
        let application = Application::with(&app, &key);
        let mut phones = numbers(100);
        phones[57] = SATELLITE_PHONE.to_owned();
        let before = db.rows();

        let refused = application.post(&json!({"to": phones, "text": "Hello"}));

        refused_with(&refused, "DESTINATION_NOT_ALLOWED");
        assert_eq!(refused.json()["index"], 57);
        let detail = refused.json()["detail"].to_string();
        assert!(detail.contains(SATELLITE_PHONE) && detail.contains("begin with +881"), "{detail}");
        for table in ["messages", "credit_balances", "ledger_entries", "guard_counts", "message_count_changes"] {
            assert_eq!(db.rows()[table], before[table], "{table}");
        }
        phones[57] = OTHER_PHONE.to_owned();
        application.post(&json!({"to": phones, "text": "Hello"})).assert_status(202);
        assert_eq!(app.credits_of(&key), 0);
    }

    fn one_busy_phone_of_several_refuses_all_of_them(db: &Database) {
        let app = db.app();
        app.limit(None, &TypedLimits { recipient_10_minutes: "1", ..NONE });
        let key = app.make_key("Shop");
        let application = Application::with(&app, &key);
        application.sent(PHONE, "Hello");

        let refused = application.post(&json!({"to": [OTHER_PHONE, PHONE], "text": "Hello"}));

        refused_with(&refused, "TOO_MANY_TO_RECIPIENT");
        assert_eq!(refused.json()["index"], 1);
        assert_eq!((db.count("messages"), app.credits_of(&key)), (1, 99));
        application.sent(OTHER_PHONE, "Hello");
    }

    fn a_key_is_limited_by_its_account_and_by_itself(db: &Database) {
        let app = db.app();
        app.limit(None, &TypedLimits { recipient_10_minutes: "4", destinations: "except", prefixes: "+881", ..NONE });
        let [tight, loose] = ["Tight", "Loose"].map(|name| app.make_key(name));
        app.limit(Some(&tight), &TypedLimits { recipient_10_minutes: "1", destinations: "only", prefixes: "+420", ..NONE });
        let everything = TypedLimits { recipient_10_minutes: "100", destinations: "only", prefixes: "+881 +4", ..NONE };
        app.limit(Some(&loose), &everything);
        let [tight, loose] = [tight, loose].map(|key| Application::with(&app, &key));

        assert_eq!(accepted(&tight, PHONE, 3, "TOO_MANY_TO_RECIPIENT"), 1);
        assert_eq!(accepted(&loose, PHONE, 9, "TOO_MANY_TO_RECIPIENT"), 3);
        refused_with(&tight.send("+4915112345678", "Hello"), "DESTINATION_NOT_ALLOWED");
        refused_with(&loose.send(SATELLITE_PHONE, "Hello"), "DESTINATION_NOT_ALLOWED");
        loose.sent("+4915112345678", "Hello");
        app.assert_ledger_adds_up();
    }

    fn a_message_names_a_sender_of_the_list_or_none(db: &Database) {
        let app = db.app();
        let key = app.make_key("Shop");
        app.limit(Some(&key), &TypedLimits { senders: "My Shop, +420777123456", ..NONE });
        let application = Application::with(&app, &key);
        let send = |from: Option<&str>| application.post(&json!({"to": PHONE, "text": "Hello", "from": from}));

        for allowed in [Some("My Shop"), Some("+420777123456"), None] {
            send(allowed).assert_status(202);
        }
        for other in ["Bank", "MY SHOP", "12345"] {
            refused_with(&send(Some(other)), "SENDER_NOT_ALLOWED");
        }
        assert_eq!(app.credits_of(&key), 97);
    }

    fn a_minute_frees_what_it_held_and_a_day_begins_at_midnight_in_utc(db: &Database) {
        let app = db.app();
        let key = app.make_key("Shop");
        app.limit(None, &TypedLimits { messages_minute: "3", credits_day: "5", ..NONE });
        let (application, phones) = (Application::with(&app, &key), numbers(6));
        let send = |count: usize| application.post(&json!({"to": phones[..count], "text": "Hello"}));

        refused_with(&send(4), "TOO_MANY");
        send(3).assert_status(202);
        let refused = send(1).assert_problem(429, "TOO_MANY");
        app.clock.advance(59);
        refused_with(&send(1), "TOO_MANY");
        app.clock.advance(-59);
        wait_as_asked(&app, &refused);
        let refused = send(3).assert_problem(429, "DAILY_LIMIT");
        send(2).assert_status(202);
        // From noon on, less what was waited.
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((12 * 3600 - 66..12 * 3600).contains(&wait), "{wait}");
        app.clock.advance(wait - 1);
        refused_with(&send(1), "DAILY_LIMIT");
        app.clock.advance(1);
        send(1).assert_status(202);
        assert_eq!(app.credits_of(&key), 94);
    }

    fn what_was_spent_before_the_limit_of_a_day_was_set_counts(db: &Database) {
        let app = db.app();
        let key = app.make_key("Shop");
        let application = Application::with(&app, &key);
        application.sent(PHONE, "Hello");
        Application::with(&app, &app.make_key("Other")).sent(PHONE, "Hello");

        app.limit(Some(&key), &TypedLimits { credits_day: "2", ..NONE });
        assert_eq!(accepted(&application, PHONE, 3, "DAILY_LIMIT"), 1);
        app.limit(Some(&key), &NONE);
        application.sent(PHONE, "Hello");
        app.limit(Some(&key), &TypedLimits { credits_day: "4", ..NONE });
        assert_eq!(accepted(&application, PHONE, 3, "DAILY_LIMIT"), 1);
    }

    fn test_keys_are_counted_by_no_limit(db: &Database) {
        let app = db.app();
        app.limit(None, &TypedLimits { messages_minute: "1", credits_day: "1", senders: "Shop", ..USUAL });
        let test = Application::with(&app, &app.make_test_key("Test"));

        assert_eq!(accepted(&test, PHONE, 30, ""), 30);
        test.post(&json!({"to": SATELLITE_PHONE, "text": "Hello", "from": "Bank"})).assert_status(202);

        let live = Application::with(&app, &app.make_key("Live"));
        assert_eq!(accepted(&live, PHONE, 2, "TOO_MANY"), 1);
    }

    fn rehearsals_are_limited_and_use_up_nothing_of_what_is_really_sent(db: &Database) {
        let app = App::start_rehearsing(db);
        let key = app.make_key("Shop");
        app.limit(None, &TypedLimits { recipient_10_minutes: "3", messages_minute: "4", ..NONE });
        let rehearsing = Application::with(&app, &key);
        assert_eq!(accepted(&rehearsing, PHONE, 9, "TOO_MANY_TO_RECIPIENT"), 3);
        assert_eq!(accepted(&rehearsing, OTHER_PHONE, 9, "TOO_MANY"), 1);
        drop(app);

        let app = db.app();
        let sending = Application::with(&app, &key);
        assert_eq!(accepted(&sending, PHONE, 9, "TOO_MANY_TO_RECIPIENT"), 3);
        assert_eq!(accepted(&sending, OTHER_PHONE, 9, "TOO_MANY"), 1);
        assert_eq!(app.credits_of(&key), 96);
    }

    fn a_repeated_request_is_counted_once(db: &Database) {
        let app = db.app();
        app.limit(None, &TypedLimits { recipient_10_minutes: "1", messages_minute: "1", credits_day: "1", ..NONE });
        let application = Application::with(&app, &app.make_key("Shop"));
        let first = application.named("order-1").sent(PHONE, "Hello");

        assert_eq!(application.named("order-1").sent(PHONE, "Hello"), first);
        application.named("order-2").send(PHONE, "Hello").assert_problem(429, "TOO_MANY_TO_RECIPIENT");
        assert_eq!(db.count("messages"), 1);
    }

    fn the_page_of_limits_keeps_what_is_typed_and_says_what_is_wrong(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (account, key) = ("/settings/limits", app.make_key("Shop"));
        let of_key = format!("/api-keys/{}/limits", key.id);
        for path in [account, &of_key] {
            let typed = [("recipient_day", "none"), ("credits_day", "500"), ("destinations", "only"), ("prefixes", "Malta")];
            let page = client.post(path, &typed).assert_status(422).page();
            assert_eq!(page.text("#limit-recipient-day-error"), "Use a whole number from 1 to 1,000, or nothing for no limit.");
            assert!(page.text("#limit-prefixes-error").contains("+420"), "{path}");
            assert_eq!((page.field("recipient_day"), page.field("prefixes")), ("none".into(), "Malta".into()));
        }
        assert_eq!(db.count("guards"), 0);

        let typed = [("recipient_10_minutes", "5"), ("recipient_day", "20"), ("destinations", "only"), ("prefixes", "420, 44")];
        client.post(account, &typed).assert_status(303);
        client.post(&of_key, &[("credits_day", "1000"), ("senders", "My Shop\r\nShop")]).assert_status(303);
        Application::with(&app, &key).sent(PHONE, "Hello");

        let page = client.get(account).page();
        assert_eq!((page.field("recipient_day"), page.field("prefixes")), ("20".into(), "+420 +44".into()));
        let page = client.get(&format!("/api-keys/{}", key.id)).page();
        assert_eq!(page.texts("#limits-facts dd"), ["1 of 1,000 used", "My Shop, Shop"]);
        let shown = run(&["key", "show", &key.id, "--database-url", &db.url()], "").assert_success().stdout;
        assert!(shown.contains("Limits       1,000 credits a day, sender My Shop, sender Shop\n"), "{shown}");
        let audit = client.get("/audit").page().text("main");
        assert!(audit.contains("Sends to") && audit.contains("everywhere") && audit.contains("only +420 +44"), "{audit}");
    }

    fn a_limit_that_is_nearly_used_is_named_on_messages_and_credits(db: &Database) {
        let app = db.app();
        let (client, key) = (app.signed_in(), app.make_key("Key Shop"));
        app.limit(Some(&key), &TypedLimits { credits_day: "10", ..NONE });
        app.limit(None, &TypedLimits { messages_minute: "10", ..NONE });
        let application = Application::with(&app, &key);
        let banners = || ["/messages", "/credits"].map(|path| client.get(path).assert_ok().page().texts("#limits-used p"));

        application.post(&json!({"to": numbers(7), "text": "Hello"})).assert_status(202);
        assert_eq!(banners(), [Vec::<String>::new(), Vec::new()]);
        application.sent(PHONE, "Hello");

        let account = "This account used 80 % of its 10 messages a minute just now.";
        assert_eq!(banners()[0], banners()[1]);
        assert_eq!(banners()[0], [account, "Key Shop has used 80 % of today's 10 credits."]);
        app.clock.advance(3700);
        application.post(&json!({"to": numbers(2), "text": "Hello"})).assert_status(202);
        assert_eq!(banners()[0], ["Key Shop has used 100 % of today's 10 credits."]);
        app.clock.advance(24 * 3600);
        let client = app.signed_in();
        assert!(["/messages", "/credits"].iter().all(|path| !client.get(path).assert_ok().page().has("#limits-used")));
    }

    fn a_limit_is_warned_of_once_at_four_fifths_and_once_when_it_is_used_up(db: &Database) {
        let app = db.app();
        app.limit(None, &TypedLimits { messages_minute: "5", credits_day: "10", ..NONE });
        let origin = MessageOrigin {
            account_id: account::first(&mut db.conn()).unwrap(),
            api_key_id: None,
            mode: Mode::Live,
        };
        let draft = MessageDraft::with_text(&[PHONE.to_owned()], "Hello").unwrap();
        let assignment = Assignment { carrier: CarrierName::default_carrier(), credits_per_segment: 1 };
        let warned = || -> Vec<(WarnedLimit, i64)> {
            let accepted =
                message::accept(&mut db.conn(), &origin, &draft, std::slice::from_ref(&assignment), app.clock.now());
            accepted.unwrap().warnings.iter().map(|warning| (warning.limit_kind, warning.used)).collect()
        };
        let (minute, day) = (WarnedLimit::MessagesMinute, WarnedLimit::CreditsDay);

        assert_eq!([(); 5].map(|()| warned()), [vec![], vec![], vec![], vec![(minute, 4)], vec![(minute, 5)]]);
        app.clock.advance(70);
        let next = [(); 5].map(|()| warned());
        assert_eq!(next, [vec![], vec![], vec![(day, 8)], vec![(minute, 4)], vec![(minute, 5), (day, 10)]]);
    }

    fn the_form_for_a_message_says_which_limit_refuses_it(db: &Database) {
        let app = db.app();
        app.limit(None, &TypedLimits { recipient_10_minutes: "1", messages_minute: "2", destinations: "except", prefixes: "+881", ..NONE });
        let client = app.signed_in();
        let send = |to: &str| {
            let form_id = client.get("/messages/new").page().field("form_id");
            client.post("/messages", &[("form_id", &*form_id), ("to", to), ("text", "Hello"), ("mode", "live")])
        };

        assert!(send(SATELLITE_PHONE).assert_status(403).page().text("#message-to-error").contains("begin with +881"));
        send(PHONE).assert_status(303);
        let refused = send(PHONE).assert_status(429);
        assert_eq!(refused.header("retry-after"), "600");
        assert!(refused.page().text("#message-to-error").contains("1 message in 10 minutes"));
        send(OTHER_PHONE).assert_status(303);
        let alert = send("+420777000222").assert_status(429).page().text("#message-form-message");
        assert!(alert.contains("2 messages a minute"), "{alert}");
        assert_eq!(db.count("messages"), 2);
    }

    fn an_offer_that_was_declined_is_not_made_again(db: &Database) {
        let old = older_database(db);
        let app = App::start(&old).with_operator_and_limits();
        let client = app.signed_in();

        client.post("/settings/limits/offer", &[("action", "later")]).assert_status(303);

        assert!(!client.get("/messages").page().has("#limits-offer"));
        assert_eq!(accepted(&Application::with(&app, &app.make_key("Shop")), PHONE, 9, ""), 9);
        assert!(client.get("/audit").page().text("main").contains("left the usual sending limits off"));
    }

    fn a_new_account_has_limits_and_one_that_was_there_before_is_offered_them(db: &Database) {
        let limits = "SELECT recipient_10_minutes || ' ' || recipient_day || ' ' || destinations || ' ' || prefixes AS line \
                      FROM guards WHERE api_key_id IS NULL";
        let usual = ["5 20 except +881 +882 +883 +979"];
        let app = db.first_start();
        assert_eq!(db.ask(limits), usual);
        drop(app);

        let old = older_database(db);
        let app = App::start(&old).with_operator_and_limits();
        let key = app.make_key("Shop");
        let application = Application::with(&app, &key);
        assert_eq!(accepted(&application, PHONE, 9, ""), 9);
        let client = app.signed_in();
        for page in ["/messages", "/credits"] {
            assert!(client.get(page).assert_ok().page().has("#limits-offer"), "{page}");
        }

        client.post("/settings/limits/offer", &[("action", "on")]).assert_status(303);

        assert_eq!(old.ask(limits), usual);
        assert_eq!(accepted(&application, OTHER_PHONE, 9, "TOO_MANY_TO_RECIPIENT"), 5);
        assert!(!client.get("/messages").page().has("#limits-offer"));
    }
}

/// A database with an account, as it was before there were limits.
fn older_database(db: &Database) -> Database {
    let old = db.empty();
    let mut conn = old.conn();
    conn.applied_migrations().unwrap();
    for migration in MIGRATIONS.migrations().unwrap().iter() {
        if migration.name().to_string().ends_with("create_guards") {
            break;
        }
        conn.run_migration(migration).unwrap();
    }
    account::create(&mut conn, "Main account", keyfob::store::UtcTime::from_micros(1)).unwrap();
    Store::open(&old.url().parse().unwrap()).unwrap();
    old
}
