//! Management keys for people: the Automate page, their own pages, and the command line.

use keyfob::clock::Clock;
use keyfob::domain::account::membership::Role;
use keyfob::domain::api_key::ApiKeyId;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client, Database, Ended, Key, PASSWORD, on_both_databases, run};

const PAGE: &str = "/automate";
const NEW: &str = "/automate/new";
const CONFIRMATION: &str = "/login/confirmation?next=/automate/new";
/// After this many seconds the password has to be given again.
const FRESH: i64 = 10 * 60;

type Fields<'a> = Vec<(&'a str, &'a str)>;

/// A form that is taken, but for the fields that are replaced.
fn form<'a>(key_id: &'a str, replaced: &[(&'a str, &'a str)]) -> Fields<'a> {
    let usual = [
        ("key_id", key_id),
        ("name", "Signup"),
        ("description", "Customer portal"),
        ("scopes", "keys.create"),
        ("scopes", "keys.read"),
        ("reach", "some"),
        ("services", "sms"),
        ("ends", "90"),
        ("grants", "some"),
        ("grantable_scopes", "messages.send, messages.read"),
        ("max_lifetime_days", "365"),
        ("allowed_ips", "203.0.113.9"),
    ];
    let is_kept = |(name, _): &(&str, &str)| !replaced.iter().any(|(other, _)| other == name);
    let given = replaced.iter().copied().filter(|(_, value)| !value.is_empty());
    usual.into_iter().filter(is_kept).chain(given).collect()
}

/// Sends the form. A field that is replaced by nothing is left out.
fn submit(client: &Client, replaced: &[(&str, &str)]) -> Answer {
    let key_id = ApiKeyId::mint().to_string();
    client.post(PAGE, &form(&key_id, replaced))
}

/// The secret that an answer shows.
#[track_caller]
fn revealed(answer: &Answer) -> String {
    answer.page().text(".reveal .copyable__text[id^=key-secret]")
}

#[track_caller]
fn create(client: &Client, replaced: &[(&str, &str)]) -> Key {
    let answer = submit(client, replaced).assert_ok();
    let id = answer.page().attr(".reveal", "id").trim_start_matches("reveal-").to_owned();
    Key { secret: revealed(&answer), id }
}

fn facts(client: &Client, key: &Key) -> Vec<String> {
    let page = client.get(&format!("/api-keys/{}", key.id)).assert_ok().page();
    let facts = page.texts(".key-facts dt").into_iter().zip(page.texts(".key-facts dd"));
    facts.map(|(name, value)| format!("{name}: {value}")).collect()
}

/// Gives the password again, with what an answer kept.
#[track_caller]
fn confirm(client: &Client, asked: &Answer) -> Answer {
    let page = asked.page();
    let fields = [("password", PASSWORD), ("next", &*page.field("next")), ("draft", &*page.field("draft"))];
    client.post("/login/confirmation", &fields)
}

#[track_caller]
fn command(db: &Database, arguments: &[&str]) -> Ended {
    run(&[arguments, &["--database-url", &db.url()]].concat(), "")
}

/// `keyfob key create` for a management key.
#[track_caller]
fn create_by_command(db: &Database, arguments: &[&str]) -> Ended {
    let create = ["key", "create", "--service", "keyfob", "--name", "Signup"];
    command(db, &[&create, arguments].concat())
}

/// The days between the creation and the end of each key.
fn lifetimes(db: &Database) -> Vec<String> {
    db.ask("SELECT CAST((expires_at - created_at) / 86400000000 AS TEXT) AS line FROM api_keys ORDER BY created_at")
}

on_both_databases! {
    fn a_management_key_is_shown_once_and_kept_nowhere(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let empty = client.get(PAGE).assert_ok().page();
        assert_eq!((empty.text("h1"), empty.text(".empty h2")), ("Automate".to_owned(), "No management key yet".to_owned()));
        assert_eq!(empty.attr(".nav__link[aria-current]", "href"), PAGE);
        assert_eq!(empty.attrs("main a[href='/automate/new']", "aria-haspopup"), ["dialog", "dialog"]);
        let key_id = client.get(NEW).assert_ok().page().field("key_id");

        let answer = client.post(PAGE, &form(&key_id, &[])).assert_ok().assert_header("cache-control", "no-store");

        let (secret, page) = (revealed(&answer), answer.page());
        assert!(secret.starts_with("keyfob_live_") && secret.len() == "keyfob_live_".len() + 38, "{secret}");
        assert_eq!(page.toasts(), ["Success. Key “Signup” created."]);
        let row = page.text(".management-key");
        for told in ["Signup", "keys.create, keys.read", "SMS", "never", "in 90 days", "Enabled"] {
            assert!(row.contains(told), "{told}: {row}");
        }
        let random = &secret["keyfob_live_".len()..];
        assert!(!db.holds(random), "the database holds the secret");
        for path in [PAGE, "/api-keys", &format!("/api-keys/{key_id}"), "/audit"] {
            assert!(!client.get(path).assert_ok().body.contains(random), "{path}");
        }
        client.post(PAGE, &form(&key_id, &[])).assert_leads_to(PAGE);
        assert!(client.get(PAGE).page().toasts()[0].starts_with("This form was already sent"));
        assert_eq!(db.count("api_keys"), 1);
        app.assert_verdict(&secret, "NOT_FOUND");
    }

    fn in_the_pop_up_the_new_key_comes_into_the_list_that_is_open(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let pop_up = client.htmx("a").get(NEW).assert_ok().page();
        assert_eq!(pop_up.text("#dialog-title"), "New Management Key");
        assert!(!pop_up.has("[name=scopes][checked], [name=reach][value=all][checked]"), "nothing is chosen");
        assert_eq!(pop_up.attrs("[name=services][checked]", "value"), ["sms"], "there is no other");
        assert!(!pop_up.has("[name=scopes][value='*'], [name=services][value=keyfob], [name=mode]"));
        let part = client.htmx("form#management-key-form");

        let wrong = submit(&part, &[("name", "")]).assert_status(422);
        assert_eq!(wrong.page().text("#management-key-name-error"), "Key Name is required.");
        let made = submit(&part, &[]).assert_ok();

        assert_eq!(made.header("hx-trigger"), "dialog:close");
        assert_eq!((made.header("hx-retarget"), made.header("hx-reswap")), ("#management-keys", "innerHTML"));
        assert!(!made.page().has("html h1"), "{}", made.body);
        assert!(revealed(&made).starts_with("keyfob_live_"));
    }

    fn a_management_key_is_made_only_by_who_gave_the_password_just_now(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(FRESH);

        client.get(PAGE).assert_ok();
        client.get(NEW).assert_leads_to(CONFIRMATION);
        let asked = submit(&client, &[]).assert_status(403);
        assert_eq!(db.count("api_keys"), 0);
        confirm(&client, &asked).assert_leads_to(NEW);
        let page = client.get(NEW).assert_ok().page();
        assert_eq!((page.field("name"), page.field("max_lifetime_days")), ("Signup".to_owned(), "365".to_owned()));
        assert_eq!(page.attrs("[name=scopes][checked]", "value"), ["keys.read", "keys.create"]);
        app.clock.advance(FRESH);

        let part = client.htmx("form#management-key-form");
        submit(&part, &[("name", "From the pop-up")]).assert_ok().assert_header("hx-redirect", CONFIRMATION);
        assert_eq!(db.count("api_keys"), 0);
        client.post("/login/confirmation", &[("password", PASSWORD), ("next", NEW)]).assert_leads_to(NEW);
        assert_eq!(client.get(NEW).page().field("name"), "From the pop-up");
        submit(&client, &[]).assert_ok();
        assert_eq!(db.count("api_keys"), 1);
    }

    fn a_viewer_looks_and_makes_none_and_other_accounts_see_none(db: &Database) {
        let app = db.app();
        let key = create(&app.signed_in(), &[]);
        let viewer = app.colleague(Role::Viewer, "joan@example.com");
        let admin = app.colleague(Role::Admin, "grace@example.com");

        let page = viewer.get(PAGE).assert_ok().page();
        assert!(page.text(".management-key").contains("Signup"));
        assert!(!page.has("main a[href='/automate/new'], main form"), "nothing to make");
        viewer.get(NEW).assert_status(403);
        submit(&viewer, &[]).assert_status(403);
        assert!(facts(&viewer, &key).contains(&"Manages keys of: SMS".to_owned()));
        let others = app.another_account();
        assert!(others.get(PAGE).assert_ok().page().has(".empty"), "not their own");
        others.get(&format!("/api-keys/{}", key.id)).assert_status(404);
        assert_eq!(db.count("api_keys"), 1);

        submit(&admin, &[("name", "By an admin")]).assert_ok();
        submit(&others, &[("name", "Theirs")]).assert_ok();
        assert_eq!(app.signed_in().get(PAGE).page().texts(".management-key__name a"), ["By an admin", "Signup"]);
    }

    fn the_creation_is_recorded_with_scopes_and_bounds(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        create(&client, &[]);

        let changes = db.ask("SELECT changes AS line FROM audit_events WHERE action = 'api_key.created'").remove(0);
        for told in [
            r#""service":["","keyfob"]"#, r#""scopes":["","keys.create keys.read"]"#, r#""services":["","sms"]"#,
            r#""grantable_scopes":["","messages.read messages.send"]"#, r#""max_lifetime_days":[null,365]"#,
            r#""allowed_ips":["","203.0.113.9"]"#,
        ] {
            assert!(changes.contains(told), "{told}: {changes}");
        }
        let event = client.get("/audit").page().text("main");
        for told in ["Manages: sms", "May give: messages.read messages.send", "Longest lifetime: 365 days"] {
            assert!(event.contains(told), "{told}: {event}");
        }
    }

    fn what_a_form_leaves_open_is_never_taken_for_everything(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let client = app.signed_in();

        for (replaced, field) in [
            ([("scopes", ""), ("name", "X")], "scopes"),
            ([("scopes", "*"), ("name", "X")], "scopes"),
            ([("scopes", "messages.send"), ("name", "X")], "scopes"),
            ([("services", ""), ("reach", "")], "services"),
            ([("services", "keyfob"), ("name", "X")], "services"),
            ([("services", "nothing"), ("name", "X")], "services"),
            ([("grantable_scopes", "Messages"), ("name", "X")], "grantable"),
            ([("max_lifetime_days", "0"), ("name", "X")], "max-lifetime"),
            ([("max_lifetime_days", "a year"), ("name", "X")], "max-lifetime"),
            ([("ends", "2020-01-01"), ("name", "X")], "ends"),
            ([("allowed_ips", "10.0.0.5/8"), ("name", "X")], "allowed-ips"),
        ] {
            let page = submit(&client, &replaced).assert_status(422).page();
            assert!(page.has(&format!("#management-key-{field}-error")), "{field}");
            assert!(!page.has(".reveal"), "{field}");
        }
        let all_at_once = [("name", ""), ("scopes", ""), ("services", ""), ("max_lifetime_days", "-1")];
        assert_eq!(submit(&client, &all_at_once).page().texts(".field__error").len(), 4);
        assert_eq!(db.count("api_keys"), 0);

        let narrow = create(&client, &[("grants", ""), ("grantable_scopes", ""), ("max_lifetime_days", ""), ("mode", "test")]);
        assert!(narrow.secret.starts_with("keyfob_live_"), "there are no test keys for management");
        let told = facts(&client, &narrow);
        for fact in ["May give: no scopes", "Keys last at most: no limit of its own", "Manages keys of: SMS"] {
            assert!(told.contains(&fact.to_owned()), "{fact}: {told:?}");
        }
        let wide = create(&client, &[("reach", "all"), ("grants", "all"), ("services", "mail")]);
        let told = facts(&client, &wide);
        for fact in ["May give: every scope, and full access", "Manages keys of: all services", "Keys last at most: 365 days"] {
            assert!(told.contains(&fact.to_owned()), "{fact}: {told:?}");
        }
    }

    fn it_ends_after_ninety_days_unless_something_else_is_chosen_and_a_maximum_wins(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        create(&client, &[("ends", "")]);
        create(&client, &[("ends", "never")]);
        client.post("/settings/instance", &[("default_lifetime_days", ""), ("max_lifetime_days", "30")]).assert_status(303);
        create(&client, &[("ends", "")]);
        submit(&client, &[("ends", "90")]).assert_status(422);

        let ends = db.ask("SELECT COALESCE(CAST((expires_at - created_at) / 86400000000 AS TEXT), 'never') AS line FROM api_keys");
        let count = |length: &str| ends.iter().filter(|end| *end == length).count();
        assert_eq!((count("90"), count("never"), count("30")), (1, 1, 1), "{ends:?}");
    }

    fn its_page_shows_what_it_may_do_and_nothing_of_messages(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = create(&client, &[]);
        let path = format!("/api-keys/{}", key.id);

        let page = client.get(&path).assert_ok().page();

        let told = facts(&client, &key);
        for fact in ["Service: Management", "Mode: Live", "May do: keys.create, keys.read", "Manages keys of: SMS", "May give: messages.read, messages.send", "Keys last at most: 365 days"] {
            assert!(told.contains(&fact.to_owned()), "{fact}: {told:?}");
        }
        assert_eq!(page.attr(".nav__link[aria-current]", "href"), PAGE);
        assert_eq!(page.attrs("#scopes-form [name=scopes][checked]", "value"), ["keys.read", "keys.create"]);
        assert!(!page.has("[name=access][value=full], #default-sender-form, [action$=limits], [action$=callback], a[href^='/messages?']"));
        let before = db.rows();
        client.post(&format!("{path}/default-sender"), &[("default_sender", "Shop")]).assert_status(404);
        client.post(&format!("{path}/limits"), &[("credits_day", "5")]).assert_status(404);
        client.post(&format!("{path}/callback"), &[("url", "https://example.com/sms"), ("action", "save")]).assert_status(404);
        client.post(&format!("{path}/scopes"), &[("access", "full")]).assert_status(422);
        client.post(&format!("{path}/scopes"), &[("access", "some")]).assert_status(422);
        assert_eq!(db.rows(), before);
        client.post(&format!("{path}/scopes"), &[("access", "some"), ("scopes", "introspect")]).assert_status(303);
        assert!(facts(&client, &key).contains(&"May do: introspect".to_owned()));
    }

    fn it_is_tried_with_a_request_that_it_is_allowed(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for (scope, path) in [("keys.read", "/v1/keys "), ("introspect", "/v1/introspect "), ("keys.create", "/v1/keys/current "), ("audit.read", "/v1/keys/current ")] {
            let answer = submit(&client, &[("scopes", scope)]).assert_ok();
            let command = answer.page().raw_text(".reveal pre code");
            assert!(command.starts_with(&format!("curl {}{path}", app.url)), "{scope}: {command}");
            assert!(command.contains(&revealed(&answer)) && !command.contains("verify"), "{scope}: {command}");
        }
    }

    fn rotating_handing_over_and_widening_one_need_the_password_too(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, ordinary) = (create(&client, &[]), client.create_key("Project X"));
        let path = format!("/api-keys/{}", key.id);
        let secret_id = client.get(&format!("{path}/rotation")).assert_ok().page().field("secret_id");
        let rotation = [("secret_id", &*secret_id), ("grace", "86400")];
        let scopes = [("access", "some"), ("scopes", "keys.delete")];
        let secret = [("key", &*key.secret)];
        app.clock.advance(FRESH);
        let known = || {
            let rows = db.rows();
            ["api_keys", "key_secrets", "key_handovers", "audit_events"].map(|table| rows[table].clone())
        };
        let before = known();

        let to_rotation = format!("/login/confirmation?next={path}/rotation");
        client.get(&format!("{path}/rotation")).assert_leads_to(&to_rotation);
        client.htmx("a").with("hx-current-url", &format!("{}{path}", client.base())).get(&format!("{path}/rotation")).assert_status(403).assert_header("hx-redirect", &format!("/login/confirmation?next={path}"));
        client.post(&format!("{path}/rotation"), &rotation).assert_leads_to(&to_rotation);
        client.post(&format!("{path}/handover"), &secret).assert_leads_to(&format!("/login/confirmation?next={path}"));
        let toast = client.htmx("form").post(&format!("{path}/handover"), &secret).assert_status(403);
        assert!(toast.page().toasts()[0].starts_with("Your login is too old for this."), "{}", toast.body);
        let asked = client.post(&format!("{path}/scopes"), &scopes).assert_status(403);
        assert_eq!(known(), before);
        client.get(&format!("/api-keys/{}/rotation", ordinary.id)).assert_ok();
        client.post(&format!("/api-keys/{}/handover", ordinary.id), &[("key", &*ordinary.secret)]).assert_ok();
        client.post(&format!("/api-keys/{}/scopes", ordinary.id), &[("access", "some")]).assert_status(303);

        confirm(&client, &asked).assert_status(303);

        assert_eq!(client.get(&format!("{path}?form=scopes")).page().attrs("#scopes-form [name=scopes][checked]", "value"), ["keys.delete"]);
        client.post(&format!("{path}/scopes"), &scopes).assert_status(303);
        client.post(&format!("{path}/handover"), &secret).assert_ok();
        let rotated = client.post(&format!("{path}/rotation"), &rotation).assert_ok();
        assert!(revealed(&rotated).starts_with("keyfob_live_") && revealed(&rotated) != key.secret);
        let told = facts(&client, &key);
        assert!(told.contains(&"Manages keys of: SMS".to_owned()), "a rotation keeps the bounds: {told:?}");
    }

    fn other_forms_and_pages_do_not_offer_the_service(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key_id = ApiKeyId::mint().to_string();

        for path in ["/api-keys", "/api-keys/new", "/services", "/messages/new", "/connect"] {
            let page = client.get(path).assert_ok().page();
            assert!(!page.has("option[value=keyfob], a[href*='service=keyfob'], a[href='/services/keyfob']"), "{path}");
        }
        for path in ["/api-keys/new?service=keyfob", "/api-keys/new/scopes?service=keyfob", "/services/keyfob", "/connect?service=keyfob"] {
            client.get(path).assert_status(404);
        }
        for replaced in [("name", "Eve"), ("name", "")] {
            client.post("/api-keys", &[("key_id", &*key_id), ("service", "keyfob"), ("access", "some"), ("scopes", "keys.read"), replaced]).assert_status(404);
        }
        assert_eq!(db.count("api_keys"), 0);
    }

    fn it_is_one_of_the_api_keys_and_found_switched_and_deleted_as_every_other(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, _) = (create(&client, &[]), client.create_key("Project X"));

        let all = client.get("/api-keys").page();
        assert_eq!(all.texts(".api-key__service"), ["SMS", "Management"]);
        assert!(all.has("#filter-service option[value=keyfob]"));
        let of_service = client.get("/api-keys?service=keyfob").assert_ok().page();
        assert_eq!(of_service.texts(".api-key__name a"), ["Signup"]);
        assert_eq!((of_service.text(".page-header .btn"), of_service.attr(".page-header .btn", "href")), ("+ New Management Key".to_owned(), NEW.to_owned()));
        client.post("/api-keys/search", &[("q", &key.secret)]).assert_leads_to(&format!("/api-keys/{}", key.id));
        assert!(client.post("/leaks", &[("text", &key.secret)]).assert_ok().page().text("main").contains("Signup"));
        client.switch(&key, "disabled");
        assert!(client.get(PAGE).page().text(".management-key").contains("Disabled"));
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);

        assert!(client.get(PAGE).page().has(".empty"), "it is in the trash");
        client.post(&format!("/api-keys/{}/restoration", key.id), &[]).assert_status(303);
        assert!(facts(&client, &key).contains(&"Manages keys of: SMS".to_owned()), "its bounds came back with it");
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
        client.post(&format!("/api-keys/{}/purge", key.id), &[]).assert_status(303);
        assert_eq!(db.count("management_bounds"), 0);
    }

    fn the_page_has_lines_for_this_server_that_can_be_copied(db: &Database) {
        let app = App::start_behind(db, "https://keys.example.com");
        let page = app.signed_in().get(PAGE).assert_ok().page();

        let lines = page.texts(".snippet__code code").join("\n");
        for line in [
            "curl https://keys.example.com/v1/keys", "Idempotency-Key", "\"external_id\": \"customer-4711\"", "-X PATCH", "If-Match",
            "/status", "\"grace_seconds\"", "-X DELETE", "opaquetoken.introspection-uri=https://keys.example.com/v1/introspect",
            "keyfob key create --service keyfob",
        ] {
            assert!(lines.contains(line), "{line}: {lines}");
        }
        for id in page.attrs("[data-copy]", "data-copy") {
            assert!(page.has(&format!("#{id}")), "{id}");
        }
    }

    fn a_shell_makes_a_management_key_within_bounds(db: &Database) {
        let app = App::start_set(db, |_| {}, Clock::System).with_operator();

        let bounds = ["--scope", "keys.create", "--scope", "keys.read", "--may-services", "sms", "--grantable-scopes", "messages.send,messages.read", "--max-lifetime", "90d"];
        let ended = create_by_command(db, &bounds).assert_success();

        let secret = ended.stdout.trim_end();
        assert!(secret.starts_with("keyfob_live_") && secret.len() == "keyfob_live_".len() + 38, "{ended:?}");
        assert!(!ended.stderr.contains(&secret["keyfob_live_".len()..]), "{ended:?}");
        assert_eq!(lifetimes(db), ["90"], "the default");
        let row = db.ask("SELECT services || '; ' || grantable_scopes || '; ' || max_lifetime_days AS line FROM management_bounds");
        assert_eq!(row, ["sms; messages.read messages.send; 90"]);
        let id = db.ask("SELECT id AS line FROM api_keys").remove(0);
        let shown = command(db, &["key", "show", &id]).assert_success().stdout;
        for line in ["Service      keyfob", "Scopes       keys.create, keys.read", "Manages      sms", "May give     messages.read, messages.send", "Keys last    at most 90 days"] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        let shown = command(db, &["key", "show", &id, "--json"]).assert_success().stdout;
        let bounds = json!({"services": ["sms"], "grantable_scopes": ["messages.read", "messages.send"], "max_lifetime_days": 90});
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["bounds"], bounds, "as its own GET /v1/keys/current tells them");
        let listed = command(db, &["key", "list", "--service", "keyfob"]).assert_success().stdout;
        assert!(listed.contains(&id) && listed.contains("keyfob_live_"), "{listed}");
        let rotated = command(db, &["key", "rotate", &id]).assert_success();
        assert!(rotated.stdout.starts_with("keyfob_live_"), "{rotated:?}");
        command(db, &["key", "disable", &id]).assert_success();
        assert!(app.signed_in().get(PAGE).page().text(".management-key").contains("Disabled"));
        let wide = create_by_command(db, &["--scope", "introspect", "--expires-in", "1y"]).assert_success();
        assert!(wide.stdout.starts_with("keyfob_live_"));
        assert_eq!(db.ask("SELECT services AS line FROM management_bounds ORDER BY services"), ["*", "sms"]);
    }

    fn a_shell_is_refused_what_the_form_refuses(db: &Database) {
        let _app = App::start_set(db, |_| {}, Clock::System).with_operator();
        let ordinary = ["key", "create", "--service", "sms", "--name", "CI"];

        for wrong in [["--may-services", "sms"], ["--grantable-scopes", "messages.send"], ["--max-lifetime", "90d"]] {
            let ended = command(db, &[&ordinary[..], &wrong].concat());
            assert_eq!((ended.status.code(), &*ended.stdout), (Some(2), ""), "{ended:?}");
            assert!(ended.stderr.contains("--service keyfob"), "{ended:?}");
        }
        for wrong in ["36h", "0d", "90", "-1d"] {
            let ended = create_by_command(db, &["--scope", "keys.read", "--max-lifetime", wrong]);
            assert_eq!((ended.status.code(), &*ended.stdout), (Some(2), ""), "{ended:?}");
        }
        let refused: [&[&str]; 8] = [
            &[],
            &["--scope", "*"],
            &["--no-scopes"],
            &["--scope", "messages.send"],
            &["--scope", "keys.read", "--may-services", ""],
            &["--scope", "keys.read", "--may-services", "sms,keyfob"],
            &["--scope", "keys.read", "--may-services", "nothing"],
            &["--scope", "keys.read", "--mode", "test"],
        ];
        for wrong in refused {
            let ended = create_by_command(db, wrong);
            assert_eq!((ended.status.code(), &*ended.stdout), (Some(1), ""), "{wrong:?}: {ended:?}");
        }
        assert_eq!(db.count("api_keys"), 0);
        let help = run(&["key", "create", "--help"], "").assert_success().stdout;
        assert!(help.contains("Management keys (--service keyfob)") && help.contains("--may-services"), "{help}");
    }
}
