//! A browser's session: its cookie, its life and its end.

use actix_web::cookie::{Cookie, CookieJar, Key};
use keyfob::domain::account::membership::Role;
use keyfob::store::Digest;

use crate::support::{App, Client, Database, EMAIL, PASSWORD, Wire, on_both_databases};

const HOUR: i64 = 60 * 60;

/// The id that the cookie carries, encrypted with the database's key.
fn session_id(db: &Database, client: &Client) -> String {
    let settings = db.rows()["settings"].join(" ");
    let hex = settings.split(|c: char| !c.is_ascii_hexdigit()).find(|part| part.len() == 128).unwrap();
    let key: Vec<u8> = (0..128).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let mut jar = CookieJar::new();
    let (name, value) = client.session_cookie_pair().unwrap();
    jar.add_original(Cookie::parse_encoded(format!("{name}={value}")).unwrap());
    jar.private(&Key::from(&key)).get(&name).unwrap().value().to_owned()
}

/// What a login leaves in the browser under this name.
fn set_cookie(app: &App, name: &str) -> Vec<String> {
    app.anonymous().post("/login", &[("email", EMAIL), ("password", PASSWORD)]).set_cookie(name)
}

#[track_caller]
fn assert_attributes(cookie: &[String], wanted: &[&str], unwanted: &[&str]) {
    let has = |name: &&str| cookie.iter().any(|part| part == name || part.starts_with(&format!("{name}=")));
    assert!(wanted.iter().all(has) && !unwanted.iter().any(has), "{cookie:?}");
    assert!(cookie.join("; ").len() < 4096);
}

on_both_databases! {
    fn only_digests_of_session_ids_are_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = session_id(db, &client);

        assert_eq!(id.len(), 64);
        assert!(db.holds(EMAIL), "the search itself does not work");
        assert!(!db.holds(&id));
        assert!(!db.holds(&client.session_cookie().unwrap()));
        let sessions = db.rows()["sessions"].join("\n").to_lowercase();
        assert!(sessions.contains(&Digest::of(id.as_bytes()).to_hex()), "{sessions}");
    }

    fn a_cookie_is_for_this_site_and_for_no_script(db: &Database) {
        let app = db.app();

        let session = set_cookie(&app, "keyfob");
        let browser = set_cookie(&app, "keyfob-browser");

        assert_attributes(
            &session,
            &["HttpOnly", "SameSite=Lax", "Path=/"],
            &["Secure", "Domain", "Max-Age", "Expires"],
        );
        assert_attributes(&browser, &["HttpOnly", "SameSite=Lax", "Path=/"], &["Secure", "Domain"]);
    }

    fn behind_https_a_cookie_is_bound_to_the_host_and_secure(db: &Database) {
        let app = App::start_behind(db, "https://keys.example.com");

        for name in ["__Host-keyfob", "__Host-keyfob-browser"] {
            assert_attributes(&set_cookie(&app, name), &["Secure", "HttpOnly", "SameSite=Lax", "Path=/"], &["Domain"]);
        }
    }

    fn a_visitor_gets_no_cookie(db: &Database) {
        let app = db.app();

        for page in ["/login", "/api-keys", "/healthz", "/nothing"] {
            assert_eq!(app.anonymous().get(page).header("set-cookie"), "", "{page}");
        }
        assert_eq!(db.count("sessions"), 0);
    }

    fn a_login_changes_the_session_id_and_ends_the_session_before(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let before = client.thief();

        client.log_in(EMAIL, PASSWORD);

        assert_ne!(session_id(db, &before), session_id(db, &client));
        before.get("/settings").assert_status(303);
        client.get("/settings").assert_ok();
    }

    fn a_cookie_that_was_planted_before_the_login_is_worthless_after_it(db: &Database) {
        let app = db.app();
        let attacker = app.another_account();
        let victim = attacker.thief();

        victim.log_in(EMAIL, PASSWORD);

        attacker.get("/settings").assert_leads_to("/login?next=/settings");
        assert_eq!(victim.get("/settings").page().text(".operator__email"), EMAIL);
    }

    fn a_made_up_cookie_is_nobody(db: &Database) {
        let app = db.app();
        let (name, value) = app.signed_in().session_cookie_pair().unwrap();
        let real = format!("{name}={value}");

        for cookie in ["NAME=x", "NAME=", &format!("{real}x"), &real.to_uppercase(), "NAME=0; NAME=1"] {
            let cookie = cookie.replace("NAME", &name);
            app.anonymous().with("cookie", &cookie).get("/settings").assert_leads_to("/login?next=/settings");
        }
        app.anonymous().with("cookie", &real).get("/settings").assert_ok();
    }

    fn another_installations_cookie_is_nobody(db: &Database) {
        let app = db.app();
        let elsewhere = db.empty();
        let foreign = elsewhere.app().signed_in();

        foreign.at(&app.url).get("/settings").assert_leads_to("/login?next=/settings");
        let (name, _) = app.signed_in().session_cookie_pair().unwrap();
        let renamed = format!("{name}={}", foreign.session_cookie().unwrap());
        app.anonymous().with("cookie", &renamed).get("/settings").assert_leads_to("/login?next=/settings");
    }

    fn two_installations_on_one_host_keep_their_logins_apart(db: &Database) {
        let (app, elsewhere) = (db.app(), db.empty());
        let other = elsewhere.app();
        let browser = app.signed_in();

        // Browsers send cookies to every port of a host.
        let browser = browser.at(&other.url);
        browser.log_in(EMAIL, PASSWORD);

        browser.get("/settings").assert_ok();
        browser.at(&app.url).get("/settings").assert_ok();
    }

    fn a_neighbours_cookie_that_is_no_text_keeps_nobody_out(db: &Database) {
        let app = db.app();
        let own = app.signed_in().cookies();
        let get = |cookie: &[u8]| {
            let head = [b"GET /settings HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: ", cookie, b"\r\n\r\n"];
            Wire::to(&app.url).send(&head.concat()).read_all()
        };

        let beside = [b"lang=caf\xe9; ", own.as_bytes(), b"; theme=\xff"].concat();

        assert!(get(&beside).starts_with("HTTP/1.1 200"), "{}", get(&beside));
        assert!(get(b"lang=caf\xe9").starts_with("HTTP/1.1 303"));
        assert!(get(&[b"keyfob-\xe9=1; ", own.as_bytes()].concat()).starts_with("HTTP/1.1 200"));
    }

    fn a_login_whose_cookie_does_not_come_back_is_explained(db: &Database) {
        let app = db.app();
        let without_cookies = app.anonymous();
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/settings")];

        without_cookies.post("/login", &fields).assert_leads_to("/settings");
        let login = app.anonymous().on("/login?next=/settings").get("/settings").assert_status(303);

        assert_eq!(login.location(), "/login?next=/settings&cookie_lost");
        let page = app.anonymous().get(login.location()).assert_ok().page();
        assert!(page.text("[role=alert]").contains("Allow cookies for this site"), "{}", page.text("[role=alert]"));
        let again = app.anonymous().on("/login").get("/api-keys").assert_status(303);
        assert_eq!(again.location(), "/login?cookie_lost");
        app.anonymous().on("/messages").get("/settings").assert_leads_to("/login?next=/settings");
    }

    fn a_login_over_http_where_https_is_meant_names_the_address_to_open(db: &Database) {
        let app = App::start_behind(db, "https://keys.example.com");
        let over = |origin: &str| {
            let host = origin.split_once("://").unwrap().1;
            let browser = app.anonymous().without("sec-fetch-site").with("origin", origin).with("host", host);
            browser.post("/login", &[("email", EMAIL), ("password", PASSWORD)])
        };

        for origin in ["http://keys.example.com", "http://10.0.0.5:8080"] {
            let refused = over(origin).assert_status(403);
            let alert = refused.page().text("[role=alert]");
            assert!(alert.contains("Open https://keys.example.com to log in."), "{origin}: {alert}");
            assert_eq!(refused.header("set-cookie"), "");
        }
        // Browsers keep secure cookies of this machine's own names.
        over("http://localhost:8080").assert_leads_to("/api-keys");
        over("https://keys.example.com").assert_leads_to("/api-keys");
        let lost = app.anonymous().get("/login?cookie_lost").page().text("[role=alert]");
        assert!(lost.contains("Open https://keys.example.com to log in"), "{lost}");
    }

    fn a_session_ends_twelve_hours_after_its_last_use(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        app.clock.advance(12 * HOUR - 1);
        client.get("/settings").assert_ok();
        app.clock.advance(12 * HOUR - 1);
        client.get("/settings").assert_ok();
        app.clock.advance(12 * HOUR);

        client.get("/settings").assert_leads_to("/login?next=/settings");
    }

    fn a_session_ends_seven_days_after_the_login_however_much_it_is_used(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for _ in 0..16 {
            app.clock.advance(10 * HOUR);
            client.get("/settings").assert_ok();
        }
        app.clock.advance(8 * HOUR);

        client.get("/settings").assert_leads_to("/login?next=/settings");
    }

    fn sessions_that_ended_are_cleared_away(db: &Database) {
        let app = db.app();
        let _forgotten = app.signed_in();

        app.clock.advance(12 * HOUR);
        let _client = app.signed_in();

        assert_eq!(db.count("sessions"), 1);
    }

    fn a_session_of_an_operator_who_is_gone_is_nobodys(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        db.execute("DELETE FROM operators");

        client.get("/settings").assert_leads_to("/login?next=/settings");
    }

    fn somebody_who_is_disabled_is_nobody_from_the_next_request_on_and_can_not_log_in(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, "grace@example.com"));
        grace.get("/settings").assert_ok();

        db.execute("UPDATE operators SET disabled_at = 1 WHERE email = 'grace@example.com'");

        grace.get("/settings").assert_leads_to("/login?next=/settings");
        let again = [("email", "grace@example.com"), ("password", PASSWORD)];
        app.anonymous().post("/login", &again).assert_status(401);
        owner.get("/settings").assert_ok();
    }
}
