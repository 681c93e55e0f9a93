//! Logging in and out, and where that leads.

use crate::support::{App, EMAIL, PASSWORD, on_both_databases, run};

const WRONG: &str = "Wrong email or password.";

/// Logs in on the way to `next`; tells where it leads.
fn log_in_towards(app: &App, next: &str) -> String {
    let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
    app.anonymous().post("/login", &fields).assert_status(303).location().to_owned()
}

on_both_databases! {
    fn an_address_is_the_same_however_it_was_pasted_or_composed(db: &Database) {
        let app = db.app();
        let add = |email: &str| run(&["operator", "add", email, "--database-url", &db.url()], PASSWORD);

        add("ju\u{308}rgen@example.com").assert_success();
        add("j\u{fc}rgen@example.com").assert_says("An operator with this email address already exists.");

        for typed in [
            "j\u{fc}rgen@example.com", "JU\u{308}rgen@example.com", "\u{202a}jürgen@example.com\u{202c}\u{a0}",
            "\u{a0}j\u{fc}rgen@exam\u{200b}ple.com ",
        ] {
            app.anonymous().log_in(typed, PASSWORD);
        }
    }

    fn an_address_from_before_it_was_normalized_still_logs_in(db: &Database) {
        let app = db.app();
        db.execute("UPDATE operators SET email = 'ju\u{308}rgen@example.com'");

        app.anonymous().log_in("ju\u{308}rgen@example.com", PASSWORD);
    }

    fn the_name_of_a_browser_is_recorded_whatever_letters_it_has(db: &Database) {
        let app = db.app();

        app.anonymous().with("user-agent", "Brücke 5").log_in(EMAIL, PASSWORD);

        assert!(db.rows()["audit_events"].iter().any(|event| event.contains("Brücke 5")), "{:?}", db.rows());
    }

    fn the_right_password_opens_the_dashboard(db: &Database) {
        let app = db.app();
        let client = app.anonymous();

        client.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_leads_to("/api-keys");

        let page = client.get("/api-keys").assert_ok().page();
        assert_eq!(page.text("h1"), "API Keys");
        assert_eq!(page.text(".nav__link[aria-current=page]"), "API Keys");
    }

    fn an_address_is_found_in_any_case(db: &Database) {
        let app = db.app();

        let fields = [("email", " Ada@Example.COM "), ("password", PASSWORD)];

        app.anonymous().post("/login", &fields).assert_leads_to("/api-keys");
    }

    fn a_wrong_password_and_an_unknown_operator_look_alike(db: &Database) {
        let app = db.app();
        let refuse = |email, password| {
            let client = app.anonymous();
            let answer = client.post("/login", &[("email", email), ("password", password)]).assert_status(401);
            assert_eq!(answer.header("set-cookie"), "");
            client.get("/api-keys").assert_leads_to("/login");
            answer
        };

        let wrong = refuse(EMAIL, "wrong horse battery staple");
        let unknown = refuse("bob@example.com", PASSWORD);

        assert_eq!(wrong.page().text("[role=alert]"), WRONG);
        assert_eq!(wrong.body, unknown.body.replace("bob@example.com", EMAIL));
    }

    fn every_character_of_a_password_counts(db: &Database) {
        let app = db.app();

        for almost in [PASSWORD.to_uppercase(), format!("{PASSWORD} "), PASSWORD[1..].to_owned()] {
            app.anonymous().post("/login", &[("email", EMAIL), ("password", &almost)]).assert_status(401);
        }
    }

    fn a_refused_login_keeps_the_address_and_not_the_password(db: &Database) {
        let app = db.app();

        let answer = app.anonymous().post("/login", &[("email", EMAIL), ("password", "hunter2hunter2hunter2")]);

        assert_eq!(answer.page().field("email"), EMAIL);
        assert!(!answer.body.contains("hunter2"));
    }

    fn whoever_is_not_logged_in_sees_no_page_of_the_dashboard(db: &Database) {
        let app = db.app();

        for (page, login) in [
            ("/api-keys", "/login"),
            ("/api-keys?service=sms", "/login?next=/api-keys%3Fservice%3Dsms"),
            ("/api-keys/new", "/login?next=/api-keys/new"),
            ("/settings", "/login?next=/settings"),
        ] {
            app.anonymous().get(page).assert_leads_to(login);
            app.signed_in().get(page).assert_ok();
        }
    }

    fn the_front_door_leads_to_the_keys(db: &Database) {
        db.app().anonymous().get("/").assert_leads_to("/api-keys");
    }

    fn whoever_is_logged_in_already_is_led_on_from_the_login(db: &Database) {
        let app = db.app();

        app.signed_in().get("/login").assert_leads_to("/api-keys");
        app.signed_in().get("/login?next=/settings").assert_leads_to("/settings");
    }

    fn a_login_leads_back_to_the_page_that_was_wanted(db: &Database) {
        let app = db.app();

        let page = app.anonymous().get("/login?next=/api-keys%3Fservice%3Dsms").assert_ok().page();

        assert_eq!(log_in_towards(&app, &page.field("next")), "/api-keys?service=sms");
    }

    fn a_login_never_leads_off_the_site(db: &Database) {
        let app = db.app();
        let signed_in = app.signed_in();

        for evil in
            ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example"]
        {
            let link = format!("/login?{}", crate::support::form(&[("next", evil)]));
            assert_eq!(app.anonymous().get(&link).page().field("next"), "/api-keys", "{evil}");
            signed_in.get(&link).assert_leads_to("/api-keys");
        }
        assert_eq!(log_in_towards(&app, "//evil.example"), "/api-keys");
    }

    fn a_logout_ends_the_session_on_every_server(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let thief = client.thief();
        thief.at(&other.url).get("/settings").assert_ok();

        client.post("/logout", &[]).assert_leads_to("/login?logged_out");

        assert_eq!(client.session_cookie(), None);
        assert_eq!(client.get("/login?logged_out").page().text(".notice"), "You are logged out.");
        thief.get("/settings").assert_leads_to("/login?next=/settings");
        thief.at(&other.url).get("/settings").assert_leads_to("/login?next=/settings");
        assert_eq!(db.count("sessions"), 0);
    }

    fn a_logout_leaves_other_browsers_logged_in(db: &Database) {
        let app = db.app();
        let (one, other) = (app.signed_in(), app.signed_in());

        one.post("/logout", &[]).assert_status(303);

        other.get("/settings").assert_ok();
    }

    fn a_logout_without_a_session_is_fine(db: &Database) {
        db.app().anonymous().post("/logout", &[]).assert_leads_to("/login?logged_out");
    }

    fn guessing_is_slowed_down_and_does_not_shut_the_operator_out(db: &Database) {
        let app = db.app();
        let known = app.signed_in();
        let guess = |password: &str| app.anonymous().post("/login", &[("email", EMAIL), ("password", password)]);
        while guess("wrong horse battery staple").status == 401 {}

        let refused = guess(PASSWORD).assert_status(429);

        let seconds: i64 = refused.header("retry-after").parse().unwrap();
        assert_eq!(
            refused.page().text("[role=alert]"),
            format!("Too many tries. Wait {seconds} seconds and try again.")
        );
        known.log_in(EMAIL, PASSWORD);
        app.clock.advance(seconds);
        guess(PASSWORD).assert_leads_to("/api-keys");
    }

    fn a_made_up_address_of_a_client_gives_no_more_tries(db: &Database) {
        let app = db.app();

        let tries = (0..40).take_while(|n| {
            let client = app.anonymous().with("x-forwarded-for", &format!("203.0.113.{n}"));
            let email = format!("{n}@example.com");
            client.post("/login", &[("email", &email), ("password", PASSWORD)]).status == 401
        });

        assert!(tries.count() < 40);
    }

    fn a_password_of_a_mebibyte_is_refused_before_it_is_hashed(db: &Database) {
        let app = db.app();
        let body = format!("email={EMAIL}&password={}", "x".repeat(1 << 20));
        let mut wire = crate::support::Wire::to(&app.url);

        let head = format!(
            "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n",
            body.len(),
        );

        // Refused by what the head says, so that the answer is there before the body is.
        assert!(wire.send(head.as_bytes()).read_head().starts_with("HTTP/1.1 413"));
        app.anonymous().get("/healthz").assert_ok();
    }
}
