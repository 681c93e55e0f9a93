//! A key's own page: its label, its last use, its end.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, App, Client, Database, Key, Page, on_both_databases, time_until};

fn path(key: &Key) -> String {
    format!("/api-keys/{}", key.id)
}

fn deletion(key: &Key) -> String {
    format!("/api-keys/{}/deletion", key.id)
}

/// Sends the form as it was drawn on `page`, with this in its fields.
fn relabel(client: &Client, key: &Key, page: &Page, name: &str, description: &str) -> Answer {
    let fields = [("version", &*page.field("version")), ("name", name), ("description", description)];
    client.post(&path(key), &fields)
}

/// The fact with this name.
fn fact(page: &Page, name: &str) -> String {
    let (names, values) = (page.texts(".facts--pairs dt"), page.texts(".facts--pairs dd"));
    let at = names.iter().position(|found| found == name).unwrap_or_else(|| panic!("no {name} in {names:?}"));
    values[at].clone()
}

/// Waits until uses are written down.
fn wait_for_use(client: &Client, key: &Key, uses: &str) -> Page {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let page = client.get(&path(key)).page();
        if page.texts(".facts--pairs dt").iter().any(|name| name == "Uses in total")
            && fact(&page, "Uses in total") == uses
        {
            return page;
        }
        assert!(Instant::now() < end, "{uses} uses were not written down");
        thread::sleep(Duration::from_millis(50));
    }
}

fn deletions(db: &Database) -> usize {
    db.ask("SELECT id AS line FROM audit_events WHERE action = 'api_key.deleted'").len()
}

fn use_key(app: &App, key: &Key) {
    let nobody = app.anonymous().with("user-agent", "billing/2.1");
    let question = json!({"key": key.secret, "client_ip": "2001:db8::7"});
    let verdict = nobody.post_json("/v1/keys/verify", question.to_string()).assert_ok().json();
    assert_eq!(verdict["code"], "VALID");
}

on_both_databases! {
    fn the_page_tells_everything_about_a_key_but_the_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let answer = client.get(&path(&key)).assert_ok();

        let page = answer.page();
        assert_eq!(page.text("h1"), "Project X");
        assert_eq!(fact(&page, "API Auth Key"), format!("sms_live_••••••{} Rotate…", &key.secret[43..]));
        assert_eq!(fact(&page, "Status"), "Enabled");
        assert_eq!(fact(&page, "Service"), "SMS");
        assert_eq!(fact(&page, "Mode"), "Live: sends real messages and spends credits");
        assert_eq!(fact(&page, "Created"), "1 Mar 2026, 12:00 UTC by Ada");
        assert_eq!(page.text(".settings__none"), "This key has not been used yet.");
        assert!(!answer.body.contains(&key.secret[9..]));
        assert_eq!(client.get("/api-keys").page().attr(".api-key__name a", "href"), path(&key));
    }

    fn a_key_with_awkward_texts_shows_them_as_they_are(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = client.get(&path(&key)).page();

        relabel(&client, &key, &page, "<b>\u{202e}x</b> & \"y\"", "</textarea><script>alert(1)</script>\r\nline 2").assert_status(303);

        let page = client.get(&path(&key)).page();
        assert_eq!(page.text("h1"), "<b>\u{202e}x</b> & \"y\"");
        assert_eq!(page.field("name"), "<b>\u{202e}x</b> & \"y\"");
        assert_eq!(page.field("description"), "</textarea><script>alert(1)</script>\nline 2");
        assert!(!page.has("main script"));
    }

    fn what_is_edited_counts_from_the_next_verdict_on(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        assert_eq!(app.verify(&key.secret)["name"], "Project X");
        let page = client.get(&path(&key)).page();

        relabel(&client, &key, &page, " Project Y ", "Sends reminders").assert_leads_to(&path(&key));

        assert_eq!(app.verify(&key.secret)["name"], "Project Y");
        let page = client.get(&path(&key)).page();
        assert_eq!(page.text("h1"), "Project Y");
        assert_eq!(page.field("description"), "Sends reminders");
        assert_eq!(page.toasts(), ["Success. Key “Project Y” saved."]);
        assert_eq!(client.get("/api-keys").page().rows(), ["Project Y"]);
    }

    fn of_two_edits_at_once_the_second_is_told_and_loses_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let (mine, yours) = (client.get(&path(&key)).page(), client.get(&path(&key)).page());
        relabel(&client, &key, &yours, "Yours", "Your text").assert_status(303);

        let answer = relabel(&client, &key, &mine, "Mine", "My text").assert_status(409).page();

        assert!(answer.text(".form__message .alert").starts_with("Somebody changed this key while you were editing."));
        assert_eq!(answer.texts(".meanwhile dd"), ["Yours", "Your text"]);
        assert_eq!((answer.field("name"), answer.field("description")), ("Mine".to_owned(), "My text".to_owned()));
        assert_eq!(app.verify(&key.secret)["name"], "Yours");
        relabel(&client, &key, &answer, "Mine", "My text").assert_status(303);
        assert_eq!(app.verify(&key.secret)["name"], "Mine");
    }

    fn of_many_edits_at_once_exactly_one_is_saved(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let form = client.get(&path(&key)).page().field("version");
        let fields = |name| [("version", form.clone()), ("name", name), ("description", String::new())];

        let statuses: Vec<u16> = thread::scope(|all| {
            let edits = (0..8).map(|n| {
                let fields = fields(format!("Edit {n}"));
                let (client, key) = (&client, &key);
                all.spawn(move || {
                    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    client.post(&path(key), &fields).status
                })
            });
            edits.collect::<Vec<_>>().into_iter().map(|edit| edit.join().unwrap()).collect()
        });

        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
    }

    fn the_same_edit_again_is_no_quarrel(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = client.get(&path(&key)).page();

        relabel(&client, &key, &page, "Project Y", "Text").assert_status(303);
        relabel(&client, &key, &page, "Project Y", "Text").assert_status(303);
    }

    fn a_switch_is_no_edit(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = client.get(&path(&key)).page();
        client.switch(&key, "disabled");

        relabel(&client, &key, &page, "Project Y", "").assert_status(303);

        app.assert_verdict(&key.secret, "DISABLED");
    }

    fn a_label_that_is_refused_comes_back_with_messages(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = client.get(&path(&key)).page();

        let answer = relabel(&client, &key, &page, " ", &"x".repeat(501)).assert_status(422).page();

        assert_eq!(answer.text("#api-key-name-error"), "Key Name is required.");
        assert_eq!(answer.text("#api-key-description-error"), "Key Description has 501 characters; 500 is the most.");
        assert_eq!(answer.field("description").len(), 501);
        assert_eq!(answer.text("h1"), "Project X");
    }

    fn a_form_that_cant_be_read_changes_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let before = db.rows();

        for fields in [&[("name", "Y"), ("description", "")][..], &[("version", "x"), ("name", "Y"), ("description", "")], &[]] {
            client.post(&path(&key), fields).assert_status(400);
        }
        assert_eq!(db.rows(), before);
    }

    fn what_was_typed_outlives_a_session_that_ended(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Other"));
        let page = client.get(&path(&key)).page();
        let stranger = client.stranger();

        let login = relabel(&stranger, &key, &page, "Project Y", "Sends reminders").assert_status(401).page();

        let (next, draft) = (login.field("next"), login.field("draft"));
        let fields = [("email", crate::support::EMAIL), ("password", crate::support::PASSWORD), ("next", &*next), ("draft", &*draft)];
        stranger.post("/login", &fields).assert_leads_to(&path(&key));
        assert_eq!(stranger.get("/api-keys/new").page().field("name"), "", "another form took the draft");
        let page = stranger.get(&path(&key)).page();
        assert_eq!((page.field("name"), page.field("description")), ("Project Y".to_owned(), "Sends reminders".to_owned()));
        assert_eq!(page.text("h1"), "Project X");
        stranger.post("/login", &fields);
        assert_eq!(stranger.get(&path(&other)).page().field("name"), "Other");
    }

    fn the_switch_works_on_the_page_too(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let part = client.htmx("form#key-switch").post(&key.status_path(), &[("status", "disabled")]).assert_ok();

        assert_eq!(part.page().attr("#key-switch .switch", "aria-checked"), "false");
        assert!(!part.body.contains("<tr") && part.body.contains("hx-partial"), "{}", part.body);
        app.assert_verdict(&key.secret, "DISABLED");
        client.on(&path(&key)).post(&key.status_path(), &[("status", "enabled")]).assert_leads_to(&path(&key));
        app.assert_verdict(&key.secret, "VALID");
    }

    fn the_last_use_is_told_with_its_time_and_its_caller(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        assert_eq!(client.get("/api-keys").page().text(".api-key__used"), "never");

        app.clock.advance(7);
        use_key(&app, &key);
        use_key(&app, &key);
        wait_for_use(&client, &key, "2");
        app.clock.advance(185);

        let page = client.get(&path(&key)).page();
        assert_eq!(fact(&page, "When"), "3 minutes ago");
        assert_eq!(fact(&page, "From"), "2001:db8::7");
        assert_eq!(fact(&page, "User agent"), "billing/2.1");
        let list = client.get("/api-keys").page();
        assert_eq!(list.text(".api-key__used time"), "3 minutes ago");
        assert_eq!(list.attr(".api-key__used time", "title"), "1 Mar 2026, 12:00:07 UTC");
        assert_eq!(list.attr(".api-key__used time", "datetime"), "2026-03-01T12:00:07Z");
        let switched = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).page();
        assert_eq!(switched.text(".api-key__used"), "3 minutes ago");
    }

    fn a_refused_key_was_not_used(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (off, on) = (client.create_key("Off"), client.create_key("On"));
        client.switch(&off, "disabled");

        app.assert_verdict(&off.secret, "DISABLED");
        app.assert_verdict(&on.secret, "VALID");
        wait_for_use(&client, &on, "1");

        assert_eq!(client.get("/api-keys").page().texts(".api-key__used"), ["just now", "never"]);
    }

    fn deleting_asks_first_and_names_the_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let (dialog, page) = (client.htmx("a").get(&deletion(&key)).assert_ok(), client.get(&deletion(&key)).assert_ok());

        assert_eq!(dialog.page().text("#dialog-title"), "Delete Project X?");
        assert!(!dialog.body.contains("<html"));
        assert_eq!(page.page().text("h1"), "Delete Project X?");
        assert!(page.page().has(&format!("form[method=post][action='{}']", deletion(&key))));
        app.assert_verdict(&key.secret, "VALID");
    }

    fn a_deletion_reaches_another_instance_within_a_second(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        other.assert_verdict(&key.secret, "VALID");

        client.post(&deletion(&key), &[]).assert_status(303);

        let lag = time_until(&other.url, &key.secret, "NOT_FOUND");
        assert!(lag < Duration::from_secs(1), "the other instance knew the key after {lag:?}");
    }

    fn the_same_deletion_again_leads_to_the_list_too(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        client.post(&deletion(&key), &[]).assert_leads_to("/api-keys");
        client.post(&deletion(&key), &[]).assert_leads_to("/api-keys");

        assert_eq!(client.get("/api-keys").page().toasts(), ["This key was already deleted."]);
        assert_eq!(deletions(db), 1);
    }

    fn a_key_does_not_come_back_when_its_form_is_sent_again(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        client.post(&deletion(&key), &[]).assert_status(303);
        let fields = [("key_id", &*key.id), ("service", "sms"), ("name", "Project X")];

        client.post("/api-keys", &fields).assert_leads_to("/api-keys");
        app.assert_verdict(&key.secret, "NOT_FOUND");
        client.post(&format!("{}/purge", path(&key)), &[]).assert_status(303);
        client.post("/api-keys", &fields).assert_leads_to("/api-keys");

        assert_eq!(db.count("api_keys"), 0);
        app.assert_verdict(&key.secret, "NOT_FOUND");
        // To others the id looks free.
        app.another_account().post("/api-keys", &fields).assert_ok();
        assert!(!db.rows()["api_keys"][0].contains(&key.id));
    }

    fn many_deletions_at_once_delete_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let statuses: Vec<u16> = thread::scope(|all| {
            let sends: Vec<_> = (0..8).map(|_| all.spawn(|| client.post(&deletion(&key), &[]).status)).collect();
            sends.into_iter().map(|send| send.join().unwrap()).collect()
        });

        assert_eq!(statuses, [303; 8]);
        assert_eq!(deletions(db), 1);
    }

    fn another_accounts_key_looks_as_if_it_did_not_exist_and_stays_as_it_is(db: &Database) {
        let app = db.app();
        let owner = app.another_account();
        let (theirs, gone) = (owner.create_key("Theirs"), owner.create_key("Gone"));
        owner.post(&deletion(&gone), &[]).assert_status(303);
        let client = app.signed_in();
        let before = db.rows();

        for key in [&theirs, &gone] {
            client.get(&path(key)).assert_status(404);
            client.get(&deletion(key)).assert_status(404);
            client.post(&deletion(key), &[]).assert_status(404);
            client.post(&path(key), &[("version", "1"), ("name", "Mine"), ("description", "")]).assert_status(404);
        }
        for id in ["nonsense", "key_01234567890123456789012345", "%27"] {
            client.get(&format!("/api-keys/{id}")).assert_status(404);
            client.post(&format!("/api-keys/{id}/deletion"), &[]).assert_status(404);
        }
        assert_eq!(db.rows(), before);
        app.assert_verdict(&theirs.secret, "VALID");
    }

    fn whoever_is_not_logged_in_sees_and_deletes_nothing(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let nobody = app.anonymous();

        nobody.get(&path(&key)).assert_leads_to(&format!("/login?next=/api-keys/{}", key.id));
        nobody.get(&deletion(&key)).assert_status(303);
        nobody.post(&deletion(&key), &[]).assert_leads_to(&format!("/login?next={}", deletion(&key)));

        app.assert_verdict(&key.secret, "VALID");
    }

    fn only_a_post_deletes_and_only_from_this_site(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for method in ["PUT", "DELETE", "PATCH"] {
            client.send(method, &deletion(&key), None).assert_status(405);
        }
        client.with("sec-fetch-site", "cross-site").post(&deletion(&key), &[]).assert_status(403);
        app.assert_verdict(&key.secret, "VALID");
    }

    fn while_the_database_is_locked_nothing_is_lost(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = client.get(&path(&key)).page();
        let lock = db.lock();

        let answer = relabel(&client, &key, &page, "Project Y", "Sends reminders").assert_status(503).page();
        client.post(&deletion(&key), &[]).assert_status(503);
        drop(lock);

        assert!(answer.text(".form__message .alert").contains("Nothing was saved"));
        assert_eq!(answer.field("name"), "Project Y");
        app.assert_verdict(&key.secret, "VALID");
    }
}
