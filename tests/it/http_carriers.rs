//! Carriers over HTTP: Twilio as npm's `emulate` plays it, and providers with an API of
//! their own, which templates describe.

use keyfob::server::listen_address::ListenAddress;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::config::Config;
use serde_json::{Value, json};

use crate::support::{
    App, Application, Client, Database, Process, Provider, ProviderAnswer, ProviderRequest, TOKEN, TwilioEmulator,
    form, free_address, keyfob, on_both_databases, run,
};

const PATIENCE: Duration = Duration::from_secs(60);
const PHONE: &str = "+420777123456";
/// What has a meaning in JSON, in forms, in URLs and in templates.
const HARD_TEXT: &str = "\"Žluť\" \\ 100 % & a=b?c#d {{to}} ${HOME} 😀\nnext line";

/// A server at an address that carriers know, whose messages leave by `transport`.
fn start<'db>(db: &'db Database, transport: &str) -> (App<'db>, Application) {
    let address = free_address();
    let set = |config: &mut Config| {
        config.listen = ListenAddress::Tcp(address.parse().unwrap());
        config.public_url = Some(format!("http://{address}").parse().unwrap());
        config.sms_transport = transport.parse().unwrap();
    };
    let app = App::start_set(db, set, Clock::System).with_operator();
    app.set_credits(1_000);
    let application = Application::with(&app, &app.make_key("Project X"));
    (app, application)
}

/// What a provider always does.
type Behaviour = Box<dyn Fn() -> ProviderAnswer + Send>;

/// A file of settings.
struct Template(tempfile::NamedTempFile);

impl Template {
    fn new(text: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Self(file)
    }

    /// A small one in JSON, with more lines before its receipts.
    fn json(provider: &Provider, more: &str) -> Self {
        Self::new(&format!(
            "url = '{}/send'\nuser = 'me'\npassword = '${{PATH}}'\nid = '/id'\ncode = '/code'\n{more}\n\
             body = '{{\"to\": \"{{{{to}}}}\", \"text\": \"{{{{text}}}}\", \"callback\": \"{{{{receipt_url}}}}\"}}'\n\
             refused = {{ 21211 = 'invalid_recipient' }}\n{RECEIPT}",
            provider.url()
        ))
    }

    fn url(&self) -> String {
        format!("http-file://{}", self.0.path().display())
    }
}

const RECEIPT: &str = "[receipt]\nid = 'id'\nstatus = 'status'\ncode = 'error'\n\
                       map = { ok = 'delivered', failed = 'undelivered', sent = 'enroute' }\n";

fn code(message: &Value) -> (&str, &str) {
    let error = |name: &str| message["error"][name].as_str().unwrap_or_default();
    (error("code"), error("carrier_code"))
}

/// The message, once it is in this state with this error.
#[track_caller]
fn wait_for(application: &Application, message: &Value, status: &str, error: &str) -> Value {
    let began = Instant::now();
    loop {
        let now = application.show(message);
        if (now["status"].as_str().unwrap(), code(&now).0) == (status, error) {
            return now;
        }
        assert!(began.elapsed() < PATIENCE, "{now} is not {status} {error}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The notice on the page Messages, once it has these words.
#[track_caller]
fn wait_for_notice(client: &Client, words: &str) {
    wait_for_words(client, "/messages", ".notice", words);
}

/// What stands on a page, once it has these words.
#[track_caller]
fn wait_for_words(client: &Client, path: &str, elements: &str, words: &str) {
    let began = Instant::now();
    loop {
        let found = client.get(path).assert_ok().page().texts(elements).join(" ");
        if found.contains(words) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "no {words:?} in {found:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn post_form(client: &Client, path: &str, fields: &[(&str, &str)]) -> crate::support::Answer {
    client.send("POST", path, Some(("application/x-www-form-urlencoded", form(fields).as_bytes())))
}

/// The path of an address of this server.
fn path_of(url: &str) -> String {
    let at = url.find("/v1/carriers/").unwrap_or_else(|| panic!("{url}"));
    url[at..].to_owned()
}

on_both_databases! {
    fn twilio_takes_a_long_message_as_one_and_reports_what_became_of_it(db: &Database) {
        let twilio = TwilioEmulator::start();
        let (app, application) = start(db, &twilio.url(TOKEN));

        let long = "x".repeat(161);
        let messages = [application.sent(PHONE, &long), application.sent("+420777000002", HARD_TEXT)];
        for message in &messages {
            wait_for(&application, message, "sent", "");
        }

        assert_eq!(application.credits(), 998 - messages[1]["segments"].as_i64().unwrap());
        let taken = twilio.messages();
        let bodies: BTreeSet<&str> = taken.iter().map(|message| message["body"].as_str().unwrap()).collect();
        assert_eq!((taken.len(), bodies), (2, BTreeSet::from([long.as_str(), HARD_TEXT])));
        let sid = |to: &str| {
            let found = taken.iter().find(|message| message["to"] == to).unwrap();
            found["sid"].as_str().unwrap().to_owned()
        };
        twilio.report(&sid(PHONE), "delivered");
        twilio.report(&sid("+420777000002"), "sent");
        twilio.report(&sid("+420777000002"), "undelivered");
        wait_for(&application, &messages[0], "delivered", "");
        wait_for(&application, &messages[1], "undelivered", "undelivered");
        app.assert_ledger_adds_up();
    }

    fn a_wrong_token_holds_the_queue_and_the_page_says_so(db: &Database) {
        let twilio = TwilioEmulator::start();
        let (app, application) = start(db, &twilio.url("another-token"));
        let client = app.signed_in();

        let messages: Vec<Value> = (0..5).map(|_| application.sent(PHONE, "Hello")).collect();

        wait_for_notice(&client, "Twilio refuses the password");
        for message in &messages {
            wait_for(&application, message, "queued", "");
        }
        assert_eq!((twilio.messages().len(), application.credits()), (0, 995));
    }

    fn a_receipt_that_twilio_did_not_sign_is_refused(db: &Database) {
        let provider = Provider::accepting();
        let (app, application) = start(db, &format!("twilio+http://AC1:s3cret@127.0.0.1:{}?from=Shop", provider.port));
        let message = application.sent(PHONE, "Hello");
        let sent = provider.wait_for(1).remove(0);
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(sent.body.as_bytes()).into_owned().collect();
        let callback = &fields.iter().find(|(name, _)| name == "StatusCallback").unwrap().1;
        let path = path_of(callback);
        let report = [("MessageSid", "carrier-1"), ("MessageStatus", "delivered")];

        for signature in ["", "AAAA", "RSOYDt4T1cUTdK1PDd93/VVr8B8="] {
            let client = app.anonymous().with("x-twilio-signature", signature);
            post_form(&client, &path, &report).assert_problem(403, "RECEIPT_REFUSED");
        }

        wait_for(&application, &message, "sent", "");
    }

    fn an_emulator_that_is_killed_amid_50_messages_gets_none_twice(db: &Database) {
        let mut first = TwilioEmulator::start();
        let (app, application) = start(db, &format!("{}&window=4&timeout=5", first.url(TOKEN)));
        let numbers: Vec<String> = (0..50).map(|number| format!("+4207771{number:05}")).collect();
        let answer = application.post(&json!({"to": numbers, "text": "Hello"})).assert_status(202).json();
        let messages = answer["messages"].as_array().unwrap();
        let began = Instant::now();
        while first.messages().len() < 10 {
            assert!(began.elapsed() < PATIENCE);
        }

        first.kill();
        let taken = |message: &&Value| application.show(message)["status"] == "sent";
        let before: BTreeSet<&str> = messages.iter().filter(taken).map(|message| message["to"].as_str().unwrap()).collect();
        let second = TwilioEmulator::start_at(first.port());
        let settled: Vec<Value> =
            messages.iter().map(|message| application.wait_for(message, &["sent", "failed"])).collect();

        let taken: Vec<String> =
            second.messages().iter().map(|message| message["to"].as_str().unwrap().to_owned()).collect();
        let once: BTreeSet<&str> = taken.iter().map(String::as_str).collect();
        assert_eq!(taken.len(), once.len(), "one was sent twice");
        let unknown = settled.iter().filter(|message| code(message).0 == "outcome_unknown");
        let unknown: BTreeSet<&str> = unknown.map(|message| message["to"].as_str().unwrap()).collect();
        assert!(once.is_disjoint(&before) && once.is_disjoint(&unknown), "{once:?} {before:?} {unknown:?}");
        assert!(unknown.len() <= 4, "more than a window is unknown: {unknown:?}");
        assert!(before.len() + unknown.len() + once.len() >= 50, "{before:?} {unknown:?} {once:?}");
        assert!(settled.iter().all(|message| message["status"] == "sent"), "{settled:?}");
        assert_eq!(application.credits(), 950);
        app.assert_ledger_adds_up();
    }

    fn a_text_arrives_unchanged_through_json_a_form_and_a_url(db: &Database) {
        let provider = Provider::accepting();
        let url = provider.url();
        for (template, place) in [
            (format!("url = '{url}'\nbody = '{{\"text\": \"{{{{text}}}}\", \"to\": \"{{{{to}}}}\"}}'"), "json"),
            (format!("url = '{url}'\n[body]\ntext = '{{{{text}}}}'\nto = ['{{{{to}}}}']"), "json"),
            (format!("url = '{url}'\nbody = 'to={{{{to_digits}}}}&text={{{{text}}}}'"), "form"),
            (format!("url = '{url}'\n[form]\nto = '{{{{to}}}}'\ntext = '{{{{text}}}}'"), "form"),
            (format!("url = '{url}/send?to={{{{to}}}}&text={{{{text}}}}'"), "url"),
        ] {
            let (db, template) = (&db.empty(), Template::new(&format!("id = '/id'\n{template}")));
            let before = provider.requests().len();
            let (_app, application) = start(db, &template.url());

            let message = application.sent(PHONE, HARD_TEXT);
            wait_for(&application, &message, "sent", "");

            let requests = provider.requests();
            let [.., ProviderRequest { method, target, body, .. }] = &requests[..] else { panic!() };
            assert_eq!((requests.len(), method.as_str()), (before + 1, if place == "url" { "GET" } else { "POST" }));
            let field = |text: &str| {
                let fields = url::form_urlencoded::parse(text.as_bytes()).into_owned();
                fields.into_iter().find(|(name, _)| name == "text").unwrap().1
            };
            let text = match place {
                "json" => serde_json::from_str::<Value>(body).unwrap()["text"].as_str().unwrap().to_owned(),
                "form" => field(body),
                _ => field(target.split_once('?').unwrap().1),
            };
            assert_eq!(text, HARD_TEXT, "{place}");
        }
    }

    fn connections_are_kept(db: &Database) {
        let provider = Provider::accepting();
        let template = Template::json(&provider, "window = 2");
        let (_app, application) = start(db, &template.url());

        let numbers: Vec<String> = (0..60).map(|number| format!("+4207772{number:05}")).collect();
        application.post(&json!({"to": numbers, "text": "Hello"})).assert_status(202);

        provider.wait_for(60);
        assert!(provider.connections() <= 2, "{} connections", provider.connections());
    }

    fn a_strange_answer_never_sends_twice_and_is_told_in_words(db: &Database) {
        let megabyte = format!("{{\"id\": \"a\", \"more\": \"{}\"}}", "x".repeat(1_000_000));
        let reply = |head: &'static str, body: &str| { let body = body.to_owned(); move || ProviderAnswer::Reply(head, body.clone()) };
        let raw = |text: &'static str| move || ProviderAnswer::Raw(text.as_bytes().to_vec());
        let cases: Vec<(Behaviour, &str, &str, &str)> = vec![
            (Box::new(reply("200 OK\r\nContent-Type: text/html", "<html>Welcome")), "sent", "outcome_unknown", "a web page"),
            (Box::new(reply("302 Found\r\nLocation: /elsewhere", "")), "queued", "", "a redirect (status 302)"),
            (Box::new(reply("403 Forbidden", "{}")), "queued", "", "refuses the password"),
            (Box::new(reply("500 Oh", "{}")), "sent", "outcome_unknown", "an error of its own (status 500)"),
            (Box::new(|| ProviderAnswer::HangUp), "sent", "outcome_unknown", "the connection broke"),
            (Box::new(|| ProviderAnswer::Nothing), "sent", "outcome_unknown", "does not answer in time"),
            (Box::new(raw("HTTP/1.1 201 Cre")), "sent", "outcome_unknown", ""),
            (Box::new(raw("SSH-2.0-OpenSSH_9.2\r\n")), "sent", "outcome_unknown", "not HTTP"),
            // These are accepted; only the id can't be read.
            (Box::new(raw("HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{\"id\": \"car")), "sent", "", ""),
            (Box::new(reply("201 Created", &megabyte)), "sent", "", ""),
            (Box::new(reply("400 Bad Request", "{\"code\": 21211}")), "failed", "invalid_recipient", ""),
        ];
        for (answer, status, error, notice) in cases {
            let db = &db.empty();
            let provider = Provider::start(move |_| answer());
            let template = Template::json(&provider, "timeout = 1");
            let (app, application) = start(db, &template.url());

            let message = application.sent(PHONE, "Hello");

            provider.wait_for(1);
            wait_for(&application, &message, status, error);
            if notice.is_empty() {
                assert_eq!(provider.requests().len(), 1, "{status} {error}");
            } else {
                let client = app.signed_in();
                wait_for_words(&client, "/carriers", ".carrier", notice);
                // Messages has a notice as long as something waits.
                if status == "queued" {
                    wait_for_notice(&client, notice);
                }
            }
            assert_eq!(application.credits(), if status == "failed" { 1_000 } else { 999 });
            app.assert_ledger_adds_up();
        }
    }

    fn a_provider_that_is_not_there_costs_nothing_and_gets_all_when_it_is(db: &Database) {
        let address = free_address();
        let template = Template::new(&format!(
            "url = 'http://{address}/send'\nid = '/id'\nbody = '{{\"to\": \"{{{{to}}}}\", \"text\": \"{{{{text}}}}\"}}'"
        ));
        let (app, application) = start(db, &template.url());
        let message = application.sent(PHONE, "Hello");
        wait_for_notice(&app.signed_in(), "the connection is refused");
        wait_for(&application, &message, "queued", "");

        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let _provider = Provider::start_at(port, |_| ProviderAnswer::Reply("201 Created", "{\"id\": \"a\"}".to_owned()));

        wait_for(&application, &message, "sent", "");
    }

    fn a_provider_that_throttles_gets_every_message_later(db: &Database) {
        let mut count = 0;
        let provider = Provider::start(move |_| {
            count += 1;
            match count {
                2..=4 => ProviderAnswer::Reply("429 Too Many\r\nRetry-After: 1", "{}".to_owned()),
                _ => ProviderAnswer::Reply("201 Created", format!("{{\"id\": \"c{count}\"}}")),
            }
        });
        let template = Template::json(&provider, "window = 1");
        let (app, application) = start(db, &template.url());

        let messages: Vec<Value> = (0..4).map(|_| application.sent(PHONE, "Hello")).collect();

        for message in &messages {
            wait_for(&application, message, "sent", "");
        }
        assert_eq!((provider.requests().len(), application.credits()), (7, 996));
        wait_for_notice(&app.signed_in(), "Your carrier takes about");
    }

    fn a_provider_that_knows_repetitions_is_asked_again_under_the_same_key(db: &Database) {
        let mut count = 0;
        let provider = Provider::start(move |_| {
            count += 1;
            if count == 1 { ProviderAnswer::HangUp } else { ProviderAnswer::Reply("201 Created", "{\"id\": \"a\"}".to_owned()) }
        });
        let template = Template::json(&provider, "idempotency_header = 'Idempotency-Key'");
        let now = keyfob::store::UtcTime::from_micros(1_772_366_400_000_000);
        let set = |config: &mut Config| config.sms_transport = template.url().parse().unwrap();
        let app = App::start_set(db, set, Clock::standing_at(now)).with_operator();
        app.set_credits(10);
        let application = Application::with(&app, &app.make_key("Project X"));

        let message = application.sent(PHONE, "Hello");
        wait_for(&application, &message, "queued", "carrier_error");
        app.clock.advance(60);
        wait_for(&application, &message, "sent", "");

        let keys: Vec<String> =
            provider.requests().iter().map(|request| request.headers["idempotency-key"].clone()).collect();
        assert_eq!(keys, [message["id"].as_str().unwrap(); 2]);
    }

    fn a_receipt_settles_a_message_whose_answer_never_came_and_no_other(db: &Database) {
        let provider = Provider::start(|_| ProviderAnswer::HangUp);
        let template = Template::json(&provider, "");
        let (app, application) = start(db, &template.url());
        let rehearsing = Application::with(&app, &app.make_test_key("Rehearsal"));
        let message = application.sent(PHONE, "Hello");
        wait_for(&application, &message, "sent", "outcome_unknown");
        let sent: Value = serde_json::from_str(&provider.wait_for(1)[0].body).unwrap();
        let (path, id) = (path_of(sent["callback"].as_str().unwrap()), message["id"].as_str().unwrap());
        assert!(path.ends_with(&format!("?message={id}")), "{path}");
        // This one never gets a receipt from the sandbox.
        let other = rehearsing.sent("+420777000999", "Hello");
        let other = rehearsing.wait_for(&other, &["sent", "delivered"]);
        let of_other = path.replace(id, other["id"].as_str().unwrap());

        let client = app.anonymous();
        post_form(&client, &of_other, &[("status", "failed"), ("error", "7")]).assert_ok();
        post_form(&client, &path, &[("status", "sent")]).assert_ok();
        wait_for(&application, &message, "sent", "outcome_unknown");
        post_form(&client, &path, &[("status", "failed"), ("error", "7"), ("id", "late-1")]).assert_ok();
        // It is the message's own word from now on.
        post_form(&client, &path, &[("status", "ok"), ("id", "late-1")]).assert_ok();

        let message = wait_for(&application, &message, "undelivered", "undelivered");
        assert_eq!(code(&message), ("undelivered", "7"));
        assert_ne!(rehearsing.show(&other)["status"], "undelivered");
        app.assert_ledger_adds_up();
    }

    fn a_receipt_without_the_right_secret_or_form_changes_nothing(db: &Database) {
        let provider = Provider::accepting();
        let template = Template::json(&provider, "");
        let (app, application) = start(db, &template.url());
        let message = application.sent(PHONE, "Hello");
        wait_for(&application, &message, "sent", "");
        let sent: Value = serde_json::from_str(&provider.wait_for(1)[0].body).unwrap();
        let path = path_of(sent["callback"].as_str().unwrap());
        let (address, _) = path.split_once('?').unwrap();
        let (folder, secret) = address.rsplit_once('/').unwrap();
        let client = app.anonymous();
        let report = [("id", "carrier-1"), ("status", "ok")];

        let wrong = format!("{folder}/{}", "0".repeat(secret.len()));
        for wrong in [wrong.as_str(), &address[..address.len() - 1], &format!("{folder}/x")] {
            post_form(&client, wrong, &report).assert_problem(403, "RECEIPT_REFUSED");
        }
        for unknown in ["/v1/carriers/other/receipts/x", "/v1/carriers/O%20ther/receipts/x", "/v1/carriers/sandbox/receipts/x"] {
            post_form(&client, unknown, &report).assert_status(404);
        }
        client.send("GET", &format!("{address}?id=carrier-1&status=ok"), None).assert_status(405);
        client.send("HEAD", address, None).assert_status(405);
        client.send("PUT", address, None).assert_status(405);
        for malformed in ["", "id=carrier-1", "status=ok", "{", "{}", "\u{0}\u{1}"] {
            let body = ("application/x-www-form-urlencoded", malformed.as_bytes());
            client.send("POST", address, Some(body)).assert_problem(400, "BAD_REQUEST");
        }
        client.send("POST", address, Some(("text/plain", "x".repeat(70_000).as_bytes()))).assert_status(413);
        // A word that is not known yet is no reason to send it again.
        post_form(&client, address, &[("id", "carrier-1"), ("status", "pondering")]).assert_ok();
        wait_for(&application, &message, "sent", "");

        post_form(&client, address, &report).assert_ok();
        wait_for(&application, &message, "delivered", "");
    }
}

#[test]
fn no_secret_of_a_provider_is_in_the_log_the_pages_or_the_database() {
    let db = Database::sqlite();
    let provider = Provider::start(|_| ProviderAnswer::Reply("401 No", "{\"token\": \"s3cret-t0ken\"}".to_owned()));
    let address = free_address();
    let transport = format!("twilio+http://AC1:s3cret-t0ken@127.0.0.1:{}?from=Shop", provider.port);
    let arguments = ["--listen", &address, "--database-url", &db.url(), "--public-url", &format!("http://{address}")];
    let mut command = keyfob(&arguments);
    command.env("KEYFOB_SMS_TRANSPORT", &transport).env("KEYFOB_LOG", "trace");
    let mut process = Process::spawn(&mut command);
    let client = process.client();
    let app = App::start_set(&db, |_| {}, Clock::System).with_operator();
    client.log_in(crate::support::EMAIL, crate::support::PASSWORD);
    let application =
        Application { client: client.with("authorization", &format!("Bearer {}", app.make_key("X").secret)) };
    app.set_credits(10);
    application.send(PHONE, "Hello").assert_status(202);
    let sent = provider.wait_for(1).remove(0);
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(sent.body.as_bytes()).into_owned().collect();
    let path = path_of(&fields.iter().find(|(name, _)| name == "StatusCallback").unwrap().1);
    let secret = path.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    post_form(&client, &path, &[("MessageSid", "1"), ("MessageStatus", "sent")]).assert_status(403);
    wait_for_notice(&client, "Twilio refuses the password");

    let pages: Vec<String> = ["/messages", "/credits", "/settings", "/audit"].map(|path| client.get(path).body).into();
    process.signal("TERM");
    let ended = process.end();

    let log = format!("{}{}", ended.stdout, ended.stderr);
    assert!(log.contains("refuses the password") && log.contains("/v1/carriers/{name}/receipts/{secret}"), "{log}");
    let login = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, "AC1:s3cret-t0ken");
    for word in ["s3cret-t0ken", &secret, &login] {
        assert!(!log.contains(word), "{word} is in the log");
        assert!(!db.holds(word), "{word} is in the database");
        assert!(pages.iter().all(|page| !page.contains(word)), "{word} is on a page");
    }
}

#[test]
fn a_file_with_a_mistake_ends_the_start_with_the_line() {
    let db = Database::sqlite();
    for (text, words) in [
        ("url = 'https://sms.example.com'\nbodi = 'x'\n", "line 2: \"bodi\" is not known here; there are "),
        ("url = 'https://sms.example.com'\nbody = '{\"to\": \"{{to}}\"}'\n", "line 1: {{text}} is nowhere"),
        ("url = 'https://sms.example.com\n", "line 1: "),
        ("preset = 'telnyx'\nfrom = 'Shop'\n", "needs api_key"),
    ] {
        let template = Template::new(text);
        let arguments = ["--database-url", &db.url(), "--sms-transport", &template.url()];
        run(&arguments, "").assert_says(words);
    }
    let arguments = ["--database-url", &db.url(), "--sms-transport", "http-file:///nowhere/carrier.toml"];
    run(&arguments, "").assert_says("/nowhere/carrier.toml can't be read");
}
