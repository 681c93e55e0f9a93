//! A browser's session: its cookie, its life and its end.

use actix_web::cookie::{Cookie, CookieJar, Key};
use keyfob::store::Digest;

use crate::support::{App, Client, Database, EMAIL, PASSWORD, on_both_databases};

const HOUR: i64 = 60 * 60;

/// The id that the cookie carries, encrypted with the database's key.
fn session_id(db: &Database, client: &Client) -> String {
    let settings = db.rows()["settings"].join(" ");
    let hex = settings.split(|c: char| !c.is_ascii_hexdigit()).find(|part| part.len() == 128).unwrap();
    let key: Vec<u8> = (0..128).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let mut jar = CookieJar::new();
    jar.add_original(Cookie::parse_encoded(format!("keyfob={}", client.session_cookie().unwrap())).unwrap());
    jar.private(&Key::from(&key)).get("keyfob").unwrap().value().to_owned()
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
        let real = format!("keyfob={}", app.signed_in().session_cookie().unwrap());

        for cookie in ["keyfob=x", "keyfob=", &format!("{real}x"), &real.to_uppercase(), "keyfob=0; keyfob=1"] {
            app.anonymous().with("cookie", cookie).get("/settings").assert_leads_to("/login?next=/settings");
        }
        app.anonymous().with("cookie", &real).get("/settings").assert_ok();
    }

    fn another_installations_cookie_is_nobody(db: &Database) {
        let app = db.app();
        let elsewhere = db.empty();
        let foreign = elsewhere.app().signed_in();

        foreign.at(&app.url).get("/settings").assert_leads_to("/login?next=/settings");
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
}
