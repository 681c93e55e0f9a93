//! Undo: for 10 minutes, what was done to keys can be taken back.

use keyfob::domain::account::membership::Role;

use crate::support::{Client, Page, on_both_databases};

/// Ten minutes, to the second.
const UNDO_SECONDS: i64 = 600;

/// Where the button of the page leads that undoes something.
fn undo_path(page: &Page) -> String {
    page.attrs("form[action^='/undo/']", "action").remove(0)
}

fn undo(client: &Client, path: &str) -> Vec<String> {
    let answer = client.on("/api-keys").post(path, &[]);
    client.get(answer.assert_status(303).location()).page().toasts()
}

on_both_databases! {
    fn a_switch_is_undone_from_the_toast_and_the_next_request_passes(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        app.assert_verdict(&key.secret, "VALID");
        let page = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).assert_ok().page();
        app.assert_verdict(&key.secret, "DISABLED");

        let toasts = undo(&client, &undo_path(&page));

        assert_eq!(toasts, ["Undone. 1 key on again."]);
        app.assert_verdict(&key.secret, "VALID");
        let event = "SELECT action || ' ' || reason AS line FROM audit_events WHERE reason = 'Undone'";
        assert_eq!(db.ask(event), ["api_key.enabled Undone"]);
        assert_eq!(undo(&client, &undo_path(&page)), ["This was already undone."]);
    }

    fn a_switch_with_a_reason_is_undone_but_a_reason_that_is_given_later_is_none_to_undo(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let path = format!("/api-keys/{}", key.id);
        let give = |reason: &str| {
            let fields = [("status", "disabled"), ("reason", reason), ("note", "")];
            client.get(client.post(&key.status_path(), &fields).assert_leads_to(&path).location()).page()
        };
        let page = give("compromised");
        app.assert_verdict(&key.secret, "DISABLED");

        assert_eq!(undo(&client, &undo_path(&page)), ["Undone. 1 key on again."]);

        app.assert_verdict(&key.secret, "VALID");
        assert!(!client.get(&path).page().has(".key-off"), "with no reason left");
        client.switch(&key, "disabled");
        app.clock.advance(UNDO_SECONDS);
        assert!(!give("unused").has("form[action^='/undo/']"));
    }

    fn a_deletion_is_undone_and_the_key_is_as_it_was(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let deleted = client.post(&format!("/api-keys/{}/deletion", key.id), &[]);
        let page = client.get(deleted.assert_status(303).location()).page();
        app.assert_verdict(&key.secret, "NOT_FOUND");

        assert_eq!(undo(&client, &undo_path(&page)), ["Undone. 1 key restored."]);

        app.assert_verdict(&key.secret, "VALID");
        client.get(&format!("/api-keys/{}", key.id)).assert_ok();
    }

    fn the_page_of_a_key_offers_it_also_after_a_reload_and_for_ten_minutes(db: &Database) {
        let app = db.app();
        let (client, path) = (app.signed_in(), |id: &str| format!("/api-keys/{id}"));
        let key = client.create_key("Project X");
        assert!(!client.get(&path(&key.id)).page().has(".undo"));
        client.switch(&key, "disabled");
        app.clock.advance(120);

        let page = client.get(&path(&key.id)).page();
        assert_eq!(page.text(".undo p"), "You switched this key off 2 minutes ago.");
        let colleague = app.colleague(Role::Admin, "grace@example.com");
        assert_eq!(colleague.get(&path(&key.id)).page().text(".undo p"), "Ada switched this key off 2 minutes ago.");
        let viewer = app.colleague(Role::Viewer, "joan@example.com");
        assert!(!viewer.get(&path(&key.id)).page().has(".undo"));
        viewer.post(&undo_path(&page), &[]).assert_status(403);
        app.clock.advance(UNDO_SECONDS - 120 - 1);
        assert!(client.get(&path(&key.id)).page().has(".undo"));

        app.clock.advance(1);

        assert!(!client.get(&path(&key.id)).page().has(".undo"));
        let toasts = undo(&colleague, &undo_path(&page));
        assert_eq!(toasts, ["This can be undone for 10 minutes only. Nothing was changed."]);
        app.assert_verdict(&key.secret, "DISABLED");
    }

    fn what_somebody_changed_since_stays_and_is_told(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).page();
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);

        let toasts = undo(&client, &undo_path(&page));

        assert_eq!(toasts, ["1 key was changed since and stays as it is."]);
        app.assert_verdict(&key.secret, "NOT_FOUND");
    }

    fn what_looks_as_it_was_left_but_was_changed_since_stays_and_is_told(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let colleague = app.colleague(Role::Admin, "grace@example.com");
        let key = client.create_key("Project X");
        let page = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).page();
        for status in ["enabled", "disabled"] {
            app.clock.advance(1);
            colleague.switch(&key, status);
        }

        let toasts = undo(&client, &undo_path(&page));

        assert_eq!(toasts, ["1 key was changed since and stays as it is."]);
        app.assert_verdict(&key.secret, "DISABLED");
    }

    fn a_key_that_undo_switches_off_again_is_not_handed_over_any_more(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        client.switch(&key, "disabled");
        let page = client.htmx("form").post(&key.status_path(), &[("status", "enabled")]).page();
        client.hand_over(&key);
        assert_eq!(db.count("key_handovers"), 1);

        assert_eq!(undo(&client, &undo_path(&page)), ["Undone. 1 key off again."]);

        assert_eq!(db.count("key_handovers"), 0);
    }

    fn nobody_of_another_account_undoes_anything(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).page();

        app.another_account().post(&undo_path(&page), &[]).assert_status(404);

        app.assert_verdict(&key.secret, "DISABLED");
    }
}
