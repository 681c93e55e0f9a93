//! The API Keys page: the list, the form, and the one sight of a key.

use std::collections::BTreeSet;
use std::thread;

use crate::support::{Answer, App, Client, Key, on_both_databases};

const FORM: &str = "form#api-key-form";

/// Sends the form as htmx does.
fn create(client: &Client, fields: &[(&str, &str)]) -> Answer {
    client.htmx(FORM).post("/api-keys", fields)
}

/// Adds keys behind the form's back: quicker, and with one and the same time.
fn add_keys(app: &App, count: usize) {
    let key = app.signed_in().create_key("Key 0");
    let copies: Vec<String> = (1..count)
        .map(|n| {
            let digest = if app.db.is_sqlite() { format!("x'{n:064x}'") } else { format!("'\\x{n:064x}'") };
            format!(
                "INSERT INTO api_keys (id, account_id, service, mode, name, description, status, created_by, created_at) \
                 SELECT substr(id, 1, 20) || '{n:010}', account_id, service, mode, 'Key {n}', description, status, \
                 created_by, created_at FROM api_keys WHERE id = '{id}'; \
                 INSERT INTO key_secrets (id, api_key_id, digest, mask, tail, created_at, origin) \
                 SELECT 'ksec_{n:026}', substr(api_key_id, 1, 20) || '{n:010}', {digest}, mask, tail, created_at, origin \
                 FROM key_secrets WHERE api_key_id = '{id}'",
                id = key.id
            )
        })
        .collect();
    app.db.execute(&copies.join(";\n"));
}

on_both_databases! {
    fn a_list_without_keys_leads_to_the_first_one(db: &Database) {
        let app = db.app();

        let page = app.signed_in().get("/api-keys").page();

        assert_eq!(page.text(".empty h2"), "Create your first API key");
        assert_eq!(page.attrs("a[href='/api-keys/new?service=sms']", "aria-haspopup"), ["dialog", "dialog"]);
        assert_eq!(page.texts("thead th"), ["Key Name", "API Auth Key", "Date Created", "Last Used", "Status"]);
    }

    fn the_form_is_a_dialog_for_htmx_and_a_page_of_its_own_otherwise(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let dialog = client.htmx("a").get("/api-keys/new?service=sms").assert_ok();
        let page = client.get("/api-keys/new?service=sms").assert_ok().page();

        assert_eq!(dialog.page().text("#dialog-title"), "New API Key for SMS Service");
        assert!(!dialog.body.contains("<html"));
        assert_eq!(page.text("h1"), "New API Key for SMS Service");
        assert_ne!(page.field("key_id"), dialog.page().field("key_id"));
    }

    fn among_several_services_the_form_chooses_one_unless_the_list_shows_one(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        assert!(!client.htmx("a").get("/api-keys/new").page().has("select[name=service]"), "there is nothing to choose");
        client.post("/services", &[("name", "Mail"), ("slug", "mail"), ("key_prefix", "mail")]).assert_status(303);

        let of_all = client.get("/api-keys").page();
        let of_mail = client.get("/api-keys?service=mail").page();
        let dialog = client.htmx("a").get("/api-keys/new").assert_ok().page();

        assert_eq!(of_all.attr(".page-header .btn", "href"), "/api-keys/new");
        assert_eq!(of_mail.attr(".page-header .btn", "href"), "/api-keys/new?service=mail");
        assert_eq!(dialog.text("#dialog-title"), "New API Key for SMS Service");
        assert_eq!(dialog.texts("select[name=service] option"), ["SMS", "Mail"]);
        assert_eq!(dialog.text("select[name=service] option[selected]"), "SMS");
        assert!(!client.htmx("a").get("/api-keys/new?service=mail").page().has("select[name=service]"));
        let refused = create(&client, &[("key_id", &client.form_id()), ("service", "mail"), ("choose", "service")]);
        assert_eq!(refused.assert_status(422).page().text("select[name=service] option[selected]"), "Mail");
        let fields = [("key_id", &*client.form_id()), ("service", "mail"), ("choose", "service"), ("name", "X")];
        let made = client.post("/api-keys", &fields).assert_ok().page();
        assert_eq!((made.text(".api-key__service"), made.attr("#filter-service option:first-child", "value")), ("Mail".to_owned(), String::new()));
    }

    fn a_key_that_is_made_on_an_older_page_brings_the_first_page_along(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        add_keys(&app, 60);
        let older = client.get("/api-keys").page().attr(".pager__next", "href");
        let id = client.form_id();
        let fields = [("key_id", &*id), ("service", "sms"), ("choose", "service"), ("name", "Newest")];

        let there = client.htmx(FORM).with("hx-current-url", &format!("{}{older}", app.url));
        let answer = there.post("/api-keys", &fields).assert_ok();

        let answer = answer.assert_header("hx-retarget", "#api-keys-list").assert_header("hx-reswap", "innerHTML");
        let page = answer.page();
        assert_eq!(page.rows()[0], "Newest");
        assert_eq!((page.rows().len(), page.attr("[data-list-url]", "data-list-url")), (50, "/api-keys".to_owned()));
        assert!(page.has(&format!("#reveal-{id}")));
        assert_eq!(page.toasts(), ["Success. Key “Newest” created."]);
    }

    fn a_page_says_where_it_stands_and_leads_to_the_one_before_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        add_keys(&app, 120);

        let first = client.get("/api-keys?service=sms").page();
        let second = client.get(&first.attr(".pager__next", "href")).page();
        let third = client.get(&second.attr(".pager__next", "href")).page();
        let back = client.get(&third.attr(".pager__newer", "href")).page();

        let positions = [&first, &second, &third, &back].map(|page| page.text(".pager__position"));
        assert_eq!(positions, ["1–50 of 120", "51–100 of 120", "101–120 of 120", "51–100 of 120"]);
        assert_eq!(back.rows(), second.rows());
        assert!(!first.has(".pager__newer") && !second.has(".pager__newer"), "the link to the newest keys is enough");
        assert_eq!(second.attrs(".pager a", "href")[0], "/api-keys?service=sms");
    }

    fn a_new_key_is_shown_whole_once_under_its_row(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = client.form_id();
        let fields = [("key_id", &*id), ("service", "sms"), ("name", "Project X"), ("description", "Sends reminders")];

        let answer = client.post("/api-keys", &fields).assert_ok().assert_header("cache-control", "no-store");

        let page = answer.page();
        let secret = page.text(&format!("#key-secret-{id}"));
        assert_eq!(secret.len(), 47, "{secret}");
        assert!(secret.starts_with("sms_live_"), "{secret}");
        assert_eq!(page.rows(), ["Project X"]);
        assert_eq!(page.text(".api-key__description"), "Sends reminders");
        assert_eq!(page.text(".api-key__mask"), format!("sms_live_••••••{}", &secret[43..]));
        assert_eq!(page.text(".api-key__created"), "1 Mar 2026, 12:00 UTC");
        assert_eq!(page.attr(".api-key .switch", "aria-checked"), "true");
        assert_eq!(page.toasts(), ["Success. Key “Project X” created."]);
        assert!(page.text(&format!("#key-curl-{id}")).starts_with(&format!("curl {}/v1/sms/messages", app.url)));
        app.assert_verdict(&secret, "VALID");
    }

    fn htmx_gets_the_row_and_the_reveal_for_the_top_of_the_table(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = client.form_id();

        let answer = create(&client, &[("key_id", &id), ("service", "sms"), ("name", "Project X")]).assert_ok();

        let answer = answer
            .assert_header("hx-retarget", "#api-keys-rows")
            .assert_header("hx-reswap", "afterbegin")
            .assert_header("hx-trigger", "dialog:close")
            .assert_header("cache-control", "no-store");
        let page = answer.page();
        assert_eq!(page.attrs("tr", "id"), [id.clone(), format!("reveal-{id}")]);
        assert_eq!(page.attr("hx-partial", "hx-target"), "#toasts");
        assert_eq!(page.toasts(), ["Success. Key “Project X” created."]);
        app.assert_verdict(&page.text(&format!("#key-secret-{id}")), "VALID");
    }

    fn after_that_only_the_mask_is_shown(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for path in ["/api-keys", "/api-keys?service=sms", "/api-keys/new", "/settings"] {
            assert!(!client.get(path).body.contains(&key.secret[9..]), "{path}");
        }
        let switched = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]);
        assert!(!switched.body.contains(&key.secret[9..]));
        let page = client.get("/api-keys").page();
        assert_eq!(page.text(".api-key__mask"), format!("sms_live_••••••{}", &key.secret[43..]));
        assert!(!page.has(".reveal"));
    }

    fn a_key_itself_is_kept_nowhere(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let keys: Vec<Key> = (0..5).map(|n| client.create_key(&format!("Key {n}"))).collect();
        app.assert_verdict(&keys[0].secret, "VALID");

        assert!(db.holds(&keys[0].id), "the search itself does not work");
        for key in &keys {
            assert!(!db.holds(&key.secret[9..]), "a key is in the database");
            assert!(!db.holds(&key.secret[9..41]), "a key is in the database");
        }
    }

    fn the_same_form_again_makes_no_second_key_and_shows_none(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let fields = [("key_id", &*key.id), ("service", "sms"), ("name", "Project X")];

        let plain = client.post("/api-keys", &fields).assert_leads_to("/api-keys");
        let shown = client.get("/api-keys");
        let part = create(&client, &fields).assert_ok().assert_header("hx-redirect", "/api-keys");

        assert_eq!(db.count("api_keys"), 1);
        for answer in [&plain, &shown, &part] {
            assert!(!answer.body.contains(&key.secret[9..]));
        }
        assert!(shown.page().toasts()[0].starts_with("This form was already sent"), "{:?}", shown.page().toasts());
        app.assert_verdict(&key.secret, "VALID");
    }

    fn one_form_sent_many_times_at_once_makes_one_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = client.form_id();
        let fields = [("key_id", &*id), ("service", "sms"), ("name", "Project X")];

        let answers: Vec<Answer> = thread::scope(|all| {
            let sends: Vec<_> = (0..16).map(|_| all.spawn(|| create(&client, &fields))).collect();
            sends.into_iter().map(|send| send.join().unwrap()).collect()
        });

        assert_eq!(db.count("api_keys"), 1);
        assert!(answers.iter().all(|answer| answer.status == 200), "{:?}", statuses(&answers));
        let shown: Vec<_> = answers.iter().filter(|answer| answer.body.contains("sms_live_")).collect();
        assert_eq!(shown.len(), 1, "{:?}", statuses(&answers));
        app.assert_verdict(&shown[0].page().text(&format!("#key-secret-{id}")), "VALID");
    }

    fn a_field_that_is_wrong_is_told_at_the_field_and_the_form_keeps_its_text(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let long_name = "x".repeat(101);
        let long_text = "x".repeat(501);
        let controls = "Key Name can't have line breaks, tabs or other control characters.";

        for (name, description, at, message) in [
            ("", "", "name", "Key Name is required."),
            (" \t ", "kept", "name", "Key Name is required."),
            ("\u{200b}\u{feff}", "kept", "name", "Key Name is required."),
            (&long_name, "kept", "name", "Key Name has 101 characters; 100 is the most."),
            ("a\u{0}b", "kept", "name", controls),
            ("a\nb", "kept", "name", controls),
            ("a\u{1b}[31mb", "kept", "name", controls),
            ("kept", &long_text, "description", "Key Description has 501 characters; 500 is the most."),
            ("kept", "a\u{7}b", "description", "Key Description can't have control characters."),
        ] {
            let id = client.form_id();
            let fields = [("key_id", &*id), ("service", "sms"), ("name", name), ("description", description)];

            let part = create(&client, &fields).assert_status(422);
            let page = client.post("/api-keys", &fields).assert_status(422).page();

            assert_eq!(part.page().text(&format!("#api-key-{at}-error")), message);
            assert_eq!(page.text(&format!("#api-key-{at}-error")), message);
            assert_eq!(part.page().attr(&format!("#api-key-{at}"), "aria-invalid"), "true");
            assert_eq!(part.page().field("key_id"), id);
            assert!(part.body.starts_with("<form"), "{}", part.body);
            for (field, text) in [("name", name), ("description", description)] {
                assert!(!text.starts_with("kept") || part.page().field(field) == text, "{field}");
            }
        }
        assert_eq!(db.count("api_keys"), 0);
    }

    fn the_longest_name_and_description_are_taken(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (name, description) = ("😀".repeat(100), "ž".repeat(500));

        let fields =
            [("key_id", &*client.form_id()), ("service", "sms"), ("name", &name), ("description", &description)];
        create(&client, &fields).assert_ok();

        let page = client.get("/api-keys").page();
        assert_eq!(page.rows(), [name]);
        assert_eq!(page.text(".api-key__description"), description);
    }

    fn markup_and_direction_marks_are_shown_as_text(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let names =
            ["<img src=x onerror=alert(1)>", "\"><script>alert(1)</script>", "{{7*7}}", "a\u{202e}b", "</td>&amp;"];

        for name in names {
            let fields = [("key_id", &*client.form_id()), ("service", "sms"), ("name", name), ("description", name)];
            let made = create(&client, &fields).assert_ok().page();
            assert_eq!(made.rows(), [name]);
            assert_eq!(made.toasts(), [format!("Success. Key “{name}” created.")]);
        }

        let page = client.get("/api-keys").page();
        let newest_first: Vec<&str> = names.into_iter().rev().collect();
        assert_eq!(page.rows(), newest_first);
        assert_eq!(page.texts(".api-key__description"), newest_first);
        assert_eq!(page.attrs(".switch", "aria-label"), newest_first);
        assert!(!page.has("img, script:not([src])"));
    }

    fn a_description_keeps_its_line_breaks(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let fields =
            [("key_id", &*client.form_id()), ("service", "sms"), ("name", "X"), ("description", "one\r\ntwo\r\n")];
        create(&client, &fields).assert_ok();

        assert_eq!(client.get("/api-keys").page().raw_text(".api-key__description"), "one\ntwo");
    }

    fn a_key_for_an_unknown_service_is_not_made(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for service in ["mail", "SMS", "", "sms'--"] {
            let fields = [("key_id", &*client.form_id()), ("service", service), ("name", "X")];
            create(&client, &fields).assert_status(404);
        }
        client.get("/api-keys/new?service=mail").assert_status(404);
        assert_eq!(db.count("api_keys"), 0);
    }

    fn a_form_with_a_garbled_id_comes_back_with_a_good_one(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for id in ["", "nonsense", "key_0", "op_01234567890123456789012345"] {
            let fields = [("key_id", id), ("service", "sms"), ("name", "Project X"), ("description", "kept")];
            let page = create(&client, &fields).assert_status(422).page();

            let message = "This form has expired. Check it and press Create again.";
            assert_eq!(page.text("#api-key-form-message"), message);
            assert_eq!(page.field("description"), "kept");
            let again = [("key_id", &*page.field("key_id")), ("service", "sms"), ("name", "Project X")];
            create(&client, &again).assert_ok();
        }
    }

    fn a_form_with_another_accounts_key_id_tells_nothing_and_harms_nothing(db: &Database) {
        let app = db.app();
        let theirs = app.another_account().create_key("Theirs");
        let client = app.signed_in();

        let page = create(&client, &[("key_id", &theirs.id), ("service", "sms"), ("name", "Mine")]).assert_ok().page();

        assert_eq!(page.rows(), ["Mine"]);
        assert_ne!(page.attr(".api-key", "id"), theirs.id);
        assert_eq!(db.count("api_keys"), 2);
        app.assert_verdict(&theirs.secret, "VALID");
    }

    fn keys_of_another_account_are_not_listed(db: &Database) {
        let app = db.app();
        let other = app.another_account();
        other.create_key("Theirs");
        let client = app.signed_in();
        client.create_key("Mine");

        assert_eq!(client.get("/api-keys").page().rows(), ["Mine"]);
        assert_eq!(other.get("/api-keys").page().rows(), ["Theirs"]);
    }

    fn every_key_is_on_exactly_one_page_newest_first(db: &Database) {
        let app = db.app();
        add_keys(&app, 120);
        let client = app.signed_in();

        let mut seen: Vec<String> = Vec::new();
        let mut sizes = Vec::new();
        let mut next = Some("/api-keys".to_owned());
        while let Some(path) = next {
            let page = client.get(&path).assert_ok().page();
            sizes.push(page.rows().len());
            seen.extend(page.attrs("tr.api-key", "id"));
            assert_eq!(page.has(".pager a[href='/api-keys']"), path != "/api-keys");
            next = page.attrs(".pager__next", "href").pop();
        }

        assert_eq!(sizes, [50, 50, 20]);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 120);
        assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    }

    fn a_garbled_place_in_the_list_is_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for after in ["1", "x", "1.key_0", "1%27;--", "%F0%9F%98%80", "99999999999999999999.key_0"] {
            client.get(&format!("/api-keys?after={after}")).assert_status(404);
        }
        client.get("/api-keys?after=").assert_ok();
    }

    fn the_filter_shows_one_services_keys_or_all(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let client = app.signed_in();
        client.create_key("For SMS");
        create(&client, &[("key_id", &*client.form_id()), ("service", "mail"), ("name", "For mail")]).assert_ok();

        let mail = client.get("/api-keys?service=mail").page();

        assert_eq!(mail.rows(), ["For mail"]);
        assert_eq!(mail.text("option[selected]"), "Mail");
        assert!(mail.text(".api-key__mask").starts_with("mail_live_"));
        assert!(mail.has(".page-header a[href='/api-keys/new?service=mail']"));
        assert_eq!(client.get("/api-keys?service=sms").page().rows(), ["For SMS"]);
        assert_eq!(client.get("/api-keys").page().rows(), ["For mail", "For SMS"]);
        assert_eq!(client.get("/api-keys/new?service=mail").page().text("h1"), "New API Key for Mail Service");
    }

    fn the_filter_stays_on_from_page_to_page(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        add_keys(&app, 60);
        let client = app.signed_in();

        let next = client.get("/api-keys?service=sms").page().attr(".pager__next", "href");

        assert!(next.starts_with("/api-keys?service=sms&after="), "{next}");
        let page = client.get(&next).page();
        assert_eq!(page.rows().len(), 10);
        assert_eq!(page.text("option[selected]"), "SMS");
    }

    fn a_filter_for_an_unknown_service_is_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for service in ["mail", "SMS", "sms%20", "%27%20OR%201=1"] {
            client.get(&format!("/api-keys?service={service}")).assert_status(404);
        }
        client.get("/api-keys?service=").assert_ok();
    }

    fn looking_changes_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.create_key("Project X");
        let before = db.rows();

        for path in
            ["/", "/api-keys", "/api-keys/new", "/settings", "/login", "/setup", "/healthz", "/readyz", "/nothing"]
        {
            client.get(path);
        }

        assert_eq!(db.rows(), before);
    }
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}
