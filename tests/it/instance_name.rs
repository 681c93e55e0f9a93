//! The name of the installation: everybody sees it, an owner gives it.

use keyfob::domain::account::membership::Role;

use crate::support::{Answer, Client, PASSWORD, Phone, on_both_databases, operator_id};

const NAME: &str = "/settings/instance/name";
const MARKUP: &str = "Acme <b>& Sons</b> {{7*7}}";

fn rename(client: &Client, name: &str) -> Answer {
    client.post(NAME, &[("instance_name", name)])
}

on_both_databases! {
    fn a_name_is_shown_as_it_was_typed_to_everybody_and_on_every_instance(db: &Database) {
        let app = db.app();
        let other_instance = db.app();
        let owner = app.signed_in();
        let viewer = app.colleague(Role::Viewer, "alan@example.com").at(&other_instance.url);
        let key = owner.create_key("Project X");
        let link = owner.hand_over(&key);
        let invitation = owner.invite("viewer", "eve@example.com");
        let password_link = owner.password_link(&operator_id(db, "alan@example.com"));
        let grace = app.colleague(Role::Admin, "grace@example.com");
        let phone = Phone::set_up(&grace);
        grace.post("/settings/second-factor/activation", &[("code", &phone.code(&app))]).assert_ok();
        assert_eq!(owner.get("/settings").page().text("title"), "Settings · Keyfob");

        rename(&owner, &format!(" {MARKUP} ")).assert_leads_to("/settings/instance");

        for client in [owner.clone(), viewer] {
            let page = client.get("/settings").page();
            assert_eq!(page.text("title"), format!("Settings · {MARKUP} · Keyfob"));
            assert_eq!(page.text(".sidebar .brand__installation"), MARKUP);
        }
        let stranger = app.anonymous();
        let wrong = [("email", "ada@example.com"), ("password", "a wrong password")];
        app.clock.advance(10 * 60);
        let with_password = app.anonymous();
        let right = [("email", "grace@example.com"), ("password", PASSWORD)];
        with_password.post("/login", &right).assert_leads_to("/login/second-factor");
        for answer in [
            stranger.get("/login"),
            stranger.post("/login", &wrong),
            stranger.get(&link),
            stranger.get("/handover/x"),
            stranger.get(&invitation),
            stranger.post(&invitation, &[("name", "")]),
            stranger.get("/invitations/x"),
            stranger.get(&password_link),
            stranger.post(&password_link, &[("new_password", "short")]),
            stranger.post(&password_link, &[("new_password", "a password of some length")]),
            stranger.get(&password_link),
            with_password.get("/login/second-factor"),
            with_password.post("/login/second-factor", &[("code", "1")]),
            owner.get("/login/confirmation"),
        ] {
            let page = answer.page();
            assert!(page.text("title").ends_with(&format!(" · {MARKUP} · Keyfob")), "{}", page.text("title"));
            assert_eq!(page.text(".brand__installation"), MARKUP);
        }
    }

    fn without_a_name_it_is_called_keyfob(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        rename(&owner, "Acme").assert_status(303);

        rename(&owner, "").assert_status(303);

        let page = owner.get("/settings/instance").page();
        assert_eq!((page.field("instance_name"), page.has(".brand__installation")), (String::new(), false));
        let changes = db.ask("SELECT changes AS line FROM audit_events WHERE action = 'settings.changed' ORDER BY id");
        assert_eq!(changes, [r#"{"instance_name":[null,"Acme"]}"#, r#"{"instance_name":["Acme",null]}"#]);
    }

    fn a_name_that_is_none_is_refused_at_its_field(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        rename(&owner, "Acme").assert_status(303);

        for (name, message) in [
            (&*"x".repeat(61), "Name has 61 characters; 60 is the most."),
            ("a\nb", "Name can't have line breaks, tabs or other control characters."),
        ] {
            let page = rename(&owner, name).assert_status(422).page();
            assert_eq!((page.text("#instance-name-error"), page.text(".brand__installation")), (message.to_owned(), "Acme".to_owned()));
        }
    }

    fn only_an_owner_with_a_recent_login_gives_it(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let [admin, viewer] = [(Role::Admin, "grace@example.com"), (Role::Viewer, "alan@example.com")].map(|(role, email)| app.colleague(role, email));

        for client in [admin, viewer, app.another_account()] {
            rename(&client, "Mine").assert_status(403);
        }
        app.clock.advance(10 * 60);
        let asked = rename(&owner, "Acme").assert_status(403).page();

        assert!(!owner.get("/settings").page().has(".brand__installation"));
        let next = asked.field("next");
        let sent = [("password", crate::support::PASSWORD), ("next", &*next), ("draft", &*asked.field("draft"))];
        owner.post("/login/confirmation", &sent).assert_leads_to("/settings/instance#name");
        assert_eq!(owner.get("/settings/instance").page().field("instance_name"), "Acme");
    }
}
