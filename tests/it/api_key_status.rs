//! A key's switch.

use std::thread;
use std::time::Duration;

use crate::support::{Answer, Database, EMAIL, Key, PASSWORD, Page, Rows, on_both_databases, time_until};

/// How other instances learn of a change, the record of it, and what undoes it; every change adds to them.
const NEWS: [&str; 5] = ["api_key_changes", "revisions", "audit_events", "key_actions", "key_action_items"];

/// The rows that differ, in whatever other table: how they were and how they are.
fn changed_rows(mut before: Rows, db: &Database) -> Vec<(String, String)> {
    let mut after = db.rows();
    before.retain(|table, _| !NEWS.contains(&table.as_str()));
    after.retain(|table, _| !NEWS.contains(&table.as_str()));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let pairs = before.iter().flat_map(|(table, rows)| {
        assert_eq!(rows.len(), after[table].len(), "{table}");
        rows.iter().zip(&after[table])
    });
    pairs.filter(|(was, is)| was != is).map(|(was, is)| (was.clone(), is.clone())).collect()
}

/// The reason that is chosen in the form; the first one is when none is marked.
fn chosen(page: &Page) -> String {
    page.attrs("#key-reason option[selected]", "value").pop().unwrap_or_default()
}

on_both_databases! {
    fn a_key_that_is_switched_off_is_refused_from_the_next_request_on(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for (status, verdict) in [("disabled", "DISABLED"), ("enabled", "VALID"), ("disabled", "DISABLED")] {
            client.switch(&key, status);
            app.assert_verdict(&key.secret, verdict);
        }
    }

    fn a_key_that_is_switched_off_here_is_refused_by_every_server_within_a_second(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        other.assert_verdict(&key.secret, "VALID");

        client.switch(&key, "disabled");

        let lag = time_until(&other.url, &key.secret, "DISABLED");
        assert!(lag < Duration::from_secs(1), "the other server let the key in after {lag:?}");
        app.assert_verdict(&key.secret, "DISABLED");
    }

    fn the_same_again_changes_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        client.switch(&key, "disabled");

        client.switch(&key, "disabled");

        app.assert_verdict(&key.secret, "DISABLED");
    }

    fn a_switch_changes_exactly_one_row(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let _others = [client.create_key("A"), client.create_key("B"), app.another_account().create_key("C")];
        let key = client.create_key("Project X");
        let before = db.rows();

        client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).assert_ok();

        let changed = changed_rows(before, db);
        assert_eq!(changed.len(), 1, "{changed:?}");
        let (was, is) = &changed[0];
        assert!(was.contains(&key.id), "{was}");
        assert_eq!(was.replace("enabled", "disabled"), *is);
    }

    fn htmx_gets_the_row_as_it_is_now_and_a_message(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let answer = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).assert_ok();

        let page = answer.page();
        assert!(!answer.body.contains("<html") && !answer.body.contains("<table"));
        assert_eq!(page.attrs("tr", "id"), [key.id]);
        assert_eq!(page.attr(".switch", "aria-checked"), "false");
        assert_eq!(page.attr(".switch", "value"), "enabled");
        assert_eq!(page.text(".switch-form__word"), "Disabled");
        assert_eq!(page.text("[hx-target='#announcement']"), "", "the toast announces itself");
        assert_eq!(page.toasts(), ["“Project X” is disabled."], "what can be undone says so");
        assert!(page.has(".toast button"));
    }

    fn after_a_login_the_page_says_what_was_not_switched(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Other"));
        let list = "/api-keys?service=sms";
        let missed = format!("{list}&missed=disabled.{}", key.id);
        let escaped = "/login?next=/api-keys%3Fservice%3Dsms%26missed%3Ddisabled.";

        let plain = app.anonymous().on(list).post(&key.status_path(), &[("status", "disabled")]);
        plain.assert_leads_to(&format!("{escaped}{}", key.id));
        let url = format!("{}{list}", app.url);
        let part = app.anonymous().htmx("form").with("hx-current-url", &url);
        part.post(&key.status_path(), &[("status", "disabled")])
            .assert_status(401)
            .assert_header("hx-redirect", &format!("{escaped}{}", key.id));

        let page = client.get(&missed).assert_ok().page();
        assert_eq!(page.text(".missed-switch p"), "Your session had ended. “Project X” was not switched off.");
        assert_eq!(page.text(".missed-switch button"), "Switch off now");
        client.on(&missed).post(&key.status_path(), &[("status", "disabled")]).assert_leads_to(list);
        for nothing in [missed, format!("{list}&missed=enabled.{}", other.id), format!("{list}&missed=nonsense")] {
            assert!(!client.get(&nothing).assert_ok().page().has(".missed-switch"), "{nothing}");
        }
        let stranger = app.another_account();
        let own = format!("/api-keys?missed=enabled.{}", key.id);
        assert!(client.get(&own).page().has(".missed-switch"));
        assert!(!stranger.get(&own).assert_ok().page().has(".missed-switch"));
    }

    fn a_plain_form_leads_back_to_the_list_as_it_was_filtered(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let answer = client.on("/api-keys?service=sms").post(&key.status_path(), &[("status", "disabled")]);

        let page = client.get(answer.assert_leads_to("/api-keys?service=sms").location()).page();
        assert_eq!(page.attr(".switch", "aria-checked"), "false");
        assert_eq!(page.toasts(), ["“Project X” is disabled."]);
    }

    fn a_plain_form_never_leads_off_the_site(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for referer in ["https://evil.example//evil.example/", "nonsense", ""] {
            let answer = client.with("referer", referer).post(&key.status_path(), &[("status", "disabled")]);
            answer.assert_leads_to("/api-keys");
        }
    }

    fn a_key_that_does_not_exist_is_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for id in ["key_01234567890123456789012345", "key_0", "nonsense", "%27"] {
            client.post(&format!("/api-keys/{id}/status"), &[("status", "disabled")]).assert_status(404);
        }
    }

    fn another_accounts_key_looks_as_if_it_did_not_exist_and_stays_as_it_is(db: &Database) {
        let app = db.app();
        let owner = app.another_account();
        let theirs = owner.create_key("Theirs");
        let nobodys = Key { id: "key_01234567890123456789012345".to_owned(), ..theirs.clone() };
        let client = app.signed_in();
        let before = db.rows();
        let off = [("status", "disabled")];

        let (refused, unknown) = (client.post(&theirs.status_path(), &off), client.post(&nobodys.status_path(), &off));

        assert_eq!((refused.status, unknown.status), (404, 404));
        let without_id = |answer: &Answer| answer.body.replace(answer.header("x-request-id"), "");
        assert_eq!(without_id(&refused), without_id(&unknown));
        assert_eq!(db.rows(), before);
        app.assert_verdict(&theirs.secret, "VALID");
        owner.switch(&theirs, "disabled");
        app.assert_verdict(&theirs.secret, "DISABLED");
    }

    fn anything_but_the_two_positions_is_refused(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let before = db.rows();

        for fields in
            [&[("status", "")][..], &[("status", "off")], &[("status", "ENABLED")], &[], &[("state", "disabled")]]
        {
            client.post(&key.status_path(), fields).assert_status(400);
        }
        assert_eq!(db.rows(), before);
    }

    fn only_a_post_switches(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let answer = client.send(method, &format!("{}?status=disabled", key.status_path()), None);
            assert_eq!(answer.status, 405, "{method}");
        }
        app.assert_verdict(&key.secret, "VALID");
    }

    fn whoever_is_not_logged_in_switches_nothing(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");

        let missed = format!("/login?next=/api-keys%3Fmissed%3Ddisabled.{}", key.id);
        app.anonymous().post(&key.status_path(), &[("status", "disabled")]).assert_leads_to(&missed);

        app.assert_verdict(&key.secret, "VALID");
    }

    fn switches_of_different_keys_at_once_do_not_touch_each_other(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys: Vec<Key> = (0..8).map(|n| client.create_key(&format!("Key {n}"))).collect();

        thread::scope(|all| {
            for key in keys.iter().step_by(2) {
                all.spawn(|| client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).assert_ok());
            }
        });

        for (n, key) in keys.iter().enumerate() {
            app.assert_verdict(&key.secret, if n % 2 == 0 { "DISABLED" } else { "VALID" });
        }
    }

    fn a_key_is_switched_off_with_a_reason_which_its_page_shows_and_another_one_later(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let path = format!("/api-keys/{}", key.id);
        let give = |reason: &str, note: &str| {
            client.post(&key.status_path(), &[("status", "disabled"), ("reason", reason), ("note", note)])
        };
        assert!(!client.get(&path).page().has(".key-off"));

        give("compromised", "found in a public repository").assert_leads_to(&path);

        app.assert_verdict(&key.secret, "DISABLED");
        let page = client.get(&path).page();
        let off = "Off since 1 Mar 2026, 12:00 UTC by Ada: compromised. “found in a public repository”";
        assert_eq!(page.text(".key-off"), off);
        assert_eq!((chosen(&page), page.field("note")), ("compromised".to_owned(), "found in a public repository".to_owned()));
        app.clock.advance(60);
        let events = db.count("audit_events");
        give("compromised", "found in a public repository").assert_leads_to(&path);
        assert_eq!(db.count("audit_events"), events, "nothing is new");
        give("superseded", "by Project Y").assert_leads_to(&path);
        let off = "Off since 1 Mar 2026, 12:00 UTC by Ada: superseded. “by Project Y”";
        assert_eq!(client.get(&path).page().text(".key-off"), off);
        client.switch(&key, "enabled");
        assert!(!client.get(&path).page().has(".key-off"));
        give("", "").assert_leads_to(&path);
        assert_eq!(client.get(&path).page().text(".key-off"), "Off since 1 Mar 2026, 12:01 UTC by Ada.");
    }

    fn a_reason_that_people_do_not_give_and_a_note_that_is_too_long_switch_nothing_off(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let long = "x".repeat(201);

        for (reason, note, field) in [("holder", "", "reason"), ("nonsense", "", "reason"), ("unused", &*long, "reason-note")] {
            let fields = [("status", "disabled"), ("reason", reason), ("note", note)];
            let page = client.post(&key.status_path(), &fields).assert_status(422).page();
            assert!(page.has(&format!("#key-{field}-error")), "{reason}");
            assert!(page.has("#key-reason-part details[open]"), "{reason}");
            assert_eq!(page.field("note"), note);
        }
        app.assert_verdict(&key.secret, "VALID");

        let nobody = app.anonymous();
        let fields = [("status", "disabled"), ("reason", "unused"), ("note", "since May")];
        let login = nobody.post(&key.status_path(), &fields).page();
        app.assert_verdict(&key.secret, "VALID");
        let (next, draft) = (login.field("next"), login.field("draft"));
        let back = nobody.post("/login", &[("email", EMAIL), ("password", PASSWORD), ("next", &*next), ("draft", &*draft)]);
        let page = nobody.get(back.location()).page();
        assert_eq!((chosen(&page), page.field("note")), ("unused".to_owned(), "since May".to_owned()), "it is filled in again");
    }

    fn a_key_that_its_holder_switched_off_says_so_and_keeps_that_unless_another_reason_is_given(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let path = format!("/api-keys/{}", key.id);
        app.anonymous().with("x-api-key", &key.secret).send("DELETE", "/v1/keys/current", None).assert_status(204);

        let page = client.get(&path).page();
        assert_eq!(page.text(".key-off"), "Off since 1 Mar 2026, 12:00 UTC: its holder switched it off.");
        assert_eq!((chosen(&page), page.texts("#key-reason option").remove(0)), (String::new(), "As it is".to_owned()));
        client.post(&key.status_path(), &[("status", "disabled"), ("reason", ""), ("note", "seen in a chat")]).assert_status(303);

        let off = "Off since 1 Mar 2026, 12:00 UTC: its holder switched it off. “seen in a chat”";
        assert_eq!(client.get(&path).page().text(".key-off"), off);
    }

    fn the_switch_of_the_page_brings_what_is_said_about_it_along(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let off = client.htmx("form#key-switch").post(&key.status_path(), &[("status", "disabled")]).assert_ok();
        let on = client.htmx("form#key-switch").post(&key.status_path(), &[("status", "enabled")]).assert_ok();

        assert!(off.body.contains("class=\"key-off\">Off") && off.body.contains("Change the reason"), "{}", off.body);
        assert!(!on.body.contains("key-off\">Off") && on.body.contains("Switch off with a reason"), "{}", on.body);
    }
}
