//! Which key is this? Keys that were found in a text, and what is done about them.

use keyfob::domain::account::membership::Role;

use crate::support::{Answer, Client, Key, Page, on_both_databases};

/// A key of another installation.
const STRANGER: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

fn look_up(client: &Client, text: &str) -> Answer {
    client.post("/leaks", &[("text", text)])
}

fn names(page: &Page) -> Vec<String> {
    page.texts(".leak__name a")
}

fn rotate(client: &Client, key: &Key) -> String {
    let path = format!("/api-keys/{}/rotation", key.id);
    let secret_id = client.get(&path).page().field("secret_id");

    let shown = client.post(&path, &[("secret_id", &*secret_id), ("grace", "86400")]).assert_ok().page();
    shown.text(".reveal .copyable__text[id^=key-secret]")
}

fn mistyped(secret: &str) -> String {
    let (head, last) = secret.split_at(secret.len() - 1);
    format!("{head}{}", if last == "a" { "b" } else { "a" })
}

on_both_databases! {
    fn every_key_in_a_text_is_named_and_no_stranger_is(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys = ["One", "Two", "Three"].map(|name| client.create_key(name));
        let filler = "x".repeat(60_000);
        let text = format!(
            "{filler}\n+ KEY={}\n- {{\"key\":\"{}\"}} {STRANGER}\n{} {} {}",
            keys[1].secret, keys[0].secret, keys[2].secret, mistyped(&keys[0].secret), keys[1].secret
        );

        let answer = look_up(&client, &text).assert_ok();

        let page = answer.page();
        assert_eq!(names(&page), ["Two", "One", "Three"]);
        assert_eq!(page.text("#leaks-found"), "3 keys found");
        assert_eq!(page.texts(".leaks__unknown li"), ["sms_live_••••••n6aF"]);
        assert!(page.text("main").contains("One passage looks like a key but can’t be one"), "{}", answer.body);
    }

    fn the_text_is_in_no_answer_and_in_no_row(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let found = look_up(&client, &format!("my diary says {} and {STRANGER}", key.secret)).assert_ok();
        let nothing = look_up(&client, "my diary says nothing").assert_ok();

        let rows = format!("{:?}", db.rows());
        for text in [&found.body, &nothing.body, &rows] {
            for part in ["diary", &key.secret[9..20], &STRANGER[9..20]] {
                assert!(!text.contains(part), "{part}");
            }
        }
        assert!(nothing.page().text("#leaks-found").contains("No key of yours"), "{}", nothing.body);
        assert_eq!(found.header("cache-control"), "no-store");
    }

    fn a_look_up_is_no_use_and_leaves_one_event_for_each_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (one, other) = (client.create_key("One"), client.create_key("Two"));
        let old = one.secret.clone();
        let current = rotate(&client, &one);
        let before = db.count("audit_events");

        look_up(&client, &format!("{old} {current} {} {STRANGER}", other.secret)).assert_ok();

        let looked_up = db.ask("SELECT target_id AS line FROM audit_events WHERE action = 'api_key.looked_up' ORDER BY target_id");
        let mut both = [one.id, other.id];
        both.sort();
        assert_eq!(looked_up, both);
        assert_eq!(db.count("audit_events"), before + 2);
        assert_eq!(db.count("key_secret_usages"), 0);
    }

    fn the_previous_secret_is_told_from_the_current_one_and_each_says_whether_it_works(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let current = rotate(&client, &key);
        let text = format!("{} {current}", key.secret);
        let told = || {
            let page = look_up(&client, &text).page();
            page.texts(".leak")
        };

        let [old, new] = &told()[..] else { panic!("two secrets") };
        assert!(old.contains("Previous secret") && old.contains("Works") && old.contains("Last usednever"), "{old}");
        assert!(new.contains("Current secret") && new.contains("Works") && new.contains("Last usednever"), "{new}");
        assert!(old.contains("End the old secret…") && !new.contains("End the old secret…"), "{old} {new}");

        client.post(&format!("/api-keys/{}/rotation/end", key.id), &[]);
        let [old, new] = &told()[..] else { panic!("two secrets") };
        assert!(old.contains("Refused: this secret ended just now") && !old.contains("End the old secret…"), "{old}");
        assert!(new.contains("Works"), "{new}");

        client.switch(&key, "disabled");
        for told in told() {
            assert!(told.contains("Refused: the key is switched off") && !told.contains("Switch off"), "{told}");
        }
    }

    fn what_was_found_is_switched_off_one_by_one_and_all_at_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys = ["One", "Two", "Three"].map(|name| client.create_key(name));
        let text = keys.each_ref().map(|key| &*key.secret).join(" ");
        let page = look_up(&client, &text).page();
        let secrets = page.attrs("input[name=secret]", "value");
        let send = |keys: &str| {
            let mut fields: Vec<(&str, &str)> = secrets.iter().map(|id| ("secret", &**id)).collect();
            fields.push(("key", keys));
            client.post("/leaks/switch-off", &fields).assert_ok().page()
        };

        let page = send(&keys[1].id);
        assert_eq!(names(&page), ["One", "Two", "Three"].map(String::from).to_vec(), "the answer stays");
        app.assert_verdict(&keys[0].secret, "VALID");
        app.assert_verdict(&keys[1].secret, "DISABLED");

        let all = page.attrs("button[name=key]", "value").pop().unwrap();
        assert!(!all.contains(&keys[1].id), "{all}");
        send(&all);
        for key in &keys {
            app.assert_verdict(&key.secret, "DISABLED");
        }
        let reasons = db.ask("SELECT DISTINCT status_reason AS line FROM api_keys");
        assert_eq!(reasons, ["compromised"]);
        let events = db.ask("SELECT target_name AS line FROM audit_events WHERE action = 'api_key.disabled' ORDER BY id");
        assert_eq!(events.len(), 3);
    }

    fn another_accounts_key_is_not_from_here_and_can_not_be_switched_off_from_there(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let stranger = app.another_account();

        let page = look_up(&stranger, &key.secret).page();

        assert_eq!(names(&page), [""; 0]);
        assert_eq!(page.texts(".leaks__unknown li").len(), 1);
        stranger.post("/leaks/switch-off", &[("key", &*key.id)]).assert_ok();
        app.assert_verdict(&key.secret, "VALID");
        assert_eq!(db.ask("SELECT action AS line FROM audit_events WHERE action = 'api_key.looked_up'"), [""; 0]);
    }

    fn a_viewer_may_look_and_switch_nothing_off(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let viewer = app.colleague(Role::Viewer, "vi@example.com");

        let page = look_up(&viewer, &key.secret).page();

        assert_eq!(names(&page), ["Project X"]);
        assert_eq!(page.texts("button[name=key]"), [""; 0]);
        viewer.post("/leaks/switch-off", &[("key", &*key.id)]).assert_status(403);
        app.assert_verdict(&key.secret, "VALID");
    }

    fn a_text_that_is_empty_or_too_long_is_refused_with_what_to_do(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let longest = format!("{}{}", "€".repeat((64 * 1024 - key.secret.len()) / 3), key.secret);

        assert_eq!(names(&look_up(&client, &longest).assert_ok().page()), ["Project X"]);
        let too_long = look_up(&client, &format!("{}{}", "x".repeat(64 * 1024), key.secret)).assert_status(422);
        assert!(too_long.page().text(".field__error").contains("Paste it in parts"), "{}", too_long.body);
        assert!(look_up(&client, " \n").assert_status(422).page().text(".field__error").contains("Paste a key"));
        look_up(&client, &"x".repeat(300 * 1024)).assert_status(413);
    }

    fn a_session_that_ended_keeps_no_text(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        db.execute("DELETE FROM sessions");

        look_up(&client, &key.secret).assert_leads_to("/login?next=/leaks");

        let rows = format!("{:?}", db.rows());
        assert!(!rows.contains(&key.secret[9..20]), "{rows}");
    }
}
