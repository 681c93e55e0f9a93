//! Actions on many keys: what was confirmed is done, never more, and can be undone.

use std::thread;

use keyfob::domain::account::AccountId;
use keyfob::domain::account::membership::{self, Role};
use keyfob::domain::identity::operator;
use keyfob::domain::key_action::{self, KeyActionId, KeyActionKind, NewKeyAction, Selection};

use crate::support::{Answer, App, Client, Database, EMAIL, Key, Page, on_both_databases};

const DAY: i64 = 24 * 3600;
/// More than are changed in one transaction.
const MANY: usize = 620;

fn make(app: &App, count: usize) -> Vec<Key> {
    let mut conn = app.db.conn();
    (0..count).map(|number| app.make_key_with(&mut conn, &format!("Key {number}"))).collect()
}

/// The question about all keys of a filter.
fn ask(client: &Client, kind: &str, filter: &str) -> Answer {
    client.post("/api-keys/bulk", &[("do", kind), ("scope", "matching"), ("filter", filter)])
}

/// What the form of a question sends by itself.
fn hidden(question: &Page) -> Vec<(String, String)> {
    let attrs = |name| question.attrs(".bulk-question input[type=hidden]", name);
    attrs("name").into_iter().zip(attrs("value")).collect()
}

fn send(client: &Client, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    client.post("/api-keys/bulk/confirmation", &fields)
}

fn confirm(client: &Client, question: &Page, more: &[(&str, &str)]) -> Answer {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    send(client, &hidden(question).into_iter().chain(more).collect::<Vec<_>>())
}

/// Follows an action to its end, and returns its page.
fn end_of(client: &Client, path: &str) -> Page {
    loop {
        let page = client.get(path).assert_ok().page();
        if !page.has("progress") {
            return page;
        }
        thread::yield_now();
    }
}

fn status_count(app: &App, status: &str) -> usize {
    app.db.ask(&format!("SELECT id AS line FROM api_keys WHERE status = '{status}' AND deleted_at IS NULL")).len()
}

on_both_databases! {
    fn nothing_selected_is_nothing_done(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        make(&app, 3);

        for kind in ["enable", "disable", "extend", "delete", "restore", "export"] {
            for path in ["/api-keys/bulk", "/api-keys/bulk/confirmation"] {
                let answer = client.post(path, &[("do", kind), ("filter", "?service=sms"), ("count", "3")]);
                let page = client.get(answer.assert_leads_to("/api-keys?service=sms").location()).page();
                assert_eq!(page.toasts(), ["No key was selected, so nothing was done."], "{path} {kind}");
            }
        }

        assert_eq!(status_count(&app, "enabled"), 3);
        assert_eq!(db.count("key_actions"), 0);
    }

    fn the_ticked_keys_are_switched_off_with_a_reason_and_no_other_and_back_again(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys = make(&app, 3);
        keys.iter().for_each(|key| app.assert_verdict(&key.secret, "VALID"));
        let ticked = [("do", "disable"), ("key", &*keys[0].id), ("key", &*keys[2].id)];

        let question = client.post("/api-keys/bulk", &ticked).assert_ok().page();
        assert_eq!(question.text("h1"), "Switch off 2 keys?");
        assert_eq!(question.texts(".bulk-question__keys li"), ["Key 2", "Key 0"]);
        app.assert_verdict(&keys[0].secret, "VALID");
        let done = confirm(&client, &question, &[("reason", "unused")]).assert_leads_to("/api-keys");

        let page = client.get(done.location()).page();
        assert_eq!(page.toasts(), ["2 keys switched off."]);
        for (key, code) in keys.iter().zip(["DISABLED", "VALID", "DISABLED"]) {
            app.assert_verdict(&key.secret, code);
        }
        assert_eq!(db.ask("SELECT status_reason AS line FROM api_keys WHERE status = 'disabled'"), ["unused", "unused"]);
        client.post(&page.attr("form[action^='/undo/']", "action"), &[]).assert_status(303);
        keys.iter().for_each(|key| app.assert_verdict(&key.secret, "VALID"));
        assert_eq!(db.ask("SELECT id AS line FROM api_keys WHERE status_reason IS NOT NULL"), [""; 0]);
    }

    fn all_that_match_are_done_in_the_background_and_no_stale_yes_is_left(db: &Database) {
        let app = db.app();
        let (client, keys) = (app.signed_in(), make(&app, MANY));
        let beside = app.another_instance();
        for key in keys.iter().step_by(40) {
            app.assert_verdict(&key.secret, "VALID");
        }
        beside.assert_verdict(&keys[0].secret, "VALID");

        let question = ask(&client, "disable", "?service=sms").assert_ok().page();
        assert_eq!(question.text("h1"), format!("Switch off {MANY} keys?"));
        let started = confirm(&client, &question, &[]).assert_status(303);
        let page = end_of(&client, started.location());

        assert_eq!(page.texts(".bulk-progress__result li"), [format!("{MANY} keys switched off.")]);
        keys.iter().step_by(40).for_each(|key| app.assert_verdict(&key.secret, "DISABLED"));
        while beside.verify(&keys[0].secret)["code"] == "VALID" {
            thread::yield_now();
        }
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action = 'api_key.disabled'").len(), MANY);
        let undone = client.post(&page.attr("form[action^='/undo/']", "action"), &[]).assert_status(303);
        let page = end_of(&client, undone.location());
        assert_eq!(page.texts(".bulk-progress__result li"), [format!("{MANY} keys on again.")]);
        keys.iter().step_by(40).for_each(|key| app.assert_verdict(&key.secret, "VALID"));
        assert_eq!(status_count(&app, "enabled"), MANY);
    }

    fn a_number_that_changed_is_asked_for_again_and_a_key_made_since_is_never_touched(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys = make(&app, 4);
        let question = ask(&client, "delete", "").assert_ok().page();
        client.post(&format!("/api-keys/{}/deletion", keys[1].id), &[]).assert_status(303);

        let again = confirm(&client, &question, &[]).assert_status(409).page();
        assert_eq!(again.text("h1"), "Delete 3 keys?");
        assert_eq!(again.text(".form__message .alert"), "The keys have changed since: there are 3 keys now. Nothing was done.");
        assert_eq!(status_count(&app, "enabled"), 3);
        let newer = app.make_key("Newer");
        confirm(&client, &again, &[]).assert_leads_to("/api-keys");

        app.assert_verdict(&newer.secret, "VALID");
        assert_eq!(status_count(&app, "enabled"), 1);
    }

    fn a_key_that_others_changed_meanwhile_is_looked_at_again_and_the_result_says_so(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys = make(&app, 4);
        let (account, id) = begin(&app, KeyActionKind::Disable, 4);
        client.post(&format!("/api-keys/{}/deletion", keys[0].id), &[]).assert_status(303);
        client.switch(&keys[1], "disabled");
        let newer = app.make_key("Newer");

        app.change(move |tx| key_action::step(tx, &account, &id));

        let path = format!("/api-keys/bulk/{}", app.db.ask("SELECT id AS line FROM key_actions WHERE total = 4")[0]);
        let page = client.get(&path).assert_ok().page();
        let result = ["2 keys switched off.", "1 key already like that.", "1 key deleted meanwhile and left alone."];
        assert_eq!(page.texts(".bulk-progress__result li"), result);
        assert_eq!(page.texts(".bulk-progress__left li"), ["Key 0: deleted meanwhile"]);
        app.assert_verdict(&newer.secret, "VALID");
        app.assert_verdict(&keys[0].secret, "NOT_FOUND");
    }

    fn an_action_whose_server_was_killed_is_shown_as_stopped_and_goes_on_exactly(db: &Database) {
        let app = db.app();
        let (client, keys) = (app.signed_in(), make(&app, MANY));
        let (account, id) = begin(&app, KeyActionKind::Disable, MANY);
        let path = format!("/api-keys/bulk/{id}");
        assert!(app.change(move |tx| key_action::step(tx, &account, &id)), "the server is killed here");
        assert!(client.get(&path).page().has("progress"));

        app.clock.advance(11);
        let page = client.get(&path).page();
        assert_eq!(page.text("h1"), format!("Switch off {MANY} keys: stopped"));
        assert_eq!(page.texts(".bulk-progress__result li"), ["500 keys switched off.", "120 keys not done."]);
        assert_eq!(status_count(&app, "disabled"), 500);
        app.another_account().post(&path, &[]).assert_status(404);
        client.post(&path, &[]).assert_leads_to(&path);

        let page = end_of(&client, &path);
        assert_eq!(page.texts(".bulk-progress__result li"), [format!("{MANY} keys switched off.")]);
        assert_eq!(status_count(&app, "disabled"), MANY);
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action = 'api_key.disabled'").len(), MANY);
        app.assert_verdict(&keys[0].secret, "DISABLED");
    }

    fn two_actions_at_once_both_finish_and_each_key_is_what_one_of_them_wanted(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        make(&app, MANY);
        let questions = ["disable", "delete"].map(|kind| hidden(&ask(&client, kind, "").page()));

        let [one, other] = thread::scope(|all| {
            let both = questions.each_ref().map(|fields| all.spawn(|| send(&client, fields)));
            both.map(|started| started.join().unwrap())
        });
        // Whoever comes second may be asked again, where the first has deleted some.
        for answer in [one, other].iter().filter(|answer| answer.status == 303) {
            end_of(&client, answer.location());
        }

        let rest = db.ask("SELECT api_key_id AS line FROM key_action_items WHERE outcome = 'pending'");
        assert_eq!(rest, [""; 0]);
        assert_eq!(status_count(&app, "enabled"), 0);
    }

    fn more_than_ten_thousand_keys_are_refused_and_ten_thousand_are_not(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.copy_key(&app.make_key("Project X"), 10_000);

        let refused = ask(&client, "disable", "").assert_status(422).page();
        assert_eq!(refused.text("h1"), "Too many keys");
        assert!(refused.text(".bulk-question p").starts_with("More than 10,000 keys match"));
        assert!(!refused.has(".bulk-question form"));
        let forced = [("do", "disable"), ("scope", "matching"), ("filter", ""), ("count", "10001")];
        client.post("/api-keys/bulk/confirmation", &forced).assert_status(422);
        client.post("/api-keys/bulk", &[("do", "export"), ("scope", "matching"), ("filter", "")]).assert_status(400);
        assert_eq!((db.count("key_actions"), status_count(&app, "disabled")), (0, 0));

        db.execute("UPDATE api_keys SET deleted_at = created_at WHERE id LIKE '%10001'");
        assert_eq!(ask(&client, "disable", "").assert_ok().page().text("h1"), "Switch off 10,000 keys?");
    }

    fn deleted_keys_are_restored_together_for_seven_days(db: &Database) {
        let app = db.app();
        let (client, keys) = (app.signed_in(), make(&app, 3));
        let question = ask(&client, "delete", "").assert_ok().page();
        confirm(&client, &question, &[]).assert_leads_to("/api-keys");
        app.assert_verdict(&keys[0].secret, "NOT_FOUND");
        make_older(db, &keys[2]);

        let list = client.get("/api-keys?trash=yes").page();
        assert_eq!(list.rows(), ["Key 1", "Key 0"]);
        assert!(list.has(".key-box") && !list.has("[role=switch]"), "they are restored, and not switched");
        let late = client.post("/api-keys/bulk", &[("do", "restore"), ("key", &*keys[2].id)]);
        assert_eq!(client.get(late.location()).page().toasts(), ["These keys are gone, so nothing was done."]);
        let question = ask(&client, "restore", "?trash=yes").assert_ok().page();
        assert_eq!(question.text("h1"), "Restore 2 keys?");
        make_older(db, &keys[1]);
        let changed = confirm(&client, &question, &[]).assert_status(409).page();
        assert_eq!(changed.text("h1"), "Restore 1 key?");
        let list = client.get(confirm(&client, &changed, &[]).location()).page();

        assert_eq!(list.toasts(), ["1 key restored."]);
        app.assert_verdict(&keys[0].secret, "VALID");
        app.assert_verdict(&keys[1].secret, "NOT_FOUND");
        app.assert_verdict(&keys[2].secret, "NOT_FOUND");
    }

    fn an_undo_that_goes_on_after_seven_days_brings_no_key_back(db: &Database) {
        let app = db.app();
        let keys = make(&app, 2);
        let (account, id) = begin(&app, KeyActionKind::Delete, 2);
        let (owner, action) = (account.clone(), id.clone());
        app.change(move |tx| {
            key_action::step(tx, &owner, &action)?;
            key_action::begin_undo(tx, &owner, &action)
        });
        make_older(db, &keys[1]);

        app.change(move |tx| key_action::step(tx, &account, &id));

        app.assert_verdict(&keys[0].secret, "VALID");
        app.assert_verdict(&keys[1].secret, "NOT_FOUND");
        let undone = "SELECT api_key_id AS line FROM key_action_items WHERE outcome = 'undone'";
        assert_eq!(db.ask(undone), [keys[0].id.clone()]);
    }

    fn an_action_is_forgotten_after_a_day(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        // One more than are removed at a time.
        for number in 0..21 {
            client.switch(&key, if number % 2 == 0 { "disabled" } else { "enabled" });
        }
        let (conn, tomorrow) = (&mut db.conn(), app.clock.now().plus_seconds(DAY));
        assert!(!key_action::needs_pruning(conn, tomorrow).unwrap());
        assert!(!key_action::prune(conn, tomorrow).unwrap());
        assert_eq!(db.count("key_action_items"), 21);

        let later = tomorrow.plus_seconds(1);
        assert!(key_action::needs_pruning(conn, later).unwrap());
        assert!(key_action::prune(conn, later).unwrap(), "one is left");
        assert!(!key_action::prune(conn, later).unwrap());

        assert_eq!((db.count("key_actions"), db.count("key_action_items")), (0, 0));
        app.assert_verdict(&key.secret, "DISABLED");
    }

    fn ids_of_another_account_are_not_touched_and_viewers_look_only(db: &Database) {
        let app = db.app();
        let (mine, client) = (app.make_key("Project X"), app.another_account());
        let viewer = app.colleague(Role::Viewer, "joan@example.com");
        let fields = [("do", "disable"), ("key", &*mine.id), ("count", "1")];

        let gone = client.post("/api-keys/bulk", &fields);
        let page = client.get(gone.assert_leads_to("/api-keys").location()).page();
        assert_eq!(page.toasts(), ["These keys are gone, so nothing was done."]);
        client.post("/api-keys/bulk/confirmation", &fields).assert_leads_to("/api-keys");
        viewer.post("/api-keys/bulk", &fields).assert_status(403);
        viewer.post("/api-keys/bulk/confirmation", &fields).assert_status(403);

        app.assert_verdict(&mine.secret, "VALID");
        assert!(!viewer.get("/api-keys").page().has(".key-box"));
    }

    fn a_later_end_obeys_the_rules_and_never_shortens(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys = make(&app, 2);
        client.post(&format!("/api-keys/{}/expiry", keys[0].id), &[("ends", "30")]).assert_status(303);
        let end = || db.ask("SELECT CAST(COALESCE(expires_at, 0) AS TEXT) AS line FROM api_keys ORDER BY name");
        let before = end();
        let question = ask(&client, "extend", "").assert_ok().page();

        let wrong = confirm(&client, &question, &[("ends_on", "2001-01-01")]).assert_status(422).page();
        assert_eq!(wrong.text(".field__error"), "This moment has passed. Choose a later one.");
        assert_eq!(end(), before);
        confirm(&client, &question, &[("ends_on", "2030-01-01")]).assert_leads_to("/api-keys");

        assert_ne!(end()[0], before[0]);
        assert_eq!(end()[1], "0", "it never ends, as before");
    }

    fn keys_are_restored_for_seven_days_and_not_a_second_longer(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys = make(&app, 2);
        for key in &keys {
            client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
            app.clock.advance(1);
        }
        app.clock.advance(7 * 24 * 3600 - 2);

        let both = [("do", "restore"), ("key", &*keys[0].id), ("key", &*keys[1].id), ("count", "2")];
        let client = app.signed_in();
        let question = client.post("/api-keys/bulk", &both).page();
        assert_eq!(question.text("h1"), "Restore 1 key?");
        client.post("/api-keys/bulk/confirmation", &both).assert_status(409);
        confirm(&client, &question, &[]).assert_status(303);

        app.assert_verdict(&keys[0].secret, "NOT_FOUND");
        app.assert_verdict(&keys[1].secret, "VALID");
    }

    fn a_file_of_the_selected_keys_holds_no_secret_and_no_formula(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("=1+1"), client.create_key("Other"));

        let file = client.post("/api-keys/bulk", &[("do", "export"), ("key", &key.id)]).assert_ok();

        assert!(file.header("content-type").starts_with("text/csv"));
        let lines: Vec<&str> = file.body.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with(&format!("\"{}\",\"'=1+1\",", key.id)), "{}", lines[1]);
        assert!(!file.body.contains(&key.secret) && !file.body.contains(&other.id));
    }
}

/// Makes the deletion of a key seven days older, with what an action knows of it.
fn make_older(db: &Database, key: &Key) {
    for set in [
        "api_keys SET deleted_at = deleted_at - OLDER WHERE id",
        "key_action_items SET changed_at = changed_at - OLDER WHERE api_key_id",
    ] {
        let set = set.replace("OLDER", &(7 * DAY * 1_000_000).to_string());
        db.execute(&format!("UPDATE {set} = '{}'", key.id));
    }
}

/// Starts an action on all keys of the first account, and does nothing yet.
fn begin(app: &App, kind: KeyActionKind, count: usize) -> (AccountId, KeyActionId) {
    let mut conn = app.db.conn();
    let operator = operator::find_by_email(&mut conn, EMAIL).unwrap();
    let account = membership::of(&mut conn, &operator.id).unwrap().account_id;
    let selection = Selection::Matching(Box::default(), None);
    let new = NewKeyAction { selection, kind, reason: None, end: None, count };
    let owner = account.clone();
    let id = app.change(move |tx| key_action::start(tx, &owner, &new));
    (account, id)
}
