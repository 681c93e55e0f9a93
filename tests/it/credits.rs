//! The Credits page: the balance, the ledger, and adding credits.

use std::thread;

use keyfob::domain::credit::LedgerEntryId;
use serde_json::json;

use crate::support::{Answer, App, Client, Database, Page, on_both_databases, run};

fn entry_id(client: &Client) -> String {
    client.get("/credits").page().field("entry_id")
}

fn add(client: &Client, entry_id: &str, amount: &str, note: &str) -> Answer {
    client.post("/credits", &[("entry_id", entry_id), ("amount", amount), ("note", note)])
}

#[track_caller]
fn balance(client: &Client) -> String {
    client.get("/credits").assert_ok().page().text(".credits__balance")
}

/// The ledger as it is read: change, reason and note.
fn ledger(page: &Page) -> Vec<(String, String, String)> {
    let (changes, reasons) = (page.texts(".ledger__change"), page.texts(".ledger__reason"));
    let notes = page.texts(".ledger__note");
    changes.into_iter().zip(reasons).zip(notes).map(|((change, reason), note)| (change, reason, note)).collect()
}

fn line(change: &str, reason: &str, note: &str) -> (String, String, String) {
    (change.to_owned(), reason.to_owned(), note.to_owned())
}

/// Sends a message by the API; gives its id.
#[track_caller]
fn send(app: &App, to: &str) -> String {
    let key = app.make_key("Project X");
    let client = app.anonymous().with("x-api-key", &key.secret);
    let answer = client.post_json("/v1/sms/messages", json!({"to": to, "text": "Hello"}).to_string());
    answer.assert_status(202).json()["messages"][0]["id"].as_str().unwrap().to_owned()
}

/// Takes everything but so many credits.
fn spend_all_but(db: &Database, left: i64) {
    db.execute(&format!("UPDATE credit_balances SET credits = {left}"));
}

on_both_databases! {
    fn a_new_account_has_its_opening_balance(db: &Database) {
        let app = db.app();

        let page = app.signed_in().get("/credits").assert_ok().page();

        assert_eq!(page.text(".credits__balance"), "100 credits");
        assert_eq!(ledger(&page), [line("+100", "Opening balance", "")]);
        assert!(!page.has(".notice"));
        assert_eq!(page.attr(".nav__link[aria-current]", "href"), "/credits");
    }

    fn credits_are_added_with_a_note_and_the_name_of_the_operator(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(1);

        add(&client, &entry_id(&client), " 1,500 ", " Invoice 7 ").assert_leads_to("/credits");

        let page = client.get("/credits").page();
        assert_eq!(page.toasts(), ["Success. 1,500 credits added."]);
        assert_eq!(page.text(".credits__balance"), "1,600 credits");
        assert_eq!(ledger(&page), [line("+1,500", "Added by Ada", "Invoice 7"), line("+100", "Opening balance", "")]);
    }

    fn a_message_and_its_refund_are_in_the_ledger_with_the_way_to_the_message(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(1);
        let id = send(&app, "+420777123998");

        // The two are read one after the other: a refund may come in between.
        let is_whole = |page: &Page| page.texts(".ledger__reason").len() == 3 && page.text(".credits__balance") == "100 credits";
        let page = wait_for(&client, is_whole);

        let mut lines = ledger(&page);
        lines.sort();
        assert_eq!(lines, [
            line("+1", "Refund for message to +420777123998", ""),
            line("+100", "Opening balance", ""),
            line("−1", "Message to +420777123998", ""),
        ]);
        assert_eq!(page.attrs(".ledger__reason a", "href"), [format!("/messages/{id}"), format!("/messages/{id}")]);
    }

    fn the_same_form_again_adds_nothing_and_says_so(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = entry_id(&client);
        add(&client, &id, "500", "Invoice 7").assert_status(303);
        assert_eq!(client.get("/credits").page().toasts(), ["Success. 500 credits added."]);

        add(&client, &id, "9000", "Invoice 8").assert_leads_to("/credits");

        let page = client.get("/credits").page();
        assert_eq!(page.toasts(), ["These credits were already added."]);
        assert_eq!(page.text(".credits__balance"), "600 credits");
        assert_eq!(db.count("ledger_entries"), 2);
    }

    fn one_form_sent_many_times_at_once_adds_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = entry_id(&client);

        thread::scope(|all| {
            let sends: Vec<_> = (0..8).map(|_| all.spawn(|| add(&client, &id, "500", "Invoice 7"))).collect();
            sends.into_iter().for_each(|send| drop(send.join().unwrap().assert_status(303)));
        });

        assert_eq!(balance(&client), "600 credits");
    }

    fn what_is_wrong_is_told_at_its_field_and_what_was_typed_is_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let rule = "Enter a whole number of credits from 1 to 1,000,000,000.";

        for amount in ["", "0", "-5", "+5", "1.5", "many", "1000000001", "99999999999999999999", "٥"] {
            let id = entry_id(&client);
            let page = add(&client, &id, amount, "kept").assert_status(422).page();
            assert_eq!(page.text("#credits-amount-error"), rule, "{amount}");
            assert_eq!((page.field("amount"), page.field("note")), (amount.to_owned(), "kept".to_owned()));
            assert_eq!(page.field("entry_id"), id);
        }
        let page = add(&client, &entry_id(&client), "500", " ").assert_status(422).page();
        assert_eq!(page.text("#credits-note-error"), "Note is required.");
        assert_eq!(page.field("amount"), "500");
        let page = add(&client, "nonsense", "500", "kept").assert_status(422).page();
        assert_eq!(page.text(".credits__form .alert"), "This form has expired. Check it and press Add Credits again.");
        assert!(page.field("entry_id").parse::<LedgerEntryId>().is_ok());
        client.post("/credits", &[]).assert_status(422);
        assert_eq!(balance(&client), "100 credits");
    }

    fn a_low_balance_is_pointed_out(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for (left, hint) in [(10, None), (9, Some("Few credits left.")), (0, Some("No credits left"))] {
            spend_all_but(db, left);
            let page = client.get("/credits").page();
            assert_eq!(page.texts(".notice").is_empty(), hint.is_none(), "{left}");
            assert!(page.texts(".notice").iter().all(|text| text.starts_with(hint.unwrap_or_default())), "{left}");
        }
        spend_all_but(db, 1);
        assert_eq!(balance(&client), "1 credit");
    }

    fn a_long_ledger_has_pages(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        for n in 1..=60 {
            add(&client, LedgerEntryId::mint().as_str(), "1", &format!("Number {n}")).assert_status(303);
        }

        let first = client.get("/credits").page();
        let second = client.get(&first.attr(".pager__next", "href")).assert_ok().page();

        let mut notes = first.texts(".ledger__note");
        assert_eq!(notes.len(), 50);
        notes.extend(second.texts(".ledger__note"));
        notes.sort();
        notes.dedup();
        assert_eq!(notes.len(), 61, "none twice, none left out");
        assert_eq!(second.attr(".pager a", "href"), "/credits");
        assert_eq!(first.text(".pager__position"), "1–50 of 61");
        assert_eq!(second.text(".pager__position"), "51–61 of 61");
        for cursor in ["x", "1.led_0", "1;DROP TABLE ledger_entries"] {
            for name in ["after", "before"] {
                client.get(&format!("/credits?{name}={}", cursor.replace(' ', "%20"))).assert_status(404);
            }
        }
    }

    fn a_page_of_the_ledger_leads_to_the_one_before_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        for n in 1..=110 {
            add(&client, LedgerEntryId::mint().as_str(), "1", &format!("Number {n}")).assert_status(303);
        }
        let next = |page: &Page| client.get(&page.attr(".pager__next", "href")).assert_ok().page();

        let second = next(&client.get("/credits").page());
        let third = next(&second);
        let back = client.get(&third.attr(".pager__newer", "href")).assert_ok().page();

        assert_eq!(back.texts(".ledger__note"), second.texts(".ledger__note"));
        assert_eq!(back.text(".pager__position"), "51–100 of 111");
        assert!(!second.has(".pager__newer") && !third.has(".pager__next"), "the first page has a link of its own");
    }

    fn another_accounts_ledger_is_never_shown_and_never_changed(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let eve = app.another_account();
        let id = entry_id(&client);
        add(&client, &id, "500", "Secret invoice").assert_status(303);
        send(&app, "+420777123456");

        let page = eve.get("/credits").assert_ok();
        add(&eve, &id, "7", "Eve").assert_status(303);

        assert!(!page.body.contains("Secret invoice") && !page.body.contains("+420777123456"));
        assert_eq!(ledger(&page.page()), [line("+100", "Opening balance", "")]);
        assert_eq!(balance(&client), "599 credits");
        assert_eq!(balance(&eve), "100 credits");
    }

    fn whoever_is_not_logged_in_sees_and_adds_nothing(db: &Database) {
        let app = db.app();
        let nobody = app.anonymous();

        nobody.get("/credits").assert_leads_to("/login?next=/credits");
        add(&nobody, LedgerEntryId::mint().as_str(), "500", "x").assert_leads_to("/login");

        assert_eq!(balance(&app.signed_in()), "100 credits");
    }

    fn credits_are_added_and_asked_for_by_the_command_line(db: &Database) {
        drop(db.first_start());
        let url = db.url();
        let keyfob = |arguments: &[&str]| run(&[arguments, &["--database-url", &url]].concat(), "");

        let shown = keyfob(&["credits"]).assert_success().stdout;
        assert_eq!(shown, format!("100 credits. ({})\n", db.url()));
        let added = keyfob(&["credits", "add", "500", "--note", "Invoice 7"]).assert_success();
        assert!(added.stdout.starts_with("500 credits added; the account has 600 now. ("), "{added:?}");
        keyfob(&["credits", "add", "0", "--note", "x"]).assert_says("Enter a whole number of credits");
        keyfob(&["credits", "add", "5", "--note", " "]).assert_says("Note is required.");

        let app = db.app();
        let page = app.signed_in().get("/credits").page();
        assert_eq!(page.text(".credits__balance"), "600 credits");
        assert_eq!(ledger(&page)[0], line("+500", "Added", "Invoice 7"));
    }
}

/// The page, once it is as it should become.
#[track_caller]
fn wait_for(client: &Client, is_there: impl Fn(&Page) -> bool) -> Page {
    for _ in 0..400 {
        let page = client.get("/credits").assert_ok().page();
        if is_there(&page) {
            return page;
        }
        thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("the page did not become as it should");
}
