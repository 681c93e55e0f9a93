//! Corrections of the balance, up and down, and what the Credits page says about spending.

use std::thread;

use keyfob::domain::account::membership::Role;
use keyfob::domain::api_key::ApiKeyId;
use keyfob::domain::credit::LedgerEntryId;

use crate::support::{Answer, App, Application, Client, PHONE, Page, on_both_databases, run};

const DAY: i64 = 86_400;

fn correct(client: &Client, id: &str, change: &str, reason: &str) -> Answer {
    client.post("/credits/corrections", &[("correction_id", id), ("change", change), ("reason", reason)])
}

fn correction_id(client: &Client) -> String {
    client.get("/credits").page().field("correction_id")
}

#[track_caller]
fn balance(client: &Client) -> String {
    client.get("/credits").assert_ok().page().text(".credits__balance")
}

/// What was spent on earlier days, each so many days ago.
fn spend(app: &App, key: &str, days: &[(i64, i64)]) {
    let today = app.clock.now().micros() / (DAY * 1_000_000) * DAY * 1_000_000;
    for (ago, credits) in days {
        let day = today - ago * DAY * 1_000_000;
        app.db.execute(&format!(
            "INSERT INTO credit_spending (account_id, day, api_key_id, credits) \
             SELECT account_id, {day}, '{key}', {credits} FROM credit_balances"
        ));
    }
}

fn forecast(page: &Page) -> Vec<String> {
    page.texts(".credits__forecast")
}

on_both_databases! {
    fn a_balance_is_corrected_up_and_down_with_the_reason_and_who_did(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(1);

        correct(&client, &correction_id(&client), "-25", " Entered twice ").assert_leads_to("/credits");

        let page = client.get("/credits").page();
        assert_eq!(page.toasts(), ["Success. Corrected by −25: the balance is 75 credits now."]);
        assert_eq!(page.texts(".ledger__change"), ["−25", "+100"]);
        assert_eq!(page.texts(".ledger__reason"), ["Correction by Ada", "Opening balance"]);
        assert_eq!(page.texts(".ledger__note"), ["Entered twice", ""]);

        correct(&client, &correction_id(&client), "1,000", "Found").assert_status(303);
        assert_eq!(balance(&client), "1,075 credits");
        correct(&client, &correction_id(&client), "-1075", "All of it").assert_status(303);
        assert_eq!(balance(&client), "0 credits");
        app.assert_ledger_adds_up();
    }

    fn a_correction_leaves_one_event_with_its_reason(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = correction_id(&client);

        correct(&client, &id, "-25", "Entered twice").assert_status(303);
        correct(&client, &id, "-25", "Entered twice").assert_status(303);
        correct(&client, &correction_id(&client), "-1000", "Too much").assert_status(422);

        let events = db.ask(
            "SELECT action || ' ' || changes || ' ' || reason AS line FROM audit_events WHERE action = 'credits.corrected'",
        );
        assert_eq!(events, [r#"credits.corrected {"credits":[100,75]} Entered twice"#]);
        let page = client.get("/audit").page();
        assert!(page.text("main").contains("corrected the credits"));
    }

    fn no_more_is_taken_away_than_there_is(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = correction_id(&client);

        let page = correct(&client, &id, "-101", "kept").assert_status(422).page();

        assert_eq!(page.text("#correction-change-error"), "The balance is 100 credits, so 100 can be taken away at most.");
        assert_eq!((page.field("change"), page.field("reason"), page.field("correction_id")), ("-101".into(), "kept".into(), id.clone()));
        assert!(page.has("details[open] #correction-form"), "what is wrong is seen");
        assert_eq!((balance(&client), db.count("ledger_entries")), ("100 credits".into(), 1));

        correct(&client, &id, "-100", "kept").assert_status(303);
        let page = correct(&client, &correction_id(&client), "-1", "x").assert_status(422).page();
        assert_eq!(page.text("#correction-change-error"), "The balance is 0, so nothing can be taken away.");
        app.assert_ledger_adds_up();
    }

    fn the_same_correction_again_changes_nothing_and_says_so(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = correction_id(&client);

        thread::scope(|all| {
            let sends: Vec<_> = (0..8).map(|_| all.spawn(|| correct(&client, &id, "-10", "Once"))).collect();
            sends.into_iter().for_each(|send| drop(send.join().unwrap().assert_status(303)));
        });
        client.get("/credits");
        correct(&client, &id, "-50", "Again").assert_leads_to("/credits");

        let page = client.get("/credits").page();
        assert_eq!(page.toasts(), ["This correction was already made."]);
        assert_eq!((page.text(".credits__balance"), db.count("ledger_entries")), ("90 credits".into(), 2));
    }

    fn what_is_wrong_with_a_correction_is_told_at_its_field(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        assert!(!client.get("/credits").page().has("details[open] #correction-form"), "folded until it is needed");

        for change in ["", "0", "-0", "1.5", "-12,50", "many", "--5", "1000000001", "-1000000001", "٥"] {
            let page = correct(&client, &correction_id(&client), change, "kept").assert_status(422).page();
            let rule = "Enter a whole number of credits: 25 to add, -25 to take away.";
            assert_eq!(page.text("#correction-change-error"), rule, "{change}");
            assert_eq!((page.field("change"), page.field("reason")), (change.to_owned(), "kept".to_owned()));
            assert!(!page.has("#credits-amount-error"), "the other form is as it was");
        }
        let page = correct(&client, &correction_id(&client), "5", " ").assert_status(422).page();
        assert_eq!(page.text("#correction-reason-error"), "Reason is required.");
        let page = correct(&client, "nonsense", "5", "kept").assert_status(422).page();
        assert_eq!(page.text("#correction-form .alert"), "This form has expired. Check it and press Correct Balance again.");
        assert!(page.field("correction_id").parse::<LedgerEntryId>().is_ok());
        assert_eq!(balance(&client), "100 credits");
    }

    fn a_viewer_sees_the_ledger_and_corrects_nothing_nor_does_another_account(db: &Database) {
        let app = db.app();
        let viewer = app.colleague(Role::Viewer, "vera@example.com");
        let id = LedgerEntryId::mint();

        assert!(!viewer.get("/credits").assert_ok().page().has("#correction-form"));
        correct(&viewer, id.as_str(), "-5", "x").assert_status(403);
        let eve = app.another_account();
        correct(&eve, id.as_str(), "-5", "Eve").assert_status(303);

        assert_eq!((balance(&app.signed_in()), balance(&eve)), ("100 credits".into(), "95 credits".into()));
        correct(&app.signed_in(), id.as_str(), "-5", "Hers").assert_status(303);
        assert_eq!(balance(&app.signed_in()), "100 credits", "the id is taken");
        app.assert_ledger_adds_up();
    }

    fn a_correction_that_came_after_the_session_had_ended_is_filled_in_again(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = correction_id(&client);

        let login = correct(&app.anonymous(), &id, "-5", "kept").assert_status(401).page();

        assert_eq!(login.field("next"), "/credits");
        assert_eq!(balance(&client), "100 credits");
    }

    fn sixteen_corrections_beside_messages_leave_a_balance_that_adds_up(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let application = Application::with(&other, &app.make_key("Project X"));

        let corrected = thread::scope(|all| {
            let messages = all.spawn(|| {
                (0..30).filter(|_| application.send(PHONE, "Hello").status == 202).count()
            });
            let correct = |_| all.spawn(|| correct(&client, LedgerEntryId::mint().as_str(), "-7", "At once").status == 303);
            let corrections: Vec<_> = (0..16).map(correct).collect();
            let corrected = corrections.into_iter().map(|one| one.join().unwrap()).filter(|is_done| *is_done).count();
            (corrected, messages.join().unwrap())
        });

        let left = 100 - 7 * corrected.0 - corrected.1;
        assert_eq!(Application::with(&app, &app.make_key("Y")).credits(), i64::try_from(left).unwrap());
        assert!(corrected.0 > 0 && left < 7, "{corrected:?}");
        app.assert_ledger_adds_up();
    }

    fn the_balance_is_corrected_by_the_command_line(db: &Database) {
        drop(db.first_start());
        let url = db.url();
        let keyfob = |arguments: &[&str]| run(&[arguments, &["--database-url", &url]].concat(), "");

        let said = keyfob(&["credits", "correct", "-25", "--reason", "Entered twice"]).assert_success().stdout;
        assert!(said.starts_with("Corrected by −25; the account has 75 credits now. ("), "{said}");
        keyfob(&["credits", "correct", "-76", "--reason", "x"]).assert_says("The balance is 75 credits");
        keyfob(&["credits", "correct", "0", "--reason", "x"]).assert_says("Enter a whole number of credits");
        keyfob(&["credits", "correct", "5", "--reason", " "]).assert_says("Reason is required.");

        let page = db.app().signed_in().get("/credits").page();
        assert_eq!((&*page.texts(".ledger__reason")[0], &*page.texts(".ledger__note")[0]), ("Correction", "Entered twice"));
    }

    fn the_ledger_is_shown_by_reason_page_by_page(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        for n in 0..51 {
            correct(&client, LedgerEntryId::mint().as_str(), "1", &format!("Number {n}")).assert_status(303);
        }
        client.post("/credits", &[("entry_id", LedgerEntryId::mint().as_str()), ("amount", "7"), ("note", "Invoice")]);

        let page = client.get("/credits").page();
        assert_eq!(page.texts(".views__link"), ["All", "Spent", "Refunds", "Top-ups", "Corrections"]);
        let link = |name: &str| page.attrs(".views__link", "href")[page.texts(".views__link").iter().position(|text| text == name).unwrap()].clone();
        let added = client.get(&link("Top-ups")).assert_ok().page();
        assert_eq!((added.texts(".ledger__note"), added.text(".views__link[aria-current]")), (vec!["Invoice".to_owned()], "Top-ups".to_owned()));
        let corrections = client.get(&link("Corrections")).assert_ok().page();
        assert_eq!(corrections.text(".pager__position"), "1–50 of 51");
        let older = client.get(&corrections.attr(".pager__next", "href")).assert_ok().page();
        assert_eq!((older.texts(".ledger__note"), older.attr(".pager a", "href")), (vec!["Number 0".to_owned()], "/credits?reason=correction".to_owned()));
        let none = client.get(&link("Refunds")).assert_ok().page();
        assert!(none.text(".ledger__none").contains("Show the whole ledger"));
        client.get("/credits?reason=nonsense").assert_status(404);
    }

    fn a_forecast_is_made_only_of_days_that_allow_one(db: &Database) {
        let steady: Vec<(i64, i64)> = (0..=7).map(|ago| (ago, if ago == 0 { 5 } else { 10 })).collect();
        for (days, words) in [
            (vec![], vec![]),
            (steady, vec!["At the rate of the last 7 days, about 10 a day: gone about 11 Mar."]),
            (vec![(4, 500), (9, 1)], vec!["How long they last can't be told: most of the last days' credits were spent on 25 Feb."]),
            (vec![(1, 5)], vec!["How long they last can be told after some days: the first were spent on 28 Feb."]),
        ] {
            let db = db.empty();
            let app = db.app();
            spend(&app, "", &days);
            assert_eq!(forecast(&app.signed_in().get("/credits").page()), words);
            app.set_credits(0);
            assert!(forecast(&app.signed_in().get("/credits").page()).is_empty(), "nothing is left");
        }
    }

    fn who_spent_most_is_named_with_the_share(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        assert!(!client.get("/credits").page().has(".picture"), "nothing is spent yet");
        let (shop, gone) = (app.make_key("Shop"), app.make_key("Gone"));
        spend(&app, &shop.id, &[(0, 300), (29, 300), (30, 9_000)]);
        spend(&app, &gone.id, &[(1, 300)]);
        spend(&app, "", &[(2, 100)]);
        for credits in [5, 4, 3] {
            spend(&app, ApiKeyId::mint().as_str(), &[(3, credits)]);
        }
        client.post(&format!("/api-keys/{}/deletion", gone.id), &[]).assert_status(303);

        let page = client.get("/credits").page();

        let tail = &shop.secret[shop.secret.len() - 4..];
        let column = |name: &str| page.texts(&format!(".spenders tbody {name}"));
        assert_eq!(column("th"), [&*format!("Shop …{tail}"), "deleted key", "dashboard", "deleted key", "deleted key"]);
        assert_eq!(column("td:nth-child(2)"), ["600", "300", "100", "5", "4"]);
        assert_eq!(column("td:nth-child(3)"), ["59%", "30%", "10%", "under 1%", "under 1%"]);
        assert_eq!(page.attr(".spenders a", "href"), format!("/api-keys/{}", shop.id));
        assert!(page.text("#credits-chart-summary").starts_with("1,012 credits spent in the last 30 days"));
        assert_eq!(page.texts(".chart__table tbody tr").len(), 30);
        let application = Application::with(&app, &shop);
        application.wait_for_end(&application.sent(PHONE, "Hello"));
        assert_eq!(client.get("/credits").page().texts(".spenders td")[0], "601");
    }
}
