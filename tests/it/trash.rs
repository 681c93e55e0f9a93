//! The trash: a deleted key opens nothing, an operator can bring it back for seven days, and
//! then nothing is left of it but its id.

use std::thread;
use std::time::{Duration, Instant};

use keyfob::domain::account::membership::Role;
use keyfob::domain::api_key::trash;
use serde_json::Value;

use crate::support::{App, Application, Client, Database, Key, PHONE, on_both_databases, run, time_until};

const DAY: i64 = 24 * 3_600;

fn path(key: &Key) -> String {
    format!("/api-keys/{}", key.id)
}

#[track_caller]
fn delete(client: &Client, key: &Key) {
    client.post(&format!("{}/deletion", path(key)), &[]).assert_leads_to("/api-keys");
}

#[track_caller]
fn restore(client: &Client, key: &Key) {
    client.post(&format!("{}/restoration", path(key)), &[]).assert_leads_to(&path(key));
}

/// Does at this moment what an instance does every hour.
fn purge(app: &App) -> bool {
    app.change(|tx| trash::purge_due(tx, 100))
}

/// What of the tables tells anything about a key, but the record of who did what, what can be
/// undone for some minutes and is kept for a day, and the log of changes.
fn rows_of(db: &Database, key: &Key) -> Vec<(String, String)> {
    let rows = db.rows().into_iter().flat_map(|(table, rows)| rows.into_iter().map(move |row| (table.clone(), row)));
    rows.filter(|(table, row)| !["audit_events", "key_action_items"].contains(&&**table) && row.contains(&key.id))
        .collect()
}

/// Asks until the uses of a key are in the database.
fn wait_for_use(db: &Database, key: &Key) {
    let end = Instant::now() + Duration::from_secs(30);
    let uses = format!(
        "SELECT api_key_id AS line FROM key_secrets JOIN key_secret_usages ON key_secret_id = id WHERE api_key_id = '{}'",
        key.id
    );
    while db.ask(&uses).is_empty() {
        assert!(Instant::now() < end, "the use was not written down");
        thread::sleep(Duration::from_millis(50));
    }
}

fn events(db: &Database, key: &Key) -> Vec<String> {
    db.ask(&format!("SELECT action AS line FROM audit_events WHERE target_id = '{}' ORDER BY at, id", key.id))
}

#[track_caller]
fn command(db: &Database, arguments: &[&str]) -> crate::support::Ended {
    run(&[arguments, &["--database-url", &db.url()]].concat(), "")
}

on_both_databases! {
    fn a_deleted_key_opens_nothing_from_the_next_request_on_and_after_seven_days_nothing_is_left_but_its_id(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Other"));
        app.assert_verdict(&key.secret, "VALID");
        wait_for_use(db, &key);

        delete(&client, &key);

        app.assert_verdict(&key.secret, "NOT_FOUND");
        app.assert_verdict(&other.secret, "VALID");
        let list = client.get("/api-keys").page();
        assert_eq!((list.toasts(), list.rows()), (vec!["Success. Key “Project X” deleted.".to_owned()], vec!["Other".to_owned()]));
        app.clock.advance(7 * DAY - 1);
        purge(&app);
        assert!(rows_of(db, &key).iter().any(|(table, _)| table == "api_keys"), "a second too early");
        app.clock.advance(1);
        purge(&app);

        let left: Vec<String> = rows_of(db, &key).into_iter().map(|(table, _)| table).collect();
        assert_eq!(left, ["api_key_deletions"]);
        assert_eq!(events(db, &key), ["api_key.created", "api_key.deleted", "api_key.purged"]);
        app.assert_verdict(&key.secret, "NOT_FOUND");
        app.assert_verdict(&other.secret, "VALID");
        let client = app.signed_in();
        client.get(&path(&key)).assert_status(404);
        client.post(&format!("{}/restoration", path(&key)), &[]).assert_status(404);
    }

    fn a_restored_key_is_as_it_was_and_answers_again_on_every_instance(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let set = |to: &str, fields: &[(&str, &str)]| {
            client.post(&format!("{}{to}", path(&key)), fields).assert_status(303);
        };
        set("/default-sender", &[("default_sender", "Shop")]);
        set("/allowed-ips", &[("allowed_ips", "127.0.0.1 ::1")]);
        let callback = [("url", "https://example.com/sms"), ("action", "save")];
        client.post(&format!("{}/callback", path(&key)), &callback).assert_ok();
        let question = serde_json::json!({"key": key.secret, "client_ip": "127.0.0.1"}).to_string();
        let ask = |app: &App| app.anonymous().post_json("/v1/keys/verify", &question).assert_ok().json()["code"].clone();
        assert_eq!((ask(&app), ask(&other)), (Value::from("VALID"), Value::from("VALID")));
        let rotation = client.get(&format!("{}/rotation", path(&key))).page().field("secret_id");
        client.post(&format!("{}/rotation", path(&key)), &[("secret_id", &rotation), ("grace", "86400")]).assert_ok();
        wait_for_use(db, &key);
        // What is counted goes on being counted meanwhile.
        let kept = || {
            // What is counted meanwhile, and that the deletion can be undone.
            let is_news = |table: &str| ["_use", "_usage", "refusal", "key_action"].iter().any(|part| table.contains(part));
            rows_of(db, &key).into_iter().filter(|(table, _)| !is_news(table)).collect::<Vec<_>>()
        };
        let before = kept();

        delete(&client, &key);
        assert_eq!(ask(&app), "NOT_FOUND");
        let lag = time_until(&other.url, &key.secret, "NOT_FOUND");
        assert!(lag < Duration::from_secs(1), "the other instance knew the key after {lag:?}");
        restore(&client, &key);

        assert_eq!(ask(&app), "VALID");
        let lag = time_until(&other.url, &key.secret, "IP_NOT_ALLOWED"); // asked without an address
        assert!(lag < Duration::from_secs(1), "the other instance refused the key after {lag:?}");
        assert_eq!(kept(), before);
        assert!(before.len() >= 4, "a key, two secrets and a callback: {before:?}");
        assert_eq!(client.get(&path(&key)).page().toasts(), ["Success. Key “Project X” restored."]);
        restore(&client, &key);
        assert_eq!(client.get("/api-keys").page().toasts(), ["This key was already restored."]);
        assert_eq!(events(db, &key).iter().filter(|action| *action == "api_key.restored").count(), 1);
    }

    fn a_key_that_was_refused_before_its_deletion_is_refused_after_its_restoration(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let [off, ended, of_service] = ["Off", "Ended", "Of service"].map(|name| client.create_key(name));
        client.switch(&off, "disabled");
        client.post(&format!("{}/expiry", path(&ended)), &[("ends", "7")]).assert_status(303);
        app.clock.advance(DAY);
        let client = app.signed_in();
        [&off, &ended, &of_service].into_iter().for_each(|key| delete(&client, key));
        app.clock.advance(DAY * 13 / 2);
        let client = app.signed_in();

        [&off, &ended].into_iter().for_each(|key| restore(&client, key));
        client.post("/services/sms/status", &[("status", "disabled")]).assert_status(303);
        restore(&client, &of_service);

        let toast = client.get("/api-keys").page().toasts().pop().unwrap();
        assert_eq!(toast, "“Of service” is restored, but SMS is switched off.");
        app.assert_verdict(&of_service.secret, "DISABLED");
        client.post("/services/sms/status", &[("status", "enabled")]).assert_status(303);
        app.assert_verdict(&off.secret, "DISABLED");
        app.assert_verdict(&ended.secret, "EXPIRED");
        app.assert_verdict(&of_service.secret, "VALID");
    }

    fn nobody_but_those_who_manage_keys_restores_one_and_none_of_another_account(db: &Database) {
        let app = db.app();
        let (client, viewer, stranger) =
            (app.signed_in(), app.colleague(Role::Viewer, "grace@example.com"), app.another_account());
        let key = client.create_key("Project X");
        delete(&client, &key);
        let before = db.rows();

        let page = viewer.get("/api-keys/trash").assert_ok().page();
        assert_eq!(page.texts(".trashed__name a"), ["Project X"]);
        assert!(!page.has(".trashed button, .trashed .btn"));
        viewer.get(&path(&key)).assert_ok();
        assert!(!stranger.get("/api-keys/trash").assert_ok().body.contains("Project X"));
        for action in ["restoration", "purge"] {
            viewer.post(&format!("{}/{action}", path(&key)), &[]).assert_status(403);
            stranger.post(&format!("{}/{action}", path(&key)), &[]).assert_status(404);
        }
        stranger.get(&path(&key)).assert_status(404);
        app.anonymous().post(&format!("{}/restoration", path(&key)), &[]).assert_leads_to(&format!("/login?next={}", path(&key)));

        assert_eq!(db.rows(), before);
        // The key's holder can't switch it off either; the request is counted some time after.
        app.anonymous().with("x-api-key", &key.secret).send("DELETE", "/v1/keys/current", None).assert_status(401);
        restore(&client, &key);
        app.assert_verdict(&key.secret, "VALID");
    }

    fn the_trash_says_who_deleted_what_and_until_when_it_can_be_restored(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Other"));
        assert!(!client.get("/api-keys").page().has("a[href='/api-keys/trash']"), "nothing is in it");
        delete(&client, &key);
        app.clock.advance(2 * DAY);
        let client = app.signed_in();

        let page = client.get(&client.get("/api-keys").page().attr("a[href='/api-keys/trash']", "href")).page();
        assert_eq!(page.texts(".trashed__deleted"), ["deleted 2 days ago by Ada"]);
        assert_eq!(page.texts(".trashed__gone"), ["gone from 8 Mar 2026, 12:00 UTC"]);
        let of_key = client.get(&path(&key)).assert_ok().page();
        let said = "Deleted 2 days ago by Ada. Requests with this key are refused. You can restore it until 8 Mar 2026, 12:00 UTC, then it is gone.";
        assert_eq!(of_key.text(".trashed-notice"), said);

        delete(&client, &other);
        let page = client.get("/api-keys").page();
        assert!(page.has(".empty") && page.has("a[href='/api-keys/trash']"), "also when no other key is left");
        app.clock.advance(5 * DAY);
        assert_eq!(app.signed_in().get("/api-keys/trash").page().texts(".trashed__name a"), ["Other"]);
    }

    fn a_key_in_the_trash_is_changed_by_nothing_and_counted_nowhere(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, kept) = (client.create_key("Project X"), client.create_key("Kept"));
        let link = client.hand_over(&key);
        app.anonymous().post_json("/v1/leak-reports", serde_json::json!({"keys": [key.secret]}).to_string()).assert_status(202);
        client.post(&format!("{}/expiry", path(&key)), &[("ends", "7")]).assert_status(303);
        let secret_id = client.get(&format!("{}/rotation", path(&key))).page().field("secret_id");
        delete(&client, &key);
        let before = (rows_of(db, &key), events(db, &key));

        for (to, fields) in [
            ("", &[("version", "1"), ("name", "Mine"), ("description", "")][..]),
            ("/status", &[("status", "disabled")]),
            ("/expiry", &[("ends", "30")]),
            ("/scopes", &[("access", "full")]),
            ("/allowed-ips", &[("allowed_ips", "203.0.113.9")]),
            ("/default-sender", &[("default_sender", "Shop")]),
            ("/callback", &[("url", "https://example.com/sms"), ("action", "save")]),
            ("/rotation", &[("secret_id", &*secret_id), ("grace", "0")]),
            ("/handover", &[("key", &*key.secret)]),
            ("/leak-report/dismissal", &[]),
        ] {
            client.post(&format!("{}{to}", path(&key)), fields).assert_status(404);
        }
        app.anonymous().post_json("/v1/leak-reports", serde_json::json!({"keys": [key.secret]}).to_string()).assert_status(202);
        app.anonymous().get(&link).assert_status(404);

        assert_eq!((rows_of(db, &key), events(db, &key)), before);
        let list = client.get("/api-keys").page();
        assert_eq!(list.rows(), ["Kept"]);
        assert!(!list.text("main").contains("Project X"), "neither as one that ends soon nor as a reported one");
        assert_eq!(client.get("/services").page().texts(".service__keys"), ["1 key"]);
        assert!(!client.get("/services/sms/status").page().text("main").contains("2 keys"));
        assert_eq!(client.get("/refusals").page().texts(".refused__key").len(), 0);
        app.assert_verdict(&kept.secret, "VALID");
    }

    fn a_scope_that_is_deleted_is_taken_from_keys_in_the_trash_too(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.post("/services/sms/scopes", &[("scope", "eve.read"), ("description", "Read Eve")]).assert_status(303);
        let key = app.make_key_with_rules("eve.read messages.send", "");
        delete(&client, &key);

        client.post("/services/sms/scopes/eve.read/deletion", &[]).assert_status(303);

        let toast = client.get("/services/sms").page().toasts();
        assert_eq!(toast, ["Success. Scope “eve.read” deleted."], "keys in the trash are not counted");
        restore(&client, &key);
        assert_eq!(app.verify(&key.secret)["scopes"], serde_json::json!(["messages.send"]));
    }

    fn a_key_is_deleted_for_good_once_that_is_confirmed(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, live) = (client.create_key("Project X"), client.create_key("Live"));
        let ask = |key: &Key| format!("{}/purge", path(key));
        delete(&client, &key);

        assert_eq!(client.htmx("a").get(&ask(&key)).assert_ok().page().text("#dialog-title"), "Delete Project X for good?");
        assert!(client.get(&ask(&key)).page().has(&format!("form[method=post][action='{}']", ask(&key))));
        assert!(!rows_of(db, &key).is_empty(), "nothing but a question");
        client.post(&ask(&key), &[]).assert_leads_to("/api-keys/trash");

        assert_eq!(client.get("/api-keys/trash").page().toasts(), ["Success. Key “Project X” deleted for good."]);
        assert_eq!(rows_of(db, &key).len(), 1);
        client.post(&ask(&key), &[]).assert_leads_to("/api-keys/trash");
        // What is not in the trash is not purged.
        client.get(&ask(&live)).assert_status(404);
        client.post(&ask(&live), &[]).assert_status(404);
        app.assert_verdict(&live.secret, "VALID");
    }

    fn instances_that_purge_at_the_same_moment_purge_once(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let keys: Vec<Key> = (0..20).map(|_| app.make_key("Project X")).collect();
        keys.iter().for_each(|key| delete(&client, key));
        app.clock.advance(7 * DAY);

        thread::scope(|all| {
            for app in [&app, &other] {
                all.spawn(move || while app.change(|tx| trash::purge_due(tx, 3)) {});
            }
        });

        for key in &keys {
            assert_eq!(events(db, key).iter().filter(|action| *action == "api_key.purged").count(), 1);
        }
        assert_eq!((db.count("api_keys"), db.count("api_key_deletions")), (0, 20));
    }

    fn a_running_server_purges_by_itself(db: &Database) {
        let app = db.app();
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        delete(&client, &key);

        app.clock.advance(7 * DAY);

        let end = Instant::now() + Duration::from_secs(30);
        while db.count("api_keys") > 0 {
            assert!(Instant::now() < end, "the key was not purged");
            thread::sleep(Duration::from_millis(50));
        }
        let event = "SELECT actor_kind || ' ' || action AS line FROM audit_events WHERE action = 'api_key.purged'";
        assert_eq!(db.ask(event), ["system api_key.purged"]);
    }

    fn a_key_in_the_trash_is_found_by_its_secret_and_can_be_restored_there(db: &Database) {
        let app = db.app();
        let (client, stranger) = (app.signed_in(), app.another_account());
        let key = client.create_key("Project X");
        delete(&client, &key);
        let look_up = |client: &Client| client.post("/leaks", &[("text", &*key.secret)]).assert_ok().page();

        let page = look_up(&client);
        assert_eq!(page.text("#leaks-found"), "1 key found");
        assert_eq!(page.text(".leak__verdict"), "Refused: in the trash, deleted just now");
        assert!(page.has(&format!("form[action='{}/restoration']", path(&key))));
        assert_eq!(look_up(&stranger).texts(".leaks__unknown li").len(), 1, "to others it is not from here");

        client.post(&format!("{}/purge", path(&key)), &[]).assert_status(303);
        assert_eq!(look_up(&client).texts(".leaks__unknown li").len(), 1);
    }

    fn messages_of_a_deleted_key_have_its_name_again_once_it_is_restored(db: &Database) {
        let app = db.app();
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        Application::with(&app, &key).sent(PHONE, "Hello");
        delete(&client, &key);
        assert_eq!(client.get("/messages").page().texts(".message__key"), ["deleted key"]);

        restore(&client, &key);

        assert!(client.get("/messages").page().text(".message__key").starts_with("Project X"));
    }

    fn a_command_lists_the_trash_and_restores_a_key_within_a_second(db: &Database) {
        let app = App::start_set(db, |_| {}, keyfob::clock::Clock::System).with_operator();
        let (key, live) = (app.make_key("Project X"), app.make_key("Live"));
        let deleted = command(db, &["key", "delete", &key.id]).assert_success();
        assert!(deleted.stdout.contains(&format!("For 7 days it can be restored: keyfob key restore {}", key.id)), "{deleted:?}");
        assert!(time_until(&app.url, &key.secret, "NOT_FOUND") < Duration::from_secs(1));

        let listed = command(db, &["key", "list", "--trash", "--json"]).assert_success().stdout;
        let [row] = &*listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>() else {
            panic!("{listed}");
        };
        assert_eq!((&row["id"], &row["name"]), (&Value::from(&*key.id), &Value::from("Project X")));
        assert!(row["deleted_at"].is_string() && row["restorable_until"].is_string(), "{row}");
        assert!(!listed.contains(&key.secret));
        assert!(command(db, &["key", "list", "--trash"]).assert_success().stdout.contains("Project X"));
        assert!(!command(db, &["key", "list"]).assert_success().stdout.contains("Project X"));
        for arguments in [&["disable"][..], &["rotate"], &["delete"], &["show"]] {
            let ended = command(db, &[&["key"], arguments, &[&key.id]].concat());
            assert!(ended.stderr.contains("was deleted; see `keyfob key list --trash`"), "{ended:?}");
        }
        let wrong = command(db, &["key", "restore", &live.id]);
        assert!(wrong.stderr.contains("is not in the trash"), "{wrong:?}");

        let restored = command(db, &["key", "restore", &key.id]).assert_success().stdout;

        assert!(restored.contains("is restored. It works again."), "{restored}");
        assert!(time_until(&app.url, &key.secret, "VALID") < Duration::from_secs(1));
    }

    fn keys_that_a_restored_backup_switches_off_stay_off_when_they_leave_the_trash(db: &Database) {
        let app = App::start_set(db, |_| {}, keyfob::clock::Clock::System).with_operator();
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        delete(&client, &key);

        let said = command(db, &["restore", "--keys-off"]).assert_success().stdout;

        assert!(said.contains("0 keys are switched off"), "{said}");
        restore(&client, &key);
        app.assert_verdict(&key.secret, "DISABLED");
    }
}
