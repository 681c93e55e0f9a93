//! Audit events: every change leaves one, with who made it and from where.

use keyfob::domain::account::membership::Role;

use crate::support::{Client, Database, EMAIL, PASSWORD, Phone, on_both_databases, operator_id, run};

const NEW_PASSWORD: &str = "a battery of correct horses";

/// What was recorded: kind of actor, door, action and target, oldest first.
fn events(db: &Database) -> Vec<String> {
    db.ask(
        "SELECT actor_kind || ' ' || via || ' ' || action || ' ' || target_kind || ' ' || target_name AS line \
         FROM audit_events ORDER BY id",
    )
}

/// The actions that `change` records.
fn recorded(db: &Database, change: impl FnOnce()) -> Vec<String> {
    let before = events(db).len();
    change();
    let after = events(db);
    after[before..].iter().map(|event| event.split(' ').nth(2).unwrap().to_owned()).collect()
}

fn entry_id(client: &Client) -> String {
    client.get("/credits").page().field("entry_id")
}

on_both_databases! {
    fn every_change_leaves_one_audit_event_and_a_repeated_one_none(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let path = format!("/api-keys/{}", key.id);
        let callback = |action: &str| client.post(&format!("{path}/callback"), &[("url", "https://example.com/sms"), ("action", action)]);
        let entry = entry_id(&client);
        let form_id = client.form_id();
        let secret_id = client.get(&format!("{path}/rotation")).page().field("secret_id");
        let steps: [(&str, &dyn Fn()); 24] = [
            ("api_key.created", &|| drop(client.post("/api-keys", &[("key_id", &*form_id), ("service", "sms"), ("name", "Y"), ("description", "")]))),
            ("api_key.disabled", &|| client.switch(&key, "disabled")),
            ("api_key.enabled", &|| client.switch(&key, "enabled")),
            ("api_key.relabelled", &|| drop(client.post(&path, &[("version", "1"), ("name", "Z"), ("description", "")]))),
            ("api_key.scopes_changed", &|| drop(client.post(&format!("{path}/scopes"), &[("access", "some"), ("scopes", "messages.read")]))),
            ("api_key.allowed_ips_changed", &|| drop(client.post(&format!("{path}/allowed-ips"), &[("allowed_ips", "203.0.113.9")]))),
            ("api_key.sender_changed", &|| drop(client.post(&format!("{path}/default-sender"), &[("default_sender", "Shop")]))),
            ("api_key.expiry_changed", &|| drop(client.post(&format!("{path}/expiry"), &[("ends", "30")]))),
            ("api_key.limits_changed", &|| drop(client.post(&format!("{path}/limits"), &[("credits_day", "500")]))),
            ("account.limits_changed", &|| drop(client.post("/settings/limits", &[("messages_minute", "60")]))),
            ("callback.changed", &|| drop(callback("save"))),
            ("callback.removed", &|| drop(callback("remove"))),
            ("api_key.rotated", &|| drop(client.post(&format!("{path}/rotation"), &[("secret_id", &*secret_id), ("grace", "86400")]))),
            ("api_key.rotation_ended", &|| drop(client.post(&format!("{path}/rotation/end"), &[]))),
            ("api_key.deleted", &|| drop(client.post(&format!("{path}/deletion"), &[]))),
            ("credits.added", &|| drop(client.post("/credits", &[("entry_id", &*entry), ("amount", "5"), ("note", "Invoice 7")]))),
            ("service.created", &|| drop(client.post("/services", &[("name", "Mail"), ("slug", "mail"), ("key_prefix", "mail")]))),
            ("service.renamed", &|| drop(client.post("/services/mail", &[("name", "Post")]))),
            ("service.scope_added", &|| drop(client.post("/services/mail/scopes", &[("scope", "boxes.read"), ("description", "Read")]))),
            ("service.scope_changed", &|| drop(client.post("/services/mail/scopes/boxes.read", &[("description", "Read boxes")]))),
            ("service.scope_removed", &|| drop(client.post("/services/mail/scopes/boxes.read/deletion", &[]))),
            ("settings.changed", &|| drop(client.post("/settings/instance", &[("default_lifetime_days", "90"), ("max_lifetime_days", "365")]))),
            ("settings.changed", &|| drop(client.post("/settings/instance/name", &[("instance_name", "Acme")]))),
            ("operator.renamed", &|| drop(client.post("/settings/name", &[("name", "Countess")]))),
        ];

        for (action, change) in steps {
            assert_eq!(recorded(db, change), [action]);
            assert_eq!(recorded(db, change), [""; 0], "{action} again");
        }
    }

    fn secrets_passwords_and_logins_leave_one_event_each_time(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let callback = |action: &str| {
            let fields = [("url", "https://example.com/sms"), ("action", action)];
            let answer = client.post(&format!("/api-keys/{}/callback", key.id), &fields);
            assert!(matches!(answer.status, 200 | 303), "{}", answer.status);
        };
        callback("save");
        let passwords = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];

        let link = std::cell::OnceCell::new();
        let hand_over = || drop(link.set(client.hand_over(&key)));
        let open = || drop(app.anonymous().post(link.get().unwrap(), &[]));
        let withdraw = || drop(client.post(&format!("{}/withdrawal", key.handover_path()), &[]));

        assert_eq!(recorded(db, hand_over), ["api_key.handed_over"]);
        assert_eq!(recorded(db, open), ["api_key.handover_opened"]);
        assert_eq!(recorded(db, open), [""; 0]);
        assert_eq!(recorded(db, || drop(client.hand_over(&key))), ["api_key.handed_over"]);
        assert_eq!(recorded(db, withdraw), ["api_key.handover_withdrawn"]);
        assert_eq!(recorded(db, withdraw), [""; 0]);
        assert_eq!(recorded(db, || callback("new-secret")), ["callback.secret_renewed"]);
        assert_eq!(recorded(db, || drop(app.signed_in())), ["operator.logged_in"]);
        assert_eq!(recorded(db, || drop(client.post("/login/confirmation", &[("password", PASSWORD)]))), ["operator.password_confirmed"]);
        assert_eq!(recorded(db, || drop(client.post("/settings/password", &passwords))), ["operator.password_changed"]);
        assert_eq!(recorded(db, || drop(client.post("/audit.csv", &[]))), ["audit.exported"]);
        assert_eq!(recorded(db, || drop(client.post("/audit.jsonl", &[]))), ["audit.exported"]);
        for _ in 0..3 {
            app.anonymous().log_in(EMAIL, NEW_PASSWORD);
        }
        let end_one = client.get("/settings/sessions").page().attrs(".session form", "action").pop().unwrap();
        assert_eq!(recorded(db, || drop(client.post(&end_one, &[]))), ["session.ended"]);
        assert_eq!(recorded(db, || drop(client.post(&end_one, &[]))), [""; 0]);
        assert_eq!(recorded(db, || drop(client.post("/settings/sessions/end-others", &[]))), ["session.others_ended"]);
        assert_eq!(recorded(db, || drop(client.post("/settings/sessions/end-others", &[]))), [""; 0]);
        assert_eq!(recorded(db, || drop(client.post("/logout", &[]))), ["session.ended"]);
        assert_eq!(recorded(db, || drop(client.post("/logout", &[]))), [""; 0]);
        assert!(!db.rows()["audit_events"].join(" ").contains("argon2"));
    }

    fn every_change_of_people_leaves_one_event_and_a_repeated_one_none(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.colleague(Role::Viewer, "grace@example.com");
        let person = format!("/people/{}", operator_id(db, "grace@example.com"));
        let set = |path: &str, name: &str, value: &str| drop(client.post(&format!("{person}/{path}"), &[(name, value)]));
        let steps: [(&str, &dyn Fn()); 4] = [
            ("operator.role_changed", &|| set("role", "role", "admin")),
            ("operator.disabled", &|| set("status", "status", "disabled")),
            ("operator.enabled", &|| set("status", "status", "enabled")),
            ("operator.removed", &|| set("removal", "x", "")),
        ];
        let link = client.password_link(&operator_id(db, "grace@example.com"));
        let set_password = || drop(app.anonymous().post(&link, &[("new_password", NEW_PASSWORD)]));
        assert_eq!(recorded(db, set_password), ["operator.password_changed"]);
        assert_eq!(recorded(db, set_password), [""; 0]);
        for (action, change) in steps {
            assert_eq!(recorded(db, change), [action]);
            assert_eq!(recorded(db, change), [""; 0], "{action} again");
        }

        assert_eq!(recorded(db, || drop(client.invite("viewer", "linus@example.com"))), ["operator.invited"]);
        let withdrawal = client.get("/people").page().attr("form[action$=withdrawal]", "action");
        let withdraw = || drop(client.post(&withdrawal, &[]));
        assert_eq!(recorded(db, withdraw), ["operator.invitation_withdrawn"]);
        assert_eq!(recorded(db, withdraw), [""; 0]);
        let link = client.invite("admin", "linus@example.com");
        let form = [("name", "Linus"), ("email", "linus@example.com"), ("password", PASSWORD)];
        let join = || drop(app.anonymous().post(&link, &form));
        assert_eq!(recorded(db, join), ["operator.joined"]);
        assert_eq!(recorded(db, join), [""; 0]);
        let make = || drop(client.password_link(&operator_id(db, "linus@example.com")));
        assert_eq!(recorded(db, make), ["operator.password_link_made"]);
        let joined = db.ask(
            "SELECT actor_name || '|' || target_name || '|' || changes AS line FROM audit_events \
             WHERE action IN ('operator.joined', 'operator.role_changed') AND actor_kind = 'operator' AND account_id IS NOT NULL \
             ORDER BY action DESC",
        );
        assert_eq!(joined, [r#"Ada|Ada|{"role":["viewer","admin"]}"#, r#"Linus|Linus|{"role":["","admin"]}"#]);
    }

    fn a_second_factor_leaves_one_event_for_each_change_and_none_of_them_its_secrets(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let phone = Phone::set_up(&client);
        let give = |path: &str| drop(client.post(&format!("/settings/second-factor/{path}"), &[("code", &phone.next_code(&app))]));
        let rule = || drop(client.post("/settings/instance/second-factor", &[("second_factor_rule", "everybody")]));
        let reset = || drop(run(&["operator", "reset-second-factor", EMAIL, "--database-url", &db.url()], ""));
        let begin = || drop(client.post("/settings/second-factor/setup", &[]));

        assert_eq!(recorded(db, || give("activation")), ["operator.second_factor_added"]);
        assert_eq!(recorded(db, || give("activation")), [""; 0]);
        assert_eq!(recorded(db, begin), [""; 0], "no login asks for it yet");
        assert_eq!(recorded(db, || give("recovery-codes")), ["operator.recovery_codes_renewed"]);
        assert_eq!(recorded(db, rule), ["settings.changed"]);
        assert_eq!(recorded(db, rule), [""; 0]);
        let browser = app.anonymous();
        let password = || drop(browser.post("/login", &[("email", EMAIL), ("password", PASSWORD)]));
        assert_eq!(recorded(db, password), [""; 0], "the password is half of a login");
        let code = || drop(browser.post("/login/second-factor", &[("code", &phone.next_code(&app))]));
        assert_eq!(recorded(db, code), ["operator.logged_in"]);
        assert_eq!(recorded(db, || give("removal")), ["operator.second_factor_removed"]);
        assert_eq!(recorded(db, || give("removal")), [""; 0]);
        let phone = Phone::set_up(&client);
        client.post("/settings/second-factor/activation", &[("code", &phone.code(&app))]).assert_ok();
        assert_eq!(recorded(db, reset), ["operator.second_factor_reset"]);
        assert_eq!(recorded(db, reset), [""; 0]);
        assert!(!db.rows()["audit_events"].join(" ").contains(&phone.secret()));
    }

    fn what_is_refused_leaves_no_event(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let theirs = app.another_account().create_key("Theirs");

        let oneself = format!("/people/{}", operator_id(db, EMAIL));

        let refused = recorded(db, || {
            client.post(&format!("{oneself}/role"), &[("role", "viewer")]).assert_status(422);
            client.post(&format!("{oneself}/status"), &[("status", "disabled")]).assert_status(422);
            client.post(&format!("{oneself}/removal"), &[]).assert_status(422);
            client.post("/people/invitations", &[("role", "viewer"), ("email", EMAIL)]).assert_status(422);
            client.post("/api-keys", &[("key_id", "x"), ("service", "sms"), ("name", ""), ("description", "")]).assert_status(422);
            client.post(&theirs.status_path(), &[("status", "disabled")]).assert_status(404);
            client.post(&format!("/api-keys/{}/deletion", theirs.id), &[]).assert_status(404);
            client.post("/audit.csv", &[("from", "x")]).assert_status(422);
            client.post("/audit.csv", &[("action", "x")]).assert_status(404);
            client.post("/services", &[("name", "New"), ("slug", "new"), ("key_prefix", "new")]).assert_status(422);
            client.post("/credits", &[("entry_id", &*entry_id(&client)), ("amount", "0"), ("note", "x")]).assert_status(422);
            app.anonymous().post("/login", &[("email", EMAIL), ("password", "wrong")]).assert_status(401);
            client.post("/login/confirmation", &[("password", "wrong")]).assert_status(422);
        });

        assert_eq!(refused, [""; 0]);
    }

    fn an_event_says_who_did_it_and_from_where(db: &Database) {
        let app = db.app();
        let key = app.signed_in().with("user-agent", "Firefox 150").create_key("Project X");

        let event = db.ask(
            "SELECT actor_name || '|' || address || '|' || user_agent || '|' || target_id || '|' || changes AS line \
             FROM audit_events WHERE action = 'api_key.created' AND request_id IS NOT NULL AND account_id IS NOT NULL",
        );

        let changes = r#"{"mode":["","live"],"scopes":["","*"],"service":["","sms"]}"#;
        assert_eq!(event, [format!("Ada|127.0.0.1|Firefox 150|{}|{changes}", key.id)]);
    }

    fn an_event_keeps_the_names_of_actors_and_targets_that_are_gone(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);

        db.execute("DELETE FROM operators");

        let deleted = events(db).pop().unwrap();
        assert_eq!(deleted, "operator dashboard api_key.deleted api_key Project X");
    }

    fn the_command_line_is_an_actor_too(db: &Database) {
        let _app = db.app();

        let ended = recorded(db, || drop(run(&["credits", "add", "5", "--note", "Invoice 7", "--database-url", &db.url()], "").assert_success()));

        assert_eq!(ended, ["credits.added"]);
        assert_eq!(events(db).pop().unwrap(), "command_line command_line credits.added account Main account");
    }

    fn every_command_that_changes_something_leaves_one_event_and_a_repeated_one_none(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let command = |arguments: &[&str]| drop(run(&[arguments, &["--database-url", &db.url()]].concat(), ""));
        app.colleague(Role::Viewer, "grace@example.com");
        let steps: [(&str, &[&str]); 10] = [
            ("operator.role_changed", &["operator", "role", "grace@example.com", "admin"]),
            ("operator.disabled", &["operator", "disable", "grace@example.com"]),
            ("operator.enabled", &["operator", "enable", "grace@example.com"]),
            ("operator.removed", &["operator", "remove", "grace@example.com"]),
            ("api_key.disabled", &["key", "disable", &key.id, "--reason", "unused"]),
            ("api_key.enabled", &["key", "enable", &key.id]),
            ("api_key.rotated", &["key", "rotate", &key.id]),
            ("api_key.deleted", &["key", "delete", &key.id]),
            ("settings.changed", &["setting", "set", "max_lifetime_days", "90"]),
            ("settings.changed", &["setting", "set", "second_factor_rule", "owners"]),
        ];

        assert_eq!(recorded(db, || command(&["key", "create", "--service", "sms", "--name", "CI"])), ["api_key.created"]);
        for (action, arguments) in steps {
            assert_eq!(recorded(db, || command(arguments)), [action]);
            assert!(events(db).pop().unwrap().starts_with("command_line command_line "), "{action}");
            assert_eq!(recorded(db, || command(arguments)), [""; 0], "{action} again");
        }
        for look in [&["key", "list"][..], &["setting", "list"], &["operator", "list"]] {
            assert_eq!(recorded(db, || command(look)), [""; 0]);
        }
    }
}
