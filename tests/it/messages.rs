//! The Messages page, a message's own page, and sending from the dashboard.

use std::thread;
use std::time::Duration;

use keyfob::domain::message::MessageId;
use serde_json::json;

use crate::support::{Answer, App, Application, Client, Database, Key, Page, on_both_databases};

const FORM: &str = "form#message-form";
const TO: &str = "+420777123456";

/// Sends a message with a key; gives its id.
#[track_caller]
fn send_with(app: &App, key: &Key, to: &str, text: &str) -> String {
    let client = app.anonymous().with("x-api-key", &key.secret);
    let body = json!({"to": to, "text": text, "from": "Clinic", "reference": "order-42"}).to_string();
    let answer = client.post_json("/v1/sms/messages", body).assert_status(202).json();
    answer["messages"][0]["id"].as_str().unwrap().to_owned()
}

fn form_id(client: &Client) -> String {
    client.get("/messages/new").page().field("form_id")
}

fn fields<'a>(form_id: &'a str, to: &'a str, text: &'a str, mode: &'a str) -> [(&'static str, &'a str); 4] {
    [("form_id", form_id), ("to", to), ("text", text), ("mode", mode)]
}

/// Sends a fresh form as somebody without JavaScript does.
#[track_caller]
fn send(client: &Client, to: &str, text: &str, mode: &str) -> Answer {
    client.post("/messages", &fields(&form_id(client), to, text, mode))
}

fn recipients(page: &Page) -> Vec<String> {
    page.texts(".message__recipient a")
}

/// The page, once every message on it is at its end.
#[track_caller]
fn settled(client: &Client, path: &str) -> Page {
    for _ in 0..400 {
        let page = client.get(path).assert_ok().page();
        if !page.has(".status--queued, .status--sending, .status--sent") {
            return page;
        }
        thread::sleep(Duration::from_millis(25));
    }
    panic!("{path} did not settle");
}

/// Copies one delivered message behind the form's back: quicker, and with one and the same time.
fn add_messages(app: &App, count: usize) {
    let client = app.signed_in();
    send(&client, TO, "Hello", "test").assert_status(303);
    let id = settled(&client, "/messages").attr(".message", "id");
    let copies: Vec<String> = (1..count)
        .map(|n| {
            format!(
                "INSERT INTO messages SELECT substr(id, 1, 20) || '{n:010}', account_id, api_key_id, mode, recipient, \
                 sender, text, reference, encoding, segments, credits, status, error, tries, due_at, valid_until, \
                 created_at, updated_at, carrier_code, rehearsed FROM messages WHERE id = '{id}'"
            )
        })
        .collect();
    app.db.execute(&copies.join(";\n"));
}

fn status_of(db: &Database, id: &str, status: &str, error: Option<&str>) {
    let error = error.map_or("NULL".to_owned(), |error| format!("'{error}'"));
    db.execute(&format!("UPDATE messages SET status = '{status}', error = {error}, due_at = NULL WHERE id = '{id}'"));
}

on_both_databases! {
    fn a_list_without_messages_tells_how_to_send_the_first(db: &Database) {
        let app = db.app();

        let page = app.signed_in().get("/messages").assert_ok().page();

        assert_eq!(page.text(".empty h2"), "Send your first message");
        assert!(page.text(".empty p").contains("API key"));
        assert_eq!(page.attrs("a[href='/messages/new']", "aria-haspopup"), ["dialog", "dialog"]);
        assert_eq!(page.attr(".nav__link[aria-current]", "href"), "/messages");
        assert!(!page.has("[hx-trigger]") && !page.has("#messages-filter"));
    }

    fn a_message_is_listed_with_all_that_is_known_about_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Project X");
        let id = send_with(&app, &key, TO, &"a".repeat(161));

        let page = settled(&client, "/messages");

        assert_eq!(page.texts("thead th"), ["Recipient", "Status", "Text", "Segments", "Credits", "Key", "Time"]);
        assert_eq!(page.attr(".message", "id"), id);
        assert_eq!(page.text(".message .status"), "Delivered");
        assert_eq!(page.text(".message__words"), format!("{}…", "a".repeat(120)));
        assert_eq!((page.text(".message__segments"), page.text(".message__credits")), ("2 segments".into(), "2 credits".into()));
        assert_eq!(page.attr(".message__key a", "href"), format!("/api-keys/{}", key.id));
        assert_eq!(page.text(".message__when"), "just now");
        assert_eq!(page.attr(".message__when time", "title"), "1 Mar 2026, 12:00:00 UTC");
        assert!(!page.has(".tag--test") && !page.has("[hx-trigger]"));
    }

    fn each_way_to_send_is_named(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (kept, deleted) = (app.make_key("Kept"), app.make_key("Deleted"));
        for key in [&kept, &deleted] {
            send_with(&app, key, TO, "Hello");
        }
        send(&client, TO, "Hello", "test").assert_status(303);
        client.post(&format!("/api-keys/{}/deletion", deleted.id), &[]).assert_status(303);

        let page = settled(&client, "/messages");

        assert_eq!(page.texts(".message__key"), ["dashboard", "deleted key", "Kept"]);
        assert_eq!(page.texts(".tag--test"), ["Test"]);
    }

    fn every_status_has_its_word_and_every_fault_its_sentence(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        send(&client, TO, "Hello", "test").assert_status(303);
        let id = settled(&client, "/messages").attr(".message", "id");

        for (status, word) in [
            ("queued", "Queued"), ("sending", "Sending"), ("sent", "Sent"), ("delivered", "Delivered"),
            ("undelivered", "Undelivered"), ("expired", "Expired"), ("failed", "Failed"),
        ] {
            status_of(db, &id, status, Some("carrier_error"));
            for path in ["/messages".to_owned(), format!("/messages/{id}")] {
                let page = client.get(&path).assert_ok().page();
                assert_eq!(page.text(&format!(".status--{status}")), word);
                assert!(page.texts(".message__fault").contains(&"The carrier has a fault.".to_owned()), "{path}");
            }
        }
    }

    fn a_page_asks_again_only_while_something_moves(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        send(&client, TO, "Hello", "test").assert_status(303);
        let id = settled(&client, "/messages").attr(".message", "id");
        let triggers = || {
            let paths = ["/messages?status=sent".to_owned(), format!("/messages/{id}")];
            paths.map(|path| client.get(&path).page().attrs("main [hx-trigger]", "hx-trigger"))
        };

        status_of(db, &id, "sent", None);
        assert_eq!(triggers(), [["every 2s"], ["every 2s"]]);
        app.clock.advance(61);
        assert_eq!(triggers(), [["every 20s"], ["every 20s"]]);
        app.clock.advance(3600);
        assert_eq!(triggers(), [[""; 0], [""; 0]]);
    }

    fn htmx_gets_the_part_that_asked(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        send(&client, TO, "Hello", "test").assert_status(303);
        let id = settled(&client, "/messages").attr(".message", "id");

        let list = client.htmx("section#messages").get("/messages").assert_ok();
        let facts = client.htmx("div#message-facts").get(&format!("/messages/{id}")).assert_ok();

        assert!(list.body.trim_start().starts_with("<section class=\"card messages\" id=\"messages\""), "{}", list.body);
        assert!(facts.body.trim_start().starts_with("<div id=\"message-facts\""), "{}", facts.body);
        assert!(!list.body.contains("<html") && !list.body.contains("<form"));
    }

    fn the_list_is_filtered_by_status_key_and_recipient(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (one, other) = (app.make_key("One"), app.make_key("Other"));
        send_with(&app, &one, "+420777000001", "Hello");
        send_with(&app, &one, "+420777000998", "Hello");
        send_with(&app, &other, "+420777000001", "Hello");
        settled(&client, "/messages");
        let shown = |query: &str| {
            let page = client.get(&format!("/messages?{query}")).assert_ok().page();
            (recipients(&page), page.texts("option[selected]"))
        };

        assert_eq!(shown("status=failed"), (vec!["+420777000998".to_owned()], vec!["Failed".to_owned()]));
        assert_eq!(shown(&format!("api_key={}", other.id)), (vec!["+420777000001".to_owned()], vec!["Other".to_owned()]));
        assert_eq!(shown("recipient=%2B420+777+000+001").0.len(), 2);
        let all = format!("status=delivered&api_key={}&recipient=%2B420777000001", one.id);
        assert_eq!(shown(&all).0, ["+420777000001"]);
        assert_eq!(shown("status=&api_key=&recipient=").0.len(), 3);
    }

    fn a_choice_that_nothing_fits_says_so(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        send(&client, TO, "Hello", "test").assert_status(303);

        let page = client.get("/messages?recipient=%2B420777999999").assert_ok().page();

        assert_eq!(page.text(".empty h2"), "No such messages");
        assert_eq!(page.attr(".filter__clear", "href"), "/messages");
        assert_eq!(page.field("recipient"), "+420777999999");
    }

    fn a_recipient_that_is_no_number_is_told_at_its_field(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for typed in ["777", "420777123456", "%3Cscript%3E", "%27--"] {
            let page = client.get(&format!("/messages?status=sent&recipient={typed}")).assert_status(422).page();
            assert!(page.has("#filter-recipient-error"), "{typed}");
            assert_eq!(page.text("option[selected]"), "Sent");
            assert!(!page.has("[hx-trigger]"));
        }
    }

    fn what_no_link_leads_to_is_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for query in ["status=gone", "api_key=x", "after=x", "status=sent%27", "api_key=msg_01234567890123456789012345"] {
            client.get(&format!("/messages?{query}")).assert_status(404);
        }
        for id in ["x", "msg_0", MessageId::mint().as_str()] {
            client.get(&format!("/messages/{id}")).assert_status(404);
        }
    }

    fn a_long_list_has_pages_that_keep_the_choice(db: &Database) {
        let app = db.app();
        add_messages(&app, 60);
        let client = app.signed_in();

        let first = client.get("/messages?status=delivered").page();
        let next = first.attr(".pager__next", "href");
        let second = client.get(&next).assert_ok().page();

        assert!(next.starts_with("/messages?status=delivered&after=msg_"), "{next}");
        let mut ids = first.attrs(".message", "id");
        assert_eq!(ids.len(), 50);
        ids.extend(second.attrs(".message", "id"));
        assert!(ids.is_sorted_by(|one, other| one > other), "newest first, none twice");
        assert_eq!(ids.len(), 60);
        assert_eq!(second.attr(".pager a", "href"), "/messages?status=delivered");
    }

    fn a_message_has_a_page_with_its_history(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = send_with(&app, &app.make_key("Project X"), TO, "one\ntwo");
        settled(&client, "/messages");

        let page = client.get(&format!("/messages/{id}")).assert_ok().page();

        assert_eq!(page.text("h1"), format!("Message to {TO}"));
        assert_eq!(page.raw_text(".message__full"), "one\ntwo");
        let facts = page.texts(".facts dd");
        for fact in ["Delivered", TO, "Clinic", "Project X", "Live", "order-42", &id] {
            assert!(facts.iter().any(|text| text == fact), "{fact}: {facts:?}");
        }
        let history = page.texts(".history__what");
        assert_eq!(history.first().map(String::as_str), Some("Accepted It was put in the queue."));
        assert_eq!(history.last().map(String::as_str), Some("Delivered It reached the phone."));
        assert!(page.text(".segments__one").starts_with("Delivered peer-"), "{}", page.text(".segments__one"));
    }

    fn a_refund_is_on_the_messages_page(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = send_with(&app, &app.make_key("Project X"), "+420777123998", "Hello");
        settled(&client, "/messages");

        let page = client.get(&format!("/messages/{id}")).page();

        assert!(page.texts(".settings__about p").contains(&"1 credit, 1 credit refunded".to_owned()));
        assert!(page.texts(".message__fault").contains(&"The carrier does not take this number.".to_owned()));
    }

    fn another_accounts_messages_are_nowhere(db: &Database) {
        let app = db.app();
        let eve = app.another_account();
        let key = app.make_key("Project X");
        let id = send_with(&app, &key, TO, "A secret text");
        settled(&app.signed_in(), "/messages");

        let answers = [
            eve.get("/messages").assert_ok(),
            eve.get("/messages?recipient=%2B420777123456").assert_ok(),
            eve.get(&format!("/messages?api_key={}", key.id)).assert_ok(),
            eve.get(&format!("/messages?after={}", MessageId::mint())).assert_ok(),
            eve.get(&format!("/messages/{id}")).assert_status(404),
            eve.htmx("div#message-facts").get(&format!("/messages/{id}")).assert_status(404),
        ];

        for answer in answers {
            assert!(!answer.body.contains("secret") && !answer.body.contains("Project X"), "{}", answer.body);
            assert!(!answer.page().has(".message"));
        }
    }

    fn the_form_is_a_dialog_for_htmx_and_a_page_of_its_own_otherwise(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let dialog = client.htmx("a").get("/messages/new").assert_ok();
        let page = client.get("/messages/new").assert_ok().page();

        assert_eq!(dialog.page().text("#dialog-title"), "Send a test message");
        assert!(!dialog.body.contains("<html"));
        assert_eq!(page.text("h1"), "Send a test message");
        assert_eq!(page.attr("input[name=mode][checked]", "value"), "test");
        assert!(page.text(".outcomes").contains("…997"));
        assert_ne!(page.field("form_id"), dialog.page().field("form_id"));
    }

    fn a_test_message_is_delivered_and_costs_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        send(&client, " +420 777 123 456 ", "Hello", "test").assert_leads_to("/messages");

        let toasts = client.get("/messages").page().toasts();
        assert_eq!(toasts, ["Success. The test message to +420 777 123 456 is on its way. 1 segment, no credits."]);
        let page = settled(&client, "/messages");
        assert_eq!((recipients(&page), page.text(".status")), (vec![TO.to_owned()], "Delivered".to_owned()));
        assert_eq!(client.get("/credits").page().text(".credits__balance"), "100 credits");
    }

    fn a_live_message_is_charged_and_htmx_is_led_to_the_list(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = form_id(&client);

        let answer = client.htmx(FORM).post("/messages", &fields(&id, TO, "Hello", "live")).assert_ok();

        answer.assert_header("hx-redirect", "/messages");
        assert_eq!(settled(&client, "/messages").text(".status"), "Delivered");
        assert_eq!(client.get("/credits").page().text(".credits__balance"), "99 credits");
    }

    fn a_text_costs_the_same_in_a_form_as_by_the_api(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        // A browser sends a line break as CR LF.
        let text = format!("{}\r\n{}", "a".repeat(80), "b".repeat(79));

        let refused = send(&client, "777", &text, "live").assert_status(422).page();
        assert_eq!(refused.text("[data-cost]"), "1 segment, 1 credit");
        send(&client, TO, &text, "live").assert_leads_to("/messages");

        assert!(client.get("/messages").page().toasts()[0].ends_with("is on its way. 1 segment, 1 credit."));
        assert_eq!(client.get("/credits").page().text(".credits__balance"), "99 credits");
        let key = app.make_key("Project X");
        let sent = Application::with(&app, &key).sent(TO, &text.replace("\r\n", "\n"));
        assert_eq!((&sent["segments"], &sent["credits"]), (&json!(1), &json!(1)));
        let too_long = send(&client, TO, &"a".repeat(1531), "live").assert_status(422).page();
        assert_eq!(too_long.text("[data-cost]"), "");
    }

    fn one_form_sends_once_however_often_it_is_sent(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = form_id(&client);
        let send = || client.post("/messages", &fields(&id, TO, "Hello", "live"));

        let statuses: Vec<u16> = thread::scope(|all| {
            let sends: Vec<_> = (0..8).map(|_| all.spawn(send)).collect();
            sends.into_iter().map(|send| send.join().unwrap().status).collect()
        });
        send().assert_leads_to("/messages");

        assert!(statuses.iter().all(|status| [303, 409].contains(status)), "{statuses:?}");
        assert_eq!(db.count("messages"), 1);
        assert_eq!(client.get("/credits").page().text(".credits__balance"), "99 credits");
    }

    fn another_text_under_a_forms_old_id_is_asked_about(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = form_id(&client);
        client.post("/messages", &fields(&id, TO, "One", "test")).assert_status(303);

        let page = client.post("/messages", &fields(&id, TO, "Two", "test")).assert_status(422).page();

        assert!(page.text(".form__message .alert").starts_with("This form was sent before"));
        assert_eq!(page.field("text").trim_start(), "Two");
        assert_eq!(db.count("messages"), 1);
        let id = page.field("form_id");
        client.post("/messages", &fields(&id, TO, "Two", "test")).assert_status(303);
        assert_eq!(db.count("messages"), 2);
    }

    fn what_is_wrong_is_told_at_its_field_and_what_was_typed_is_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let id = form_id(&client);
        let page = client.htmx(FORM).post("/messages", &fields(&id, "777", " ", "both")).assert_status(422).page();
        assert!(page.text("#message-to-error").starts_with("Begin the phone number with +"));
        assert_eq!(page.text("#message-text-error"), "A text is required.");
        assert_eq!(page.text("#message-mode-error"), "Choose Test or Live.");
        assert_eq!((page.field("to"), page.field("form_id")), ("777".to_owned(), id));

        let page = send(&client, "", &"ы".repeat(671), "live").assert_status(422).page();
        assert!(page.text("#message-text-error").contains("takes 11 segments"));
        assert_eq!(page.field("text").trim_start().chars().count(), 671);
        assert_eq!(page.attr("input[name=mode][checked]", "value"), "live");

        let page = client.post("/messages", &fields("nonsense", TO, "kept", "test")).assert_status(422).page();
        assert_eq!(page.text(".form__message .alert"), "This form had expired. Check it and press Send again.");
        assert!(page.field("form_id").parse::<MessageId>().is_ok());
        client.post("/messages", &[]).assert_status(422);
        assert_eq!(db.count("messages"), 0);
    }

    fn without_credits_the_form_says_what_is_missing_and_where_it_is_had(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        db.execute("UPDATE credit_balances SET credits = 1");

        for client in [&client, &client.htmx(FORM)] {
            let id = MessageId::mint().to_string();
            let page = client.post("/messages", &fields(&id, TO, &"a".repeat(161), "live")).assert_status(402).page();
            assert!(page.text(".form__message .alert").starts_with("This costs 2 credits and the account has 1 credit."));
            assert_eq!(page.attr(".form__message a", "href"), "/credits");
            assert_eq!(page.field("form_id"), id);
        }

        assert_eq!(db.count("messages"), 0);
        send(&client, TO, "A test costs nothing", "test").assert_status(303);
    }

    fn whoever_is_not_logged_in_sees_and_sends_nothing_and_loses_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = form_id(&client);
        let nobody = app.anonymous();

        nobody.get("/messages").assert_leads_to("/login?next=/messages");
        nobody.get("/messages/new").assert_status(303);
        let page = nobody.post("/messages", &fields(&id, TO, "Typed & kept", "live")).assert_status(401).page();
        nobody.htmx(FORM).post("/messages", &fields(&id, TO, "x", "live")).assert_status(401);

        assert_eq!(db.count("messages"), 0);
        let (next, draft) = (page.field("next"), page.field("draft"));
        let login = [("email", crate::support::EMAIL), ("password", crate::support::PASSWORD), ("next", &*next), ("draft", &*draft)];
        nobody.post("/login", &login).assert_leads_to("/messages/new");
        let form = nobody.get("/messages/new").page();
        assert_eq!((form.field("to"), form.field("text").trim_start().to_owned()), (TO.to_owned(), "Typed & kept".to_owned()));
        assert_eq!(form.attr("input[name=mode][checked]", "value"), "live");
    }
}
