//! Keyfob below a path of its host, beside other applications, directly and behind the
//! proxies that `docs/behind-a-proxy.md` describes.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::http::client_address::TrustedProxies;
use serde_json::{Value, json};

use crate::support::{
    Answer, App, Client, Database, EMAIL, Key, PASSWORD, PHONE, Program, Proxy, ProxyKind, free_address,
    on_both_databases, routes, with_each_proxy,
};

/// Where people find it. Tests ask it at its own port.
const URL: &str = "http://localhost/keyfob";

/// The addresses on this host that a page names, without the path that all begin with.
#[track_caller]
fn addresses(path: &str, answer: &Answer) -> Vec<(String, String)> {
    let page = answer.page();
    let below = |(name, address): (&str, &str)| {
        let rest = address.strip_prefix("/keyfob").filter(|rest| rest.starts_with('/'));
        (name.to_owned(), rest.unwrap_or_else(|| panic!("{name}={address:?} on {path}")).to_owned())
    };
    page.rooted().into_iter().map(below).collect()
}

/// What a page asks for, whatever the values.
fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let names: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
    format!("{path}?{}", names.join("&"))
}

/// What is there; of a font without its bytes, which are no text.
fn ask(client: &Client, path: &str) -> Answer {
    client.send(if path.ends_with(".woff2") { "HEAD" } else { "GET" }, path, None)
}

/// Something on every page, and a key that it is about.
#[track_caller]
fn furnished(app: &App, owner: &Client) -> Key {
    let (key, deleted) = (owner.create_key("Project X"), owner.create_key("Deleted"));
    owner.post(&format!("/api-keys/{}/deletion", deleted.id), &[]).assert_status(303);
    owner.switch(&key, "disabled");
    app.assert_verdict(&key.secret, "DISABLED");
    owner.switch(&key, "enabled");
    app.make_management_key("*", "*");
    let program = app.anonymous().with("x-api-key", &key.secret);
    program.post_json("/v1/sms/messages", json!({"to": PHONE, "text": "Hello"}).to_string()).assert_status(202);
    owner.post("/people/invitations", &[("role", "viewer"), ("email", "grace@example.com")]).assert_ok();
    owner.post(&key.handover_path(), &[("key", &key.secret)]).assert_ok();
    key
}

on_both_databases! {
    fn every_address_on_every_page_lies_below_the_path_and_leads_somewhere(db: &Database) {
        let app = App::start_behind(db, URL);
        let owner = app.signed_in();
        let key = furnished(&app, &owner);
        let is_page = |path: &str| !path.starts_with("/v1") && !path.starts_with("/2010");
        let routes = routes().into_iter().filter(|route| route.takes_get).map(|route| route.path(&key.id));
        let mut waiting: Vec<(String, String)> =
            routes.filter(|path| is_page(path)).map(|path| ("route".to_owned(), path)).collect();
        let (mut seen, mut pages) = (BTreeSet::new(), 0);

        while let Some((name, path)) = waiting.pop() {
            if !seen.insert(shape(&path)) {
                continue;
            }
            let answer = ask(&owner, &path);
            let is_there = match &*name {
                "route" => answer.status < 500,
                "href" | "src" | "url" | "location" | "data-list-url" => matches!(answer.status, 200 | 303),
                // A form or a part of a page lacks its fields, or has another method.
                _ => answer.status < 500 && answer.status != 404,
            };
            assert!(is_there, "{name}={path}: {}\n{}", answer.status, answer.body);
            if !answer.location().is_empty() {
                let below = answer.location().strip_prefix("/keyfob").unwrap_or_else(|| panic!("{path}"));
                waiting.push(("location".to_owned(), below.to_owned()));
            }
            if answer.header("content-type").starts_with("text/html") {
                pages += 1;
                waiting.extend(addresses(&path, &answer));
            }
            if answer.header("content-type").starts_with("text/css") {
                let files = answer.body.split("url(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
                assert!(answer.body.contains("url(\""), "the style sheet names no file");
                waiting.extend(files.map(|file| ("url".to_owned(), format!("/static/{file}"))));
            }
        }
        assert!(pages > 40, "{pages} pages");
        let nobody = app.anonymous();
        for path in ["/login", "/login?next=/settings", "/nothing", "/handover/x", "/invitations/x", "/passwords/x"] {
            let page = nobody.get(path);
            assert!(!addresses(path, &page).is_empty(), "{path}: {}", page.body);
        }
    }

    fn programs_and_monitoring_need_not_know_the_path_and_a_page_has_one_address(db: &Database) {
        let app = App::start_behind(db, URL);
        let (key, management, below) = (app.make_key("Project X"), app.make_management_key("*", "*"), app.anonymous());
        let direct = Client::new(&app.url);
        for client in [&direct, &below] {
            client.get("/healthz").assert_ok();
            client.get("/readyz").assert_ok();
            client.with("x-api-key", &key.secret).get("/v1/auth?service=sms").assert_ok();
            client.with("x-api-key", &key.secret).get("/v1/auth/sms/hello").assert_ok();
            client.with("x-api-key", "sms_live_x").get("/v1/auth?service=sms").assert_status(401);
            let verdict = client.post_json("/v1/keys/verify", json!({"key": key.secret}).to_string()).assert_ok();
            assert_eq!(verdict.json()["code"], "VALID");
            client.get("/v1/nothing").assert_problem(404, "NOT_FOUND");
        }

        for path in ["/", "/login", "/api-keys", "/keyfobs/login", "/%6beyfob/login", "/Keyfob/login", "/openapi.json"] {
            let refused = direct.get(path).assert_status(404);
            assert!(refused.body.contains("http://localhost/keyfob/"), "{path}: {}", refused.body);
            assert_eq!((refused.header("set-cookie"), refused.header("x-content-type-options")), ("", "nosniff"));
        }
        direct.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_status(404);
        assert_eq!(db.count("sessions"), 0);

        // What an answer names is where it was asked for.
        let made = |client: &Client| {
            let client = client.with("x-api-key", &management.secret);
            client.post_json("/v1/keys", json!({"service": "sms", "name": "X"}).to_string()).assert_status(201)
        };
        assert!(made(&direct).location().starts_with("/v1/keys/key_"));
        assert!(made(&below).location().starts_with("/keyfob/v1/keys/key_"));
        assert_eq!(below.get("/openapi.json").assert_ok().json()["servers"][0]["url"], "/keyfob");
        let plain = app.db.app().anonymous().get("/openapi.json").assert_ok();
        assert_eq!(plain.json()["servers"][0]["url"], "/");
        assert_ne!(plain.header("etag"), below.get("/openapi.json").header("etag"));
    }

    fn whoever_has_to_log_in_comes_back_to_where_they_were_below_the_path(db: &Database) {
        let app = App::start_behind(db, URL);
        let nobody = app.anonymous();
        nobody.get("").assert_leads_to("/keyfob/api-keys");
        nobody.get("/").assert_leads_to("/keyfob/api-keys");
        nobody.get("/settings").assert_leads_to("/keyfob/login?next=/settings");
        let field = nobody.get("/login?next=/settings").assert_ok().page().field("next");
        let log_in = |next: &str| app.anonymous().post("/login", &[("email", EMAIL), ("password", PASSWORD), ("next", next)]);
        log_in(&field).assert_leads_to("/keyfob/settings");
        for evil in ["//evil.example", "https://evil.example", "/\\evil.example", ".evil.example", "@evil.example"] {
            log_in(evil).assert_leads_to("/keyfob/api-keys");
        }

        let htmx = nobody.htmx("a").with("hx-current-url", &format!("{}/settings", nobody.base()));
        assert_eq!(htmx.get("/api-keys/new").assert_status(401).header("hx-redirect"), "/keyfob/login?next=/settings");
        let neighbour = nobody.with("referer", &format!("{}/wiki/page", app.url));
        neighbour.post("/settings/sessions/end-others", &[]).assert_leads_to("/keyfob/login");

        let owner = app.signed_in();
        let key = owner.create_key("Project X");
        let switch = |client: &Client| client.post(&key.status_path(), &[("status", "disabled")]);
        switch(&owner.on("/api-keys?service=sms")).assert_leads_to("/keyfob/api-keys?service=sms");
        switch(&owner.with("referer", &format!("{}/wiki", app.url))).assert_leads_to("/keyfob/api-keys");
    }

    fn links_and_commands_name_the_whole_address(db: &Database) {
        let app = App::start_behind(db, URL);
        let owner = app.signed_in();
        let key = owner.create_key("Project X");
        let made = owner.post(&key.handover_path(), &[("key", &key.secret)]).assert_ok().page();
        let link = made.text("[id^=handover-link]");
        let rest = link.strip_prefix(URL).unwrap_or_else(|| panic!("{link}"));
        let revealed = app.anonymous().post(rest, &[]).assert_ok();
        assert!(revealed.body.contains(&key.secret));
        let invited = owner.post("/people/invitations", &[("role", "viewer"), ("email", "")]).assert_ok().page();
        let link = invited.text("#made-link");
        app.anonymous().get(link.strip_prefix(URL).unwrap_or_else(|| panic!("{link}"))).assert_ok();
        for (page, css) in [("/connect", "#snippet-curl"), ("/connect", "#snippet-send-curl"), ("/automate", "#snippet-introspect")] {
            let snippet = owner.get(page).assert_ok().page().raw_text(css);
            assert!(snippet.contains("http://localhost/keyfob/v1/"), "{page}: {snippet}");
        }
        // Twilio's clients put their base URL, which has the path, before a `uri`.
        let sid = owner.get("/connect").page().texts(".connect__ids code").remove(0);
        let uri = format!("/2010-04-01/Accounts/{sid}/Messages.json");
        let basic = format!("Basic {}", STANDARD.encode(format!("{sid}:{}", key.secret)));
        let twilio = app.anonymous().with("authorization", &basic);
        let listed: Value = twilio.get(&uri).assert_ok().json();
        twilio.get(listed["first_page_uri"].as_str().unwrap()).assert_ok();
    }

    fn cookies_are_sent_below_the_path_only_and_know_their_installation(db: &Database) {
        let other_db = Database::sqlite();
        let app = App::start_behind(db, "https://example.com/keyfob");
        let other = App::start_behind(&other_db, "https://example.com/keyfob/other");
        let log_in = |app: &App| {
            let client = app.anonymous().with("x-forwarded-proto", "https");
            (client.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_status(303), client)
        };
        let ((answer, client), (other_answer, other_client)) = (log_in(&app), log_in(&other));
        for (answer, path) in [(&answer, "Path=/keyfob/"), (&other_answer, "Path=/keyfob/other/")] {
            for name in ["__Secure-keyfob", "__Secure-keyfob-browser"] {
                let cookie = answer.set_cookie(name);
                for attribute in ["Secure", "HttpOnly", "SameSite=Lax", path] {
                    assert!(cookie.iter().any(|found| found == attribute), "{attribute}: {cookie:?}");
                }
            }
        }
        let names = |client: &Client| {
            let cookies = client.cookies();
            cookies.split("; ").map(|pair| pair.split('=').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
        };
        assert!(names(&client).is_disjoint(&names(&other_client)), "{:?}", names(&client));

        // A browser sends both to the one that is below the other.
        let both = format!("{}; {}", client.cookies(), other_client.cookies());
        client.with("cookie", &both).get("/settings").assert_ok();
        other_client.with("cookie", &both).get("/settings").assert_ok();
        let left = other_client.with("cookie", &both).post("/logout", &[]).assert_leads_to("/keyfob/other/login?logged_out");
        let removed = left.set_cookie("__Secure-keyfob");
        assert!(removed.iter().any(|found| found == "Path=/keyfob/other/"), "{removed:?}");
        client.get("/settings").assert_ok();
        other_client.get("/settings").assert_status(303);
    }
}

/// From the first start to the logout, as somebody without JavaScript.
#[track_caller]
fn walk(kind: ProxyKind) {
    let (db, address) = (Database::sqlite(), free_address());
    let url = format!("http://{address}/keyfob");
    let set = |config: &mut Config| {
        config.public_url = Some(url.parse().unwrap());
        config.trusted_proxies = TrustedProxies::parse("127.0.0.1").unwrap();
    };
    let app = App::start_set(&db, set, Clock::System);
    let proxy = Proxy::with_keyfob_below_a_path(kind, &address, &app.url);
    let browser = Client::new(&url);

    let start = browser.get("");
    let is_led = matches!(start.status, 301 | 303 | 308) && start.location().contains("/keyfob/");
    assert!(is_led, "{} {}", start.status, start.location());
    browser.get("/").assert_leads_to("/keyfob/api-keys");
    browser.get("/login").assert_leads_to("/keyfob/setup");
    let code = app.setup_code.clone().unwrap();
    let fields = [("code", &*code), ("name", "Ada"), ("email", EMAIL), ("password", PASSWORD)];
    browser.post("/setup", &fields).assert_status(303);
    browser.post("/logout", &[]).assert_leads_to("/keyfob/login?logged_out");
    browser.log_in(EMAIL, PASSWORD);
    for (_, asset) in addresses("/api-keys", &browser.get("/api-keys").assert_ok()) {
        if asset.starts_with("/static/") {
            ask(&browser, &asset).assert_ok();
        }
    }

    let key = browser.create_key("Project X");
    browser.on("/api-keys").post(&key.status_path(), &[("status", "disabled")]).assert_leads_to("/keyfob/api-keys");
    let verify = |key: &Key| browser.post_json("/v1/keys/verify", json!({"key": key.secret}).to_string()).json();
    assert_eq!(verify(&key)["code"], "DISABLED");
    browser.switch(&key, "enabled");
    assert_eq!(verify(&key)["code"], "VALID");
    let link = browser.hand_over(&key);
    assert!(browser.stranger().post(&link, &[]).assert_ok().body.contains(&key.secret));
    let program = Program { client: browser.stranger().with("x-api-key", &app.make_management_key("*", "*").secret) };
    let created = program.create(&json!({"service": "sms", "name": "Made"})).assert_status(201);
    program.client.get(created.location().strip_prefix("/keyfob").unwrap()).assert_ok();
    browser.post("/logout", &[]).assert_leads_to("/keyfob/login?logged_out");
    browser.get("/api-keys").assert_leads_to("/keyfob/login");

    // The rest of the host is not Keyfob's.
    let rest = proxy.ask("GET /login", &[], "");
    assert!(!rest.body.contains("Keyfob") && rest.status >= 400, "{} {}", rest.status, rest.body);
}

#[test]
fn all_of_it_works_behind_nginx() {
    walk(ProxyKind::Nginx);
}

#[test]
fn all_of_it_works_behind_caddy() {
    walk(ProxyKind::Caddy);
}

#[test]
fn all_of_it_works_behind_haproxy() {
    walk(ProxyKind::Haproxy);
}

with_each_proxy! {
    fn a_proxy_with_a_snippet_asks_below_the_path(kind: ProxyKind, db: &Database) {
        let address = free_address();
        let app = App::start_behind(db, &format!("http://{address}/keyfob"));
        let _front = Proxy::with_keyfob_below_a_path(ProxyKind::Nginx, &address, &app.url);
        let page = app.signed_in().get("/connect?service=sms").assert_ok().page();
        let proxy = kind.start(&page);
        let key = app.make_key("Project X");

        let outcome = proxy.ask("GET /hello", &[("X-API-Key", &key.secret)], "").assert_reached_the_application();
        assert_eq!(outcome.received("x-key-id"), [&key.id]);
        assert_eq!(proxy.ask("GET /hello", &[("X-API-Key", "sms_live_x")], "").status, 401);
    }
}
