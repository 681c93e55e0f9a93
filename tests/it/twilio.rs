//! The Twilio-shaped entry: what programs written for Twilio's API send, and what they get.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyfob::domain::account;
use keyfob::domain::guard::TypedLimits;
use keyfob::store::UtcTime;
use serde_json::{Value, json};

use crate::support::{Answer, App, Application, Client, Database, Key, Off, PHONE, form, on_both_databases};

/// An account sid that there never was.
const ELSEWHERE: &str = "AC0123456789abcdef0123456789abcdef";

/// A carrier that nobody answers for: messages wait for it.
pub const NO_CARRIER: &str = "smpp://me:pass@127.0.0.1:1";

/// A program that was written for Twilio.
struct Program {
    client: Client,
    /// The sid of its account.
    sid: String,
}

impl Program {
    fn with(app: &App, key: &Key) -> Self {
        let sid = format!("AC{}", account::first(&mut app.db.conn()).unwrap().as_hex());
        Self::knowing(app, sid.clone(), &sid, &key.secret)
    }

    /// With any credentials for any account.
    fn knowing(app: &App, sid: String, user: &str, password: &str) -> Self {
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        Self { client: app.anonymous().with("authorization", &basic), sid }
    }

    fn path(&self, rest: &str) -> String {
        format!("/2010-04-01/Accounts/{}/Messages{rest}", self.sid)
    }

    fn create(&self, fields: &[(&str, &str)]) -> Answer {
        self.client.post(&self.path(".json"), fields)
    }

    /// The message that it sends.
    #[track_caller]
    fn sent(&self, to: &str, body: &str) -> Value {
        self.create(&[("To", to), ("From", "MyShop"), ("Body", body)]).assert_status(201).json()
    }

    fn get(&self, message: &Value) -> Answer {
        self.client.get(message["uri"].as_str().unwrap())
    }

    fn update(&self, message: &Value, fields: &[(&str, &str)]) -> Answer {
        self.client.post(message["uri"].as_str().unwrap(), fields)
    }

    fn delete(&self, message: &Value) -> Answer {
        self.client.send("DELETE", message["uri"].as_str().unwrap(), None)
    }

    fn list(&self, query: &str) -> Answer {
        self.client.get(&self.path(&format!(".json{query}")))
    }

    /// The texts of a list.
    #[track_caller]
    fn texts(&self, query: &str) -> Vec<String> {
        let page = self.list(query).assert_ok().json();
        page["messages"].as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap().to_owned()).collect()
    }
}

trait TwilioAnswer {
    /// An error in Twilio's form, with a sentence and without a host of somebody else.
    fn assert_refused(self, status: u16, code: u32) -> Answer;
}

impl TwilioAnswer for Answer {
    #[track_caller]
    fn assert_refused(self, status: u16, code: u32) -> Answer {
        let answer = self.assert_status(status);
        let error = answer.json();
        assert_eq!((&error["code"], &error["status"]), (&json!(code), &json!(status)), "{error}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(error["message"].as_str().unwrap().len() > 10, "{error}");
        assert!(error["more_info"].as_str().unwrap().starts_with("/connect"), "{error}");
        assert_eq!(error.as_object().unwrap().len(), 4, "{error}");
        assert!(!answer.header("x-request-id").is_empty() && answer.header("cache-control") == "no-store");
        let challenge = if status == 401 { "Basic realm=\"keyfob\"" } else { "" };
        assert_eq!(answer.header("www-authenticate"), challenge);
        answer
    }
}

/// What a message that is sent leaves behind. Uses of the key are counted some time later.
fn traces(db: &Database) -> Vec<Vec<String>> {
    let mut rows = db.rows();
    ["messages", "credit_balances", "ledger_entries", "guard_counts"]
        .into_iter()
        .map(|table| rows.remove(table).unwrap())
        .collect()
}

on_both_databases! {
    fn a_message_has_the_members_that_twilios_clients_read(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let program = Program::with(&app, &key);

        let sent = program.sent(PHONE, "Žluťoučký kůň \u{1f44d} & \"x\"");

        let native = Application::with(&app, &key).list("");
        let id: keyfob::domain::message::MessageId = native[0]["id"].as_str().unwrap().parse().unwrap();
        let sid = format!("SM{}", id.as_hex());
        let uri = program.path(&format!("/{sid}.json"));
        assert_eq!(sent, json!({
            "sid": sid,
            "account_sid": program.sid,
            "api_version": "2010-04-01",
            "body": "Žluťoučký kůň \u{1f44d} & \"x\"",
            "date_created": "Sun, 01 Mar 2026 12:00:00 +0000",
            "date_updated": "Sun, 01 Mar 2026 12:00:00 +0000",
            "date_sent": null,
            "direction": "outbound-api",
            "error_code": null,
            "error_message": null,
            "from": "MyShop",
            "messaging_service_sid": null,
            "num_media": "0",
            "num_segments": "1",
            "price": null,
            "price_unit": null,
            "status": "queued",
            "subresource_uris": {"media": program.path(&format!("/{sid}/Media.json"))},
            "to": PHONE,
            "uri": uri,
        }));
        Application::with(&app, &key).wait_for_end(&native[0]);
        let ended = program.get(&sent).assert_ok().json();
        assert_eq!((&ended["status"], &ended["sid"]), (&json!("delivered"), &json!(sid)));
        assert_eq!(ended["date_sent"], "Sun, 01 Mar 2026 12:00:00 +0000");
        assert_eq!(app.verify(&key.secret)["code"], "VALID");
    }

    fn what_only_twilio_knows_is_ignored_and_a_messaging_service_stands_for_the_default_sender(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        app.signed_in().post(&format!("/api-keys/{}/default-sender", key.id), &[("default_sender", "Zanzibar")]);
        let program = Program::with(&app, &key);

        let sent = program.create(&[
            ("To", "+420 777 123 456"),
            ("MessagingServiceSid", "MG0123456789abcdef0123456789abcdef"),
            ("Body", "Hello"),
            ("SmartEncoded", "true"),
            ("Tags", "{}"),
            ("Tags", "{}"),
            ("From", ""),
        ]);

        let sent = sent.assert_status(201).json();
        assert_eq!((&sent["to"], &sent["from"]), (&json!(PHONE), &json!("Zanzibar")));
    }

    fn every_wrong_form_is_refused_with_twilios_code_and_nothing_is_sent(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        let (to, from, body) = (("To", PHONE), ("From", "MyShop"), ("Body", "Hello"));
        let long = "x".repeat(1531);
        let before = traces(db);

        for (fields, code) in [
            (vec![from, body], 21604),
            (vec![("To", ""), from, body], 21604),
            (vec![("To", "777123456"), from, body], 21211),
            (vec![("To", "whatsapp:+420777123456"), from, body], 21211),
            (vec![("To", "+420777123456,+420777123457"), from, body], 21211),
            (vec![to, body], 21603),
            (vec![to, ("From", "Žluť"), body], 21212),
            (vec![to, ("From", "+12"), body], 21212),
            (vec![to, from], 21602),
            (vec![to, from, ("Body", " \n ")], 21602),
            (vec![to, from, ("Body", "\u{200b}")], 21602),
            (vec![to, from, ("Body", &*long)], 21617),
            (vec![to, from, body, ("MediaUrl", "https://example.com/cat.png")], 21620),
            (vec![to, from, body, ("StatusCallback", "not an address")], 21609),
            (vec![to, from, body, ("StatusCallback", "http://10.0.0.1/")], 21609),
            (vec![to, from, body, ("StatusCallback", "https://example.com/")], 21609),
            (vec![to, from, body, ("ValidityPeriod", "0")], 90007),
            (vec![to, from, body, ("ValidityPeriod", "999999")], 90007),
            (vec![to, from, body, ("ValidityPeriod", "soon")], 90007),
            (vec![to, to, from, body], 20001),
            (vec![to, from, body, body], 20001),
            (vec![], 21604),
        ] {
            program.create(&fields).assert_refused(400, code);
        }
        let path = program.path(".json");
        let kind = "application/x-www-form-urlencoded";
        for body in [&b"To=%2B420777123456&From=MyShop&Body=%FF"[..], b"To=\xff", b"%ff=1"] {
            program.client.send("POST", &path, Some((kind, body))).assert_refused(400, 20001);
        }
        let json = json!({"To": PHONE, "From": "MyShop", "Body": "Hello"}).to_string();
        program.client.post_json(&path, json).assert_refused(415, 20001);
        let whole = form(&[to, from, ("Body", &"x".repeat(1 << 20))]);
        program.client.send("POST", &path, Some((kind, whole.as_bytes()))).assert_refused(413, 20001);

        assert_eq!(traces(db), before);
        program.create(&[to, from, ("Body", &long[..1530])]).assert_status(201);
        assert_eq!(db.count("messages"), 1);
    }

    fn what_waits_can_be_canceled_and_is_refunded_and_what_has_left_can_not(db: &Database) {
        let app = App::start_with_carrier(db, NO_CARRIER);
        let key = app.make_key("Project X");
        let program = Program::with(&app, &key);
        let credits = Application::with(&app, &key).credits();
        let message = program.create(&[("To", PHONE), ("From", "MyShop"), ("Body", "Hello"), ("ValidityPeriod", "3600")]);
        let message = message.assert_status(201).json();

        program.update(&message, &[("Body", "")]).assert_refused(409, 20009);
        program.delete(&message).assert_refused(409, 20009);
        let canceled = program.update(&message, &[("Status", "canceled")]).assert_ok().json();

        assert_eq!((&canceled["status"], &canceled["error_code"]), (&json!("canceled"), &json!(null)));
        assert_eq!(program.get(&message).json()["status"], "canceled");
        assert_eq!(Application::with(&app, &key).credits(), credits);
        program.update(&message, &[("Status", "canceled")]).assert_refused(409, 30409);
        program.delete(&message).assert_status(204);
        app.assert_ledger_adds_up();
    }

    fn what_has_ended_loses_its_text_or_is_deleted_for_programs(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let (program, application) = (Program::with(&app, &key), Application::with(&app, &key));
        let (one, other) = (program.sent(PHONE, "The code is 1234"), program.sent(PHONE, "The code is 5678"));
        application.list("").iter().for_each(|message| drop(application.wait_for_end(message)));
        let reader = Program::with(&app, &app.make_key_with_rules("messages.read", ""));
        for fields in [&[("Body", "")][..], &[("Status", "canceled")]] {
            reader.update(&one, fields).assert_refused(403, 20003);
        }
        reader.delete(&one).assert_refused(403, 20003);
        for wrong in [
            &[][..],
            &[("Body", "Another text")],
            &[("Body", ""), ("Status", "canceled")],
            &[("Status", "cancelled")],
            &[("Status", "sent")],
        ] {
            program.update(&one, wrong).assert_refused(400, 30400);
        }
        program.update(&one, &[("Status", "canceled")]).assert_refused(409, 30409);
        assert_eq!(program.get(&one).json()["body"], "The code is 1234");

        assert_eq!(program.update(&one, &[("Body", "")]).assert_ok().json()["body"], "");
        assert_eq!(program.delete(&other).assert_status(204).body, "");

        assert_eq!(program.texts(""), [""]);
        for answer in [program.get(&other), program.delete(&other), program.update(&other, &[("Body", "")])] {
            answer.assert_refused(404, 20404);
        }
        assert!(db.ask("SELECT text AS line FROM messages WHERE text LIKE '%code%'").is_empty());
        app.assert_ledger_adds_up();
    }

    fn sending_limits_are_told_in_twilios_codes(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        let limits = TypedLimits {
            recipient_10_minutes: "1",
            recipient_day: "",
            messages_minute: "",
            credits_day: "",
            destinations: "except",
            prefixes: "+881",
            senders: "MyShop",
        };
        app.limit(None, &limits);
        program.sent(PHONE, "Hello");

        let slowed = program.create(&[("To", PHONE), ("From", "MyShop"), ("Body", "Hello")]).assert_refused(429, 20429);
        assert!(slowed.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
        let far = [("To", "+881612345678"), ("From", "MyShop"), ("Body", "Hello")];
        program.create(&far).assert_refused(403, 21408);
        let other = [("To", "+420777123457"), ("From", "Other"), ("Body", "Hello")];
        program.create(&other).assert_refused(403, 21212);

        assert_eq!(db.count("messages"), 1);
        program.sent("+420777123457", "Hello");
        app.assert_ledger_adds_up();
    }

    fn without_credits_nothing_is_sent(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        app.set_credits(1);

        let two = "x".repeat(161);
        program.create(&[("To", PHONE), ("From", "MyShop"), ("Body", &two)]).assert_refused(402, 20005);
        assert_eq!(db.count("messages"), 0);
        program.sent(PHONE, "Hello");

        app.assert_ledger_adds_up();
    }

    fn the_key_is_the_password_and_the_user_is_the_account_or_any_key_sid(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let program = Program::with(&app, &key);
        let sid = program.sid.clone();
        let message = program.sent(PHONE, "Hello");
        let path = program.path(".json");

        for user in [&*sid, "SK0123456789abcdef0123456789abcdef", "SK"] {
            let known = Program::knowing(&app, sid.clone(), user, &key.secret);
            known.list("").assert_ok();
            known.get(&message).assert_ok();
        }
        for (user, password) in [
            (ELSEWHERE, &*key.secret),
            ("", &key.secret),
            ("ada", &key.secret),
            (&sid.to_uppercase(), &key.secret),
            (&key.secret, ""),
            (&sid, ""),
            (&sid, "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF"),
            ("SK0123456789abcdef0123456789abcdef", "secret"),
        ] {
            let unknown = Program::knowing(&app, sid.clone(), user, password);
            unknown.list("").assert_refused(401, 20003);
            unknown.create(&[("To", PHONE), ("From", "MyShop"), ("Body", "Hello")]).assert_refused(401, 20003);
        }
        let nobody = app.anonymous();
        for client in [
            nobody.clone(),
            nobody.with("authorization", &format!("Bearer {}", key.secret)),
            nobody.with("authorization", "Basic %"),
            nobody.with("authorization", &format!("Basic {}", STANDARD.encode(&sid))),
            nobody.with("x-api-key", &key.secret),
        ] {
            client.get(&path).assert_refused(401, 20003);
        }
        assert_eq!(db.count("messages"), 1);
    }

    fn another_account_is_told_nothing(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        let message = program.sent(PHONE, "Hello");
        let theirs = app.another_account().create_key("Theirs");
        let account = db.ask("SELECT id AS line FROM accounts ORDER BY created_at DESC, id DESC").remove(0);
        let account: keyfob::domain::account::AccountId = account.parse().unwrap();
        let own = format!("AC{}", account.as_hex());
        let other = |sid: &str, user: &str| Program::knowing(&app, sid.to_owned(), user, &theirs.secret);

        assert_eq!(other(&own, &own).texts(""), Vec::<String>::new());
        for sid in [&*program.sid, ELSEWHERE, "AC", "AC%00", "x"] {
            other(sid, "SK1").list("").assert_refused(404, 20404);
            other(sid, &own).list("").assert_refused(401, 20003);
        }
        other(&program.sid, &program.sid).list("").assert_refused(401, 20003);
        let theirs = other(&own, &own);
        let path = theirs.path(&format!("/{}.json", message["sid"].as_str().unwrap()));
        for answer in [
            theirs.client.get(&path),
            theirs.client.post(&path, &[("Body", "")]),
            theirs.client.post(&path, &[("Status", "canceled")]),
            theirs.client.send("DELETE", &path, None),
        ] {
            answer.assert_refused(404, 20404);
        }
        let kept = program.get(&message).assert_ok().json();
        assert_eq!(kept["body"], "Hello");
        assert_ne!(kept["status"], "canceled");
    }

    fn an_unknown_message_is_not_found(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));

        for sid in ["SM", "SM0123", "SM0123456789abcdef0123456789abcdeg", "SM0123456789abcdef0123456789abcdef", "x", "SM%00"] {
            program.client.get(&program.path(&format!("/{sid}.json"))).assert_refused(404, 20404);
        }
    }

    fn a_key_that_does_not_open_the_native_api_opens_this_one_neither(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let (program, switch) = (Program::with(&app, &key), app.gate_switch());
        let hello = [("To", PHONE), ("From", "MyShop"), ("Body", "Hello")];

        for off in Off::ALL {
            switch.turn(&key, off, false);
            let status = if matches!(off, Off::NoScope | Off::Elsewhere) { 403 } else { 401 };
            program.create(&hello).assert_refused(status, 20003);
            program.list("").assert_refused(status, 20003);
            switch.turn(&key, off, true);
            program.list("").assert_ok();
        }
        app.add_service("mail", "Mail");
        db.execute(&format!("UPDATE api_keys SET service = 'mail' WHERE id = '{}'", key.id));
        let reader = Program::with(&app, &app.make_key_with_rules("messages.read", ""));
        reader.create(&hello).assert_refused(403, 20003);
        reader.list("").assert_ok();
        let sender = Program::with(&app, &app.make_key_with_rules("messages.send", ""));
        sender.list("").assert_refused(403, 20003);
        sender.create(&hello).assert_status(201);
        switch.delete(&key);
        program.list("").assert_refused(401, 20003);
    }

    fn a_test_key_sends_nothing_costs_nothing_and_sees_no_live_message(db: &Database) {
        let app = db.app();
        let live = Program::with(&app, &app.make_key("Live"));
        let key = app.make_test_key("Test");
        let test = Program::with(&app, &key);
        let message = live.sent(PHONE, "Live");
        let credits = Application::with(&app, &key).credits();

        let rehearsed = test.sent(PHONE, "Test");

        assert_eq!(Application::with(&app, &key).credits(), credits);
        assert_eq!(db.ask("SELECT CAST(COUNT(*) AS TEXT) AS line FROM messages WHERE carrier = 'sandbox' AND credits = 0"), ["1"]);
        assert_eq!((test.texts(""), live.texts("")), (vec!["Test".to_owned()], vec!["Live".to_owned()]));
        test.get(&message).assert_refused(404, 20404);
        live.get(&rehearsed).assert_refused(404, 20404);
    }

    fn a_key_reads_the_texts_of_its_own_messages_only(db: &Database) {
        let app = db.app();
        let (one, other) = (Program::with(&app, &app.make_key("One")), Program::with(&app, &app.make_key("Other")));
        let message = one.sent(PHONE, "The code is 1234");

        let seen = other.get(&message).assert_ok();

        assert_eq!((&seen.json()["body"], &seen.json()["to"]), (&json!(""), &json!(PHONE)));
        assert_eq!(one.get(&message).json()["body"], "The code is 1234");
        assert_eq!((one.texts(""), other.texts("")), (vec!["The code is 1234".to_owned()], vec![String::new()]));
    }

    fn a_list_is_followed_page_by_page_while_new_messages_come(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        for number in 1..=5 {
            program.sent(PHONE, &number.to_string());
        }

        let first = program.list("?PageSize=2").assert_ok().json();
        program.sent(PHONE, "6");
        let second = program.client.get(first["next_page_uri"].as_str().unwrap()).assert_ok().json();
        let third = program.client.get(second["next_page_uri"].as_str().unwrap()).assert_ok().json();

        let texts = |page: &Value| -> Vec<String> {
            page["messages"].as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!([texts(&first), texts(&second), texts(&third)].concat(), ["5", "4", "3", "2", "1"]);
        assert_eq!((&first["page"], &second["page"], &third["page"]), (&json!(0), &json!(1), &json!(2)));
        assert_eq!((&second["start"], &second["end"], &second["page_size"]), (&json!(2), &json!(3), &json!(2)));
        assert_eq!((&third["next_page_uri"], &third["previous_page_uri"]), (&json!(null), &json!(null)));
        assert_eq!(second["first_page_uri"], program.path(".json?PageSize=2&Page=0"));
        assert_eq!(first["uri"], first["first_page_uri"]);
        let again = program.client.get(second["uri"].as_str().unwrap()).assert_ok().json();
        assert_eq!((&again["uri"], texts(&again)), (&second["uri"], texts(&second)), "the same page, whatever became of its messages");
        // Clients take the one member that they don't know for the list.
        let known = ["end", "first_page_uri", "next_page_uri", "page", "page_size", "previous_page_uri", "start", "uri"];
        let others = first.as_object().unwrap().keys().filter(|name| !known.contains(&name.as_str()));
        assert_eq!(others.collect::<Vec<_>>(), ["messages"]);
        assert_eq!(program.list("?PageSize=2000").assert_ok().json()["page_size"], 1000);
        assert_eq!(program.list("").assert_ok().json()["page_size"], 50);
    }

    fn a_list_is_of_the_recipient_the_sender_and_the_days_that_are_asked_for(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        for (day, to, from) in [(1, PHONE, "MyShop"), (2, PHONE, "Other"), (3, "+420777123457", "MyShop"), (4, PHONE, "MyShop")] {
            program.create(&[("To", to), ("From", from), ("Body", &day.to_string())]).assert_status(201);
            let at = UtcTime::from_micros(1_772_323_200_000_000).plus_seconds(86_400 * (day - 1) + 43_200).micros();
            db.execute(&format!("UPDATE messages SET created_at = {at} WHERE text = '{day}'"));
        }

        for (query, texts) in [
            ("?To=%2B420777123456", "4 2 1"),
            ("?From=MyShop", "4 3 1"),
            ("?From=MyShop&To=%2B420777123456", "4 1"),
            ("?DateSent=2026-03-02", "2"),
            ("?DateSent%3E=2026-03-03", "4 3"),
            ("?DateSent%3C=2026-03-02", "2 1"),
            ("?DateSent%3E=2026-03-02&DateSent%3C=2026-03-03", "3 2"),
            ("?DateSent%3E=2026-03-02T12:00:01Z", "4 3"),
            ("?DateSent%3C=2026-03-02T12:00:00Z", "2 1"),
            ("?DateSent=2026-03-02T12:00:00Z", "2"),
            ("?DateSent%3E=2026-03-04&DateSent=2026-03-02", ""),
            ("?To=%2B420777999999", ""),
            ("?To=&From=&DateSent=", "4 3 2 1"),
            ("?Unheard=of", "4 3 2 1"),
        ] {
            assert_eq!(program.texts(query).join(" "), texts, "{query}");
        }
        let first = program.list("?From=MyShop&DateSent%3E=2026-03-01&PageSize=1").assert_ok().json();
        let second = program.client.get(first["next_page_uri"].as_str().unwrap()).assert_ok().json();
        assert_eq!((&first["messages"][0]["body"], &second["messages"][0]["body"]), (&json!("4"), &json!("3")));
    }

    fn a_list_that_can_not_be_understood_is_refused(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        let sent = program.sent(PHONE, "Hello");
        let sid = sent["sid"].as_str().unwrap();

        for query in [
            "?PageSize=0",
            "?PageSize=-1",
            "?PageSize=x",
            "?PageSize=99999999999",
            "?Page=x",
            "?Page=1",
            "?PageToken=x",
            "?PageToken=PASM",
            &format!("?PageToken={sid}"),
            &format!("?PageToken=PA{sid}0"),
            &format!("?PageToken=PA{sid}&PageToken=PA{sid}"),
            "?DateSent=yesterday",
            "?DateSent%3E=2026-02-30",
            "?To=%FF",
        ] {
            program.list(query).assert_refused(400, 20001);
        }
        program.list("?To=777").assert_refused(400, 21211);
        program.list("?From=%C5%BDlu%C5%A5").assert_refused(400, 21212);
        assert_eq!(program.texts(&format!("?PageToken=PA{sid}&Page=1")), Vec::<String>::new());
    }

    fn states_and_errors_are_told_in_twilios_words(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let program = Program::with(&app, &key);
        let message = program.sent(PHONE, "Hello");
        Application::with(&app, &key).wait_for_end(&Application::with(&app, &key).list("")[0]);

        for (status, error, told, code) in [
            ("queued", "NULL", "queued", json!(null)),
            ("queued", "'throttled'", "queued", json!(null)),
            ("sending", "NULL", "sending", json!(null)),
            ("sent", "NULL", "sent", json!(null)),
            ("sent", "'no_receipt'", "sent", json!(null)),
            ("delivered", "NULL", "delivered", json!(null)),
            ("undelivered", "'undelivered'", "undelivered", json!(30003)),
            ("expired", "'expired'", "undelivered", json!(30003)),
            ("failed", "'invalid_recipient'", "failed", json!(30005)),
            ("failed", "'queue_full'", "failed", json!(30001)),
            ("failed", "'not_sent_in_time'", "failed", json!(30036)),
            ("failed", "'invalid_message'", "failed", json!(30007)),
            ("failed", "'carrier_error'", "failed", json!(30008)),
        ] {
            db.execute(&format!("UPDATE messages SET status = '{status}', error = {error}"));
            let seen = program.get(&message).assert_ok().json();
            assert_eq!((&seen["status"], &seen["error_code"]), (&json!(told), &code), "{status} {error}");
            assert_eq!(seen["error_message"].is_string(), seen["error_code"].is_number(), "{seen}");
        }
    }

    fn what_is_not_here_is_refused_in_twilios_form(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        let message = program.sent(PHONE, "Hello");
        let uri = message["uri"].as_str().unwrap();

        let list = program.client.send("DELETE", &program.path(".json"), None).assert_refused(405, 20004);
        assert_eq!(list.header("allow"), "GET, HEAD, POST");
        let one = program.client.send("PUT", uri, None).assert_refused(405, 20004);
        assert_eq!(one.header("allow"), "GET, HEAD, POST, DELETE");
        for path in ["/2010-04-01/Accounts.json", "/2010-04-01/", &*program.path("/SM1/Media.json"), &*program.path("")] {
            for method in ["GET", "POST", "DELETE"] {
                program.client.send(method, path, None).assert_refused(404, 20404);
            }
        }
    }

    fn while_the_database_is_away_programs_are_told_to_try_again(db: &Database) {
        let app = db.app();
        let program = Program::with(&app, &app.make_key("Project X"));
        let message = program.sent(PHONE, "Hello");
        db.take_away();

        program.get(&message).assert_refused(503, 20503);
        program.create(&[("To", PHONE), ("From", "MyShop"), ("Body", "Hello")]).assert_refused(503, 20503);

        db.bring_back();
    }
}
