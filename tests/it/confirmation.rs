//! Settings of the installation are for owners who gave their password within the last 10 minutes.

use keyfob::domain::account::membership::Role;

use crate::support::{Answer, Client, EMAIL, PASSWORD, on_both_databases};

const INSTANCE: &str = "/settings/instance";
const SHORTENING: &str = "/settings/instance/shortening";
const CONFIRMATION: &str = "/login/confirmation?next=/settings/instance";
const LIFETIMES: [(&str, &str); 2] = [("default_lifetime_days", "30"), ("max_lifetime_days", "90")];
/// After this many seconds the password has to be given again.
const FRESH: i64 = 10 * 60;

fn confirm(client: &Client, password: &str) -> Answer {
    client.post("/login/confirmation", &[("password", password), ("next", INSTANCE)])
}

/// The lifetimes that are saved.
fn saved(client: &Client) -> [String; 2] {
    let page = client.get(INSTANCE).assert_ok().page();
    ["default_lifetime_days", "max_lifetime_days"].map(|name| page.field(name))
}

on_both_databases! {
    fn ten_minutes_after_the_login_the_password_is_asked_for_again(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Beyond the maximum");
        client.post(INSTANCE, &LIFETIMES).assert_status(303);

        app.clock.advance(FRESH - 1);
        client.get(INSTANCE).assert_ok();
        client.get(SHORTENING).assert_ok();
        client.post(INSTANCE, &LIFETIMES).assert_leads_to(INSTANCE);
        app.clock.advance(1);

        client.get(INSTANCE).assert_leads_to(CONFIRMATION);
        client.get(SHORTENING).assert_leads_to("/login/confirmation?next=/settings/instance/shortening");
        client.post(SHORTENING, &[("total", "1"), ("end", "0")]).assert_leads_to("/login/confirmation?next=/settings/instance/shortening");
        client.post(INSTANCE, &[("default_lifetime_days", "1"), ("max_lifetime_days", "1")]).assert_status(403);
        client.get(&format!("/api-keys/{}", key.id)).assert_ok();
        confirm(&client, PASSWORD).assert_leads_to(INSTANCE);
        assert_eq!(saved(&client), ["30", "90"]);
        app.clock.advance(FRESH - 1);
        client.get(INSTANCE).assert_ok();
        app.clock.advance(1);
        client.get(INSTANCE).assert_leads_to(CONFIRMATION);
    }

    fn the_page_that_asks_leads_on_at_once_while_the_login_is_recent(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        client.get(CONFIRMATION).assert_leads_to(INSTANCE);
        client.get("/login/confirmation?next=//evil.example").assert_leads_to("/api-keys");
        app.anonymous().get(CONFIRMATION).assert_leads_to("/login?next=/login/confirmation%3Fnext%3D/settings/instance");
        app.clock.advance(FRESH);

        let page = client.get(CONFIRMATION).assert_ok().page();
        assert_eq!((page.text("h1"), page.field("next")), ("Confirm that it is you".to_owned(), INSTANCE.to_owned()));
        let elsewhere = [("password", PASSWORD), ("next", "https://evil.example")];
        client.post("/login/confirmation", &elsewhere).assert_leads_to("/api-keys");
    }

    fn a_confirmed_session_gets_another_id_and_the_one_before_ends(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let before = client.thief();
        app.clock.advance(FRESH);

        confirm(&client, PASSWORD).assert_status(303);

        client.get(INSTANCE).assert_ok();
        before.get("/settings").assert_leads_to("/login?next=/settings");
        assert_eq!(db.count("sessions"), 1);
    }

    fn another_session_of_the_same_person_has_to_confirm_by_itself(db: &Database) {
        let app = db.app();
        let (client, other) = (app.signed_in(), app.signed_in());
        app.clock.advance(FRESH);

        confirm(&client, PASSWORD).assert_status(303);

        client.get(INSTANCE).assert_ok();
        other.get(INSTANCE).assert_leads_to(CONFIRMATION);
    }

    fn a_wrong_password_confirms_nothing_and_can_not_be_guessed_at_will(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let colleague = app.colleague(Role::Admin, "grace@example.com");
        app.clock.advance(FRESH);

        let refused = confirm(&client, "a wrong password").assert_status(422).page();
        assert_eq!(refused.text("#password-error"), "This is not your password.");
        assert_eq!(refused.field("password"), "");
        client.get(INSTANCE).assert_leads_to(CONFIRMATION);
        let last = (0..40).map(|_| confirm(&client, "a wrong password").status).find(|status| *status != 422);

        assert_eq!(last, Some(429));
        confirm(&client, PASSWORD).assert_status(429);
        confirm(&colleague, PASSWORD).assert_status(303);
        app.anonymous().log_in(EMAIL, PASSWORD);
    }

    fn what_was_typed_before_the_password_was_asked_for_is_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(FRESH);

        let asked = client.post(INSTANCE, &LIFETIMES).assert_status(403).page();
        let wrong = [("password", "a wrong password"), ("next", INSTANCE), ("draft", &*asked.field("draft"))];
        let again = client.post("/login/confirmation", &wrong).assert_status(422).page();
        let right = [("password", PASSWORD), ("next", &*again.field("next")), ("draft", &*again.field("draft"))];
        client.post("/login/confirmation", &right).assert_leads_to(INSTANCE);

        assert_eq!(saved(&client), ["30", "90"]);
        assert_eq!(saved(&client), ["", ""], "a draft is shown twice, or was saved");
    }

    fn what_was_typed_outlives_a_session_that_ended_while_the_password_was_asked_for(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(FRESH);
        let asked = client.post(INSTANCE, &LIFETIMES).assert_status(403).page();
        client.thief().post("/logout", &[]).assert_status(303);

        let sent = [("password", PASSWORD), ("next", INSTANCE), ("draft", &*asked.field("draft"))];
        let login = client.post("/login/confirmation", &sent).assert_status(401).page();

        assert_eq!((login.field("next"), login.field("draft")), (INSTANCE.to_owned(), asked.field("draft")));
    }

    fn a_part_of_a_page_leads_the_whole_page_to_the_confirmation(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(FRESH);

        let part = client.htmx("a").with("hx-current-url", &format!("{}{INSTANCE}", app.url)).get(SHORTENING);

        part.assert_status(403).assert_header("hx-redirect", CONFIRMATION);
    }

    fn the_settings_of_the_installation_are_for_its_owners(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let admin = app.colleague(Role::Admin, "grace@example.com");
        let viewer = app.colleague(Role::Viewer, "alan@example.com");
        let elsewhere = app.another_account();
        let before = db.rows();

        for client in [admin, viewer, elsewhere] {
            client.get(INSTANCE).assert_status(403);
            client.post(INSTANCE, &LIFETIMES).assert_status(403);
            client.get(SHORTENING).assert_status(403);
            client.post(SHORTENING, &[("total", "1"), ("end", "0")]).assert_status(403);
            assert!(!client.get("/settings").assert_ok().page().attrs("nav.tabs a", "href").contains(&INSTANCE.to_owned()));
        }

        assert_eq!(db.rows()["settings"], before["settings"]);
        assert!(owner.get("/settings").page().attrs("nav.tabs a", "href").contains(&INSTANCE.to_owned()));
        owner.post(INSTANCE, &LIFETIMES).assert_leads_to(INSTANCE);
    }

    fn an_owner_who_becomes_an_admin_can_not_send_the_form_that_is_open(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        owner.get(INSTANCE).assert_ok();

        db.execute("UPDATE memberships SET role = 'admin'");

        owner.post(INSTANCE, &LIFETIMES).assert_status(403);
        assert_eq!(db.ask("SELECT value AS line FROM settings WHERE name = 'default_lifetime_days'"), [""; 0]);
    }
}
