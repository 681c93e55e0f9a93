//! One's own name and password.

use crate::support::{Answer, Client, EMAIL, PASSWORD, on_both_databases};

const NEW: &str = "a battery of correct horses";

fn change_password(client: &Client, current: &str, new: &str) -> Answer {
    client.post("/settings/password", &[("current_password", current), ("new_password", new)])
}

on_both_databases! {
    fn a_new_name_is_shown_at_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        client.post("/settings/name", &[("name", " Ada <b>King</b> ")]).assert_leads_to("/settings");

        let page = client.get("/settings").page();
        assert_eq!(page.text(".operator__name"), "Ada <b>King</b>");
        assert_eq!(page.field("name"), "Ada <b>King</b>");
        assert_eq!(page.toasts(), ["Success. Name changed."]);
        assert!(client.get("/settings").page().toasts().is_empty(), "a message was shown twice");
    }

    fn a_name_that_is_none_is_refused_at_its_field_and_changes_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for (name, message) in [
            ("", "Your name is required."),
            ("\u{200b}", "Your name is required."),
            ("a\nb", "Your name can't have line breaks, tabs or other control characters."),
            (&*"x".repeat(101), "Your name has 101 characters; 100 is the most."),
        ] {
            let page = client.post("/settings/name", &[("name", name)]).assert_status(422).page();
            assert_eq!(page.text("#name-error"), message);
            assert_eq!(page.text(".operator__name"), "Ada");
        }
        assert_eq!(client.get("/settings").page().field("name"), "Ada");
    }

    fn a_new_name_renames_nobody_else(db: &Database) {
        let app = db.app();
        let other = app.another_account();

        app.signed_in().post("/settings/name", &[("name", "Countess")]).assert_status(303);

        assert_eq!(other.get("/settings").page().field("name"), "Ada");
    }

    fn a_new_password_logs_in_and_the_old_one_does_not(db: &Database) {
        let app = db.app();

        change_password(&app.signed_in(), PASSWORD, NEW).assert_leads_to("/settings");

        app.anonymous().post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_status(401);
        app.anonymous().log_in(EMAIL, NEW);
    }

    fn a_new_password_ends_all_other_sessions_and_not_ones_own(db: &Database) {
        let app = db.app();
        let (own, other) = (app.signed_in(), app.signed_in());
        let stolen = own.thief();
        let stranger = app.another_account();

        change_password(&own, PASSWORD, NEW).assert_leads_to("/settings");

        let toast = "Success. Password changed. Your other sessions were logged out.";
        assert_eq!(own.get("/settings").assert_ok().page().toasts(), [toast]);
        other.get("/settings").assert_leads_to("/login?next=/settings");
        stolen.get("/settings").assert_leads_to("/login?next=/settings");
        stranger.get("/settings").assert_ok();
    }

    fn a_wrong_current_password_is_refused_at_its_field(db: &Database) {
        let app = db.app();
        let (client, other) = (app.signed_in(), app.signed_in());

        let page = change_password(&client, NEW, NEW).assert_status(422).page();

        assert_eq!(page.text("#current-password-error"), "This is not your current password.");
        other.get("/settings").assert_ok();
        app.anonymous().log_in(EMAIL, PASSWORD);
    }

    fn the_current_password_can_not_be_guessed_at_will(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let last = (0..40).map(|_| change_password(&client, NEW, NEW).status).find(|status| *status != 422);

        assert_eq!(last, Some(429));
    }

    fn a_common_password_is_refused(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for common in ["passwordpassword", "ada@example.com", "keyfobkeyfobkeyfob"] {
            let page = change_password(&client, PASSWORD, common).assert_status(422).page();
            assert!(page.text("#new-password-error").starts_with("This password is too common"), "{common}");
        }
    }

    fn a_password_that_is_too_short_or_too_long_is_refused(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for (new, message) in [
            ("fourteen chars", "Use at least 15 characters; this has 14. A few words in a row are fine."),
            (&*"x".repeat(1001), "Use at most 1000 characters."),
        ] {
            let answer = change_password(&client, PASSWORD, new).assert_status(422);
            assert_eq!(answer.page().text("#new-password-error"), message);
            assert!(!answer.body.contains(new), "the password came back");
        }
        app.anonymous().log_in(EMAIL, PASSWORD);
    }

    fn a_long_password_in_any_script_is_taken_whole(db: &Database) {
        let app = db.app();
        let long = format!(" žluťoučký 😀 {}", "x".repeat(900));

        change_password(&app.signed_in(), PASSWORD, &long).assert_leads_to("/settings");

        app.anonymous().log_in(EMAIL, &long);
        let fields = [("email", EMAIL), ("password", &long[..long.len() - 1])];
        app.anonymous().post("/login", &fields).assert_status(401);
    }

    fn no_password_is_kept_or_shown(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        change_password(&client, PASSWORD, NEW).assert_status(303);

        assert!(!db.holds(PASSWORD) && !db.holds(NEW));
        assert!(!client.get("/settings").body.contains("argon2"));
    }
}
