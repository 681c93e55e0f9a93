//! The Messages page, a message's own page, and sending from the dashboard.

use std::thread;
use std::time::Duration;

use keyfob::domain::message::MessageId;
use serde_json::json;

use crate::support::{Answer, App, Application, Client, Database, Key, Page, form, on_both_databases};

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

fn tail(key: &Key) -> &str {
    &key.secret[key.secret.len() - 4..]
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
                "INSERT INTO messages (id, account_id, api_key_id, mode, recipient, sender, text, reference, encoding, \
                 segments, credits, status, error, tries, due_at, valid_until, created_at, updated_at, carrier_code, \
                 rehearsed, carrier) SELECT substr(id, 1, 20) || '{n:010}', account_id, api_key_id, mode, recipient, \
                 sender, text, reference, encoding, segments, credits, status, error, tries, due_at, valid_until, \
                 created_at, updated_at, carrier_code, rehearsed, carrier FROM messages WHERE id = '{id}'"
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
    fn counts_are_added_up_also_while_the_rest_of_a_sweep_fails(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        send(&client, TO, "Hello", "live").assert_status(303);
        settled(&client, "/messages");
        db.execute("ALTER TABLE message_events RENAME TO message_events_away");
        db.execute("UPDATE messages SET status = 'sent', due_at = 1");

        db.execute(
            "INSERT INTO message_count_changes SELECT 'mcc_' || substr(id, 5), id, '', 0, '', '', 'sent', '', 1, 0, '' \
             FROM accounts",
        );

        for _ in 0..400 {
            if db.count("message_count_changes") == 0 {
                return;
            }
            thread::sleep(Duration::from_millis(25));
        }
        panic!("the changes pile up");
    }

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

        assert_eq!(page.texts(".table thead th"), ["Recipient", "Status", "Text", "Segments", "Credits", "Key", "Time"]);
        assert_eq!(page.attr(".message", "id"), id);
        assert_eq!(page.text(".message .status"), "Delivered");
        assert_eq!(page.text(".message__words"), format!("{}…", "a".repeat(120)));
        assert_eq!((page.text(".message__segments"), page.text(".message__credits")), ("2 segments".into(), "2 credits".into()));
        assert_eq!(page.attr(".message__key a", "href"), format!("/api-keys/{}", key.id));
        assert_eq!(page.text(".message__when [data-ago]"), "just now");
        assert_eq!(page.attr(".message__when [data-ago]", "title"), "1 Mar 2026, 12:00:00 UTC");
        assert_eq!(page.text(".message__clock"), "1 Mar 2026, 12:00 UTC");
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

        assert_eq!(page.texts(".message__key"), ["dashboard", "deleted key", &format!("Kept …{}", tail(&kept))]);
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
                assert!(page.texts(".message__fault").contains(&"The carrier reported an error on its side.".to_owned()), "{path}");
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

        let list = client.htmx("div#messages").get("/messages").assert_ok();
        let facts = client.htmx("div#message-facts").get(&format!("/messages/{id}")).assert_ok();

        assert!(list.body.trim_start().starts_with("<div class=\"messages\" id=\"messages\""), "{}", list.body);
        assert!(facts.body.trim_start().starts_with("<div id=\"message-facts\""), "{}", facts.body);
        assert!(!list.body.contains("<html") && !list.body.contains("<form"));
    }

    fn the_list_is_filtered_by_status_and_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (one, other) = (app.make_key("Shop"), app.make_key("Shop"));
        send_with(&app, &one, "+420777000001", "Hello");
        send_with(&app, &one, "+420777000998", "Hello");
        send_with(&app, &other, "+420777000002", "Hello");
        settled(&client, "/messages");
        let shown = |query: &str| {
            let page = client.get(&format!("/messages?{query}")).assert_ok().page();
            (recipients(&page), page.texts("option[selected]"))
        };

        assert_eq!(shown("status=failed"), (vec!["+420777000998".to_owned()], vec!["Failed".to_owned()]));
        let others = (vec!["+420777000002".to_owned()], vec![format!("Shop …{}", tail(&other))]);
        assert_eq!(shown(&format!("api_key={}", other.id)), others, "keys of one name are told apart");
        assert_eq!(shown(&format!("status=delivered&api_key={}&q=777", one.id)).0, ["+420777000001"]);
        assert_eq!(shown("q=&status=&api_key=&from=&to=&utc_offset=").0.len(), 3);
    }

    fn one_search_finds_part_of_a_number_a_text_or_a_reference(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Project X");
        let first = send_with(&app, &key, "+420777000001", "Your parcel: 100% of it");
        send_with(&app, &key, "+447700900123", "Příliš žluťoučký kůň");
        settled(&client, "/messages");
        let found = |typed: &str| recipients(&client.get(&format!("/messages?{}", form(&[("q", typed)]))).assert_ok().page());
        let (czech, british) = ("+420777000001", "+447700900123");

        for typed in ["420777", "00420777", "+420777", "+420 777 000 001", "(777) 000-001", "0777000", "PARCEL", "100%", &first] {
            assert_eq!(found(typed), [czech], "{typed}");
        }
        for typed in ["+44", "77009", "žluťoučký", " kůň "] {
            assert_eq!(found(typed), [british], "{typed}");
        }
        for typed in ["order-42", "77", " ", "R-42"] {
            assert_eq!(found(typed).len(), 2, "{typed}");
        }
        for typed in ["+777", "1000%", "7_0", "%", "_", "!", "'", "msg_0", "nothing like it"] {
            assert!(found(typed).len() < 2, "{typed}: no wildcard");
        }
    }

    fn days_are_those_of_the_reader(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        // 1 March at noon in UTC, and half an hour before the end of 2 March.
        send_with(&app, &key, "+420777000001", "Hello");
        app.clock.advance(35 * 3600 + 1800);
        let client = app.signed_in();
        send_with(&app, &key, "+420777000002", "Hello");
        settled(&client, "/messages");
        let (first, second) = ("+420777000001".to_owned(), "+420777000002".to_owned());
        let found = |query: &str| recipients(&client.get(&format!("/messages?{query}")).assert_ok().page());

        assert_eq!(found("from=2026-03-01&to=2026-03-01"), std::slice::from_ref(&first));
        assert_eq!(found("from=2026-03-02"), std::slice::from_ref(&second));
        assert_eq!(found("to=2026-03-02"), [second.clone(), first.clone()]);
        assert_eq!(found("from=2026-03-03&utc_offset=60"), [second], "in Prague it is the day after");
        assert_eq!(found("to=2026-03-01&utc_offset=-720"), [first], "far in the west both days begin later");
        assert!(found("from=2026-03-03").is_empty() && found("to=2026-02-28").is_empty());
    }

    fn days_that_are_none_are_told_at_their_fields(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for (query, id) in [
            ("from=yesterday", "from"), ("to=2026-02-30", "to"), ("from=%27--", "from"), ("from=2026-03-02&to=2026-03-01", "to"),
        ] {
            let page = client.get(&format!("/messages?status=sent&{query}")).assert_status(422).page();
            assert!(page.has(&format!("#filter-{id}-error")), "{query}");
            assert_eq!(page.text("option[selected]"), "Sent");
            assert!(!page.has("[hx-trigger]"));
            client.get(&format!("/messages.csv?{query}")).assert_status(422);
        }
    }

    fn causes_are_counted_and_choose_their_messages(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Project X");
        for to in ["+420777000998", "+420777001998", "+420777000997", TO] {
            send_with(&app, &key, to, "Hello");
        }
        let page = settled(&client, "/messages");
        assert_eq!(page.texts(".cause"), ["Number rejected 2", "Phone not reached 1"]);

        let chosen = client.get(&page.attrs(".cause", "href")[0]).assert_ok().page();
        assert_eq!(recipients(&chosen), ["+420777001998", "+420777000998"]);
        assert_eq!(chosen.attrs(".cause", "href"), ["/messages", "/messages?error=undelivered"], "again shows all");
        assert_eq!(chosen.field("error"), "invalid_recipient", "kept by the form");

        let narrowed = client.get("/messages?q=1998").assert_ok().page();
        assert_eq!(narrowed.texts(".cause"), ["Number rejected 1"]);
        assert_eq!(narrowed.attr(".cause", "href"), "/messages?q=1998&error=invalid_recipient");
    }

    fn messages_are_pictured_by_hour_and_by_day_with_links_to_their_lists(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Project X");
        assert!(!client.get("/messages").page().has(".picture"), "there is nothing to show yet");
        for to in ["+420777000998", "+420777000997", TO] {
            send_with(&app, &key, to, "Hello");
        }
        settled(&client, "/messages");
        app.clock.advance(25 * 3_600);
        let client = app.signed_in();
        send_with(&app, &key, TO, "A day later");
        let legend = |page: &Page| page.texts(".chart__legend a");

        let page = settled(&client, "/messages");
        assert_eq!(legend(&page), ["1 delivered", "0 sent", "0 waiting", "0 not delivered"]);
        let cells = |page: &Page, row: usize| page.texts(&format!(".chart__table tbody tr:nth-child({row}) > *"));
        assert_eq!(page.texts(".chart__table tbody tr").len(), 24);
        assert_eq!(cells(&page, 1), ["2 Mar, 13:00", "1", "0", "0", "0"]);
        assert_eq!(cells(&page, 2), ["2 Mar, 12:00", "0", "0", "0", "0"]);
        assert!(!page.has(".cause"), "what went wrong is longer ago");

        let days = client.get(&page.attrs(".views__link", "href")[1]).assert_ok().page();
        assert_eq!(days.text(".views__link[aria-current]"), "30 days");
        assert_eq!(legend(&days), ["2 delivered", "0 sent", "0 waiting", "2 not delivered"]);
        assert_eq!(days.texts(".chart__table tbody tr").len(), 30);
        assert_eq!(cells(&days, 1), ["2 Mar", "1", "0", "0", "0"]);
        assert_eq!(cells(&days, 2), ["1 Mar", "1", "0", "0", "2"]);
        assert_eq!(days.texts(".cause"), ["Number rejected 1", "Phone not reached 1"]);

        let failed = client.get(&days.attrs(".chart__legend a", "href")[3]).assert_ok().page();
        assert_eq!(recipients(&failed), ["+420777000997", "+420777000998"]);
        assert_eq!((failed.text("option[selected]"), failed.field("from")), ("Not delivered".to_owned(), "2026-02-01".to_owned()));
        assert!(!failed.has(".picture") && failed.has(".cause"), "the causes are those of the list");
        let cause = client.get(&failed.attrs(".cause", "href")[0]).assert_ok().page();
        assert_eq!(recipients(&cause), ["+420777000998"]);
        assert!(client.get("/messages?status=waiting").assert_ok().page().texts(".message").is_empty());
        assert_eq!(recipients(&client.get("/messages?status=delivered").page()).len(), 2);
        client.get("/messages?status=gone").assert_status(404);
        assert_eq!(legend(&client.get("/messages?period=nonsense").assert_ok().page()), legend(&page));
    }

    fn what_is_filtered_is_exported_and_holds_no_formula(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("=1+1");
        let refused = send_with(&app, &key, "+420777000998", "=HYPERLINK(\"http://x\")");
        send_with(&app, &key, TO, "one\ntwo");
        let page = settled(&client, "/messages");

        let all = client.get(&page.attr(".messages__export a", "href")).assert_ok();
        let all = all.assert_header("content-type", "text/csv; charset=utf-8; header=present");
        let all = all.assert_header("content-disposition", "attachment; filename=\"messages-2026-03-01.csv\"");
        let header = "\u{feff}\"id\",\"accepted_at\",\"updated_at\",\"recipient\",\"sender\",\"text\",\"reference\"";
        assert!(all.body.starts_with(header), "{}", all.body);
        assert!(all.body.contains("\"one\ntwo\"") && all.body.ends_with("\r\n"), "{}", all.body);

        let failed = client.get("/messages.csv?status=failed&after=").assert_ok().body;
        let line = format!(
            "\"{refused}\",\"2026-03-01T12:00:00.000000Z\",\"2026-03-01T12:00:00.000000Z\",\"+420777000998\",\"Clinic\",\"'=HYPERLINK(\"\"http://x\"\")\",\
             \"order-42\",\"live\",\"false\",\"failed\",\"invalid_recipient\",\"0x0b\",\"1\",\"1\",\"1\",\"{}\",\"'=1+1\",\"default\"",
            key.id
        );
        assert_eq!(failed.lines().nth(1), Some(&*line));
        assert_eq!(failed.lines().count(), 2);
    }

    fn an_export_has_more_than_a_page_and_nothing_of_others(db: &Database) {
        let app = db.app();
        add_messages(&app, 1_060);

        let file = app.signed_in().get("/messages.csv").assert_ok().body;
        let mut ids: Vec<&str> = file.lines().skip(1).filter_map(|line| line.split('"').nth(1)).collect();
        assert!(ids.is_sorted_by(|one, other| one > other), "newest first, none twice");
        ids.dedup();
        assert_eq!(ids.len(), 1_060);
        let rest = app.signed_in().get(&format!("/messages.csv?after={}", ids[1_049])).assert_ok().body;
        assert_eq!(rest.lines().nth(1).and_then(|line| line.split('"').nth(1)), Some(ids[1_050]));
        assert_eq!(rest.lines().count(), 1 + 10);

        assert_eq!(app.another_account().get("/messages.csv").assert_ok().body.lines().count(), 1);
        app.anonymous().get("/messages.csv").assert_leads_to("/login?next=/messages.csv");
        app.signed_in().get("/messages.csv?status=gone").assert_status(404);
    }

    fn a_choice_that_nothing_fits_says_so(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        send(&client, TO, "Hello", "test").assert_status(303);

        let page = client.get("/messages?q=%2B420777999999").assert_ok().page();

        assert_eq!(page.text(".empty h2"), "No messages found");
        assert_eq!(page.attr(".filter__clear", "href"), "/messages");
        assert_eq!(page.field("q"), "+420777999999");
    }

    fn what_no_link_leads_to_is_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for query in ["status=gone", "error=gone", "api_key=x", "after=x", "before=x", "utc_offset=x", "utc_offset=9999", "status=sent%27", "api_key=msg_01234567890123456789012345"] {
            client.get(&format!("/messages?{query}")).assert_status(404);
        }
        for id in ["x", "msg_0", MessageId::mint().as_str()] {
            client.get(&format!("/messages/{id}")).assert_status(404);
        }
    }

    fn a_long_list_has_pages_that_keep_the_choice(db: &Database) {
        let app = db.app();
        add_messages(&app, 160);
        let client = app.signed_in();
        let next = |page: &Page| client.get(&page.attr(".pager__next", "href")).assert_ok().page();

        let first = client.get("/messages?status=delivered").page();
        let second = next(&first);
        let third = next(&second);
        let last = next(&third);

        let href = first.attr(".pager__next", "href");
        assert!(href.starts_with("/messages?status=delivered&after=msg_"), "{href}");
        let pages = [&first, &second, &third, &last];
        let ids: Vec<String> = pages.iter().flat_map(|page| page.attrs(".message", "id")).collect();
        assert!(ids.is_sorted_by(|one, other| one > other), "newest first, none twice");
        assert_eq!(ids.len(), 160);
        let positions = ["1–50 of 160", "51–100 of 160", "101–150 of 160", "151–160 of 160"];
        assert_eq!(pages.map(|page| page.text(".pager__position")), positions);
        assert!(!first.has(".pager__newer") && !last.has(".pager__next"));
        assert_eq!(second.attrs(".pager a", "href")[0], "/messages?status=delivered", "the one before is the first");
        let back = client.get(&last.attr(".pager__newer", "href")).assert_ok().page();
        assert_eq!(back.attrs(".message", "id"), third.attrs(".message", "id"));
        assert_eq!(back.text(".pager__position"), "101–150 of 160");
        assert_eq!(client.get("/messages?q=160").page().texts(".pager__position"), [""; 0]);
        assert_eq!(client.get("/messages?q=hello").page().text(".pager__position"), "1–50", "a search is not counted");
    }

    fn a_message_leads_back_to_the_list_that_led_to_it(db: &Database) {
        let app = db.app();
        add_messages(&app, 60);
        let client = app.signed_in();
        let list = client.get("/messages?q=hello&status=delivered").page().attr(".pager__next", "href");

        let href = client.get(&list).page().attrs(".message__recipient a", "href").remove(0);
        let back = |path: &str| client.get(path).assert_ok().page().attr(".page-header__up a", "href");
        let id = &href[..href.find('?').unwrap()];

        assert_eq!(back(&href), list);
        assert_eq!(back(id), "/messages");
        assert_eq!(back(&format!("{id}?status=gone")), "/messages");
        assert_eq!(back(&format!("{id}?q=%22%3E%3Cb%3E")), "/messages?q=%22%3E%3Cb%3E");
    }

    fn a_message_has_a_page_with_its_history(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Project X");
        let id = send_with(&app, &key, TO, "one\ntwo");
        settled(&client, "/messages");

        let page = client.get(&format!("/messages/{id}")).assert_ok().page();

        assert_eq!(page.text("h1"), format!("Message to {TO}"));
        assert_eq!(page.raw_text(".message__full"), "one\ntwo");
        let facts = page.texts(".facts dd");
        let key_name = format!("Project X …{}", tail(&key));
        for fact in ["Delivered", TO, "Clinic", &key_name, "Live", "order-42", &id, "1 Mar 2026, 12:00:00 UTC"] {
            assert!(facts.iter().any(|text| text == fact), "{fact}: {facts:?}");
        }
        let history = page.texts(".history__what");
        assert_eq!(history.first().map(String::as_str), Some("Accepted Waiting to be sent."));
        assert_eq!(history.last().map(String::as_str), Some("Delivered It reached the phone."));
        assert!(page.text(".segments__one").starts_with("Delivered peer-"), "{}", page.text(".segments__one"));
    }

    fn what_was_refunded_was_not_spent(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = send_with(&app, &app.make_key("Project X"), "+420777123998", "Hello");
        let list = settled(&client, "/messages");
        assert_eq!(list.text(".message__credits"), "0 credits, 1 refunded");

        let page = client.get(&format!("/messages/{id}")).page();

        assert!(page.texts(".settings__about p").contains(&"1 credit, refunded".to_owned()));
        assert!(page.texts(".message__fault").contains(&"The carrier rejected this number.".to_owned()));
    }

    fn another_accounts_messages_are_nowhere(db: &Database) {
        let app = db.app();
        let eve = app.another_account();
        let key = app.make_key("Project X");
        let id = send_with(&app, &key, TO, "A secret text");
        settled(&app.signed_in(), "/messages");

        let answers = [
            eve.get("/messages").assert_ok(),
            eve.get("/messages?q=777123456").assert_ok(),
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

        assert_eq!(dialog.page().text("#dialog-title"), "Send a message");
        assert!(!dialog.body.contains("<html"));
        assert_eq!(page.text("h1"), "Send a message");
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

        assert!(page.text(".form__message .alert").starts_with("You already sent a message with this form"));
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
        assert_eq!(page.text(".form__message .alert"), "This form has expired. Check it and press Send again.");
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
            assert!(page.text(".form__message .alert").starts_with("This costs 2 credits and you have 1 credit."));
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
