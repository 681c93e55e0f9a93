//! People from a shell, beside a server that runs.

use keyfob::clock::Clock;
use keyfob::domain::account::membership::Role;
use serde_json::Value;

use crate::support::{App, Database, EMAIL, Ended, PASSWORD, on_both_databases, run};

const GRACE: &str = "grace@example.com";
const LAST_OWNER: &str = "is the last owner who can log in.";

/// A server with an operator, at the same time of day as the commands.
fn server(db: &Database) -> App<'_> {
    App::start_set(db, |_| {}, Clock::System).with_operator()
}

#[track_caller]
fn command(db: &Database, arguments: &[&str]) -> Ended {
    run(&[&["operator"], arguments, &["--database-url", &db.url()]].concat(), PASSWORD)
}

#[track_caller]
fn people(db: &Database) -> Vec<Value> {
    let ended = command(db, &["list", "--json"]).assert_success();
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The role of somebody, and whether they are enabled.
#[track_caller]
fn state(db: &Database, email: &str) -> String {
    let people = people(db);
    let found: Vec<_> = people.iter().filter(|person| person["email"] == email).collect();
    assert_eq!(found.len(), 1, "{people:?}");
    format!("{} {}", found[0]["role"].as_str().unwrap(), found[0]["status"].as_str().unwrap())
}

on_both_databases! {
    fn people_are_listed_for_people_and_for_programs(db: &Database) {
        let app = server(db);
        app.colleague(Role::Viewer, GRACE);
        command(db, &["disable", GRACE]).assert_success();

        let text = command(db, &["list"]).assert_success().stdout;
        let objects = people(db);

        assert!(text.starts_with("EMAIL "), "{text}");
        let grace: Vec<_> = text.lines().find(|line| line.starts_with(GRACE)).unwrap().split_whitespace().collect();
        assert_eq!((&grace[..3], grace[grace.len() - 1]), (&[GRACE, "viewer", "disabled"][..], "Ada"), "{text}");
        let members = ["disabled_at", "email", "id", "joined_at", "last_seen_at", "name", "role", "status"];
        for object in &objects {
            assert_eq!(object.as_object().unwrap().keys().collect::<Vec<_>>(), members);
            assert!(!object.to_string().contains("argon2"));
        }
        assert_eq!(objects.len(), 2);
        assert!(objects.iter().any(|object| object["email"] == GRACE && object["disabled_at"].is_string()));
    }

    fn somebody_is_added_with_a_role_and_as_an_owner_without_one(db: &Database) {
        let app = server(db);

        command(db, &["add", " Grace@Example.com", "--role", "viewer", "--name", "Grace"]).assert_success();
        command(db, &["add", "linus@example.com"]).assert_success();

        assert_eq!((state(db, GRACE), state(db, "linus@example.com")), ("viewer enabled".to_owned(), "owner enabled".to_owned()));
        let grace = app.anonymous();
        grace.log_in(GRACE, PASSWORD);
        grace.get("/people/invitations/new").assert_status(403);
        command(db, &["add", "GRACE@example.com"]).assert_says("already exists");
    }

    fn a_running_server_knows_a_changed_role_and_a_disabled_person_at_once(db: &Database) {
        let app = server(db);
        let grace = app.colleague(Role::Viewer, GRACE);

        command(db, &["role", " GRACE@Example.com ", "admin"]).assert_success();
        grace.get("/people/invitations/new").assert_ok();
        command(db, &["disable", "Grace@example.com"]).assert_success();
        grace.get("/people").assert_leads_to("/login?next=/people");
        app.anonymous().post("/login", &[("email", GRACE), ("password", PASSWORD)]).assert_status(401);
        assert_eq!(state(db, GRACE), "admin disabled");
        command(db, &["enable", "GRACE@example.com"]).assert_success();
        app.anonymous().log_in(GRACE, PASSWORD);

        for (again, said) in [(&["role", GRACE, "admin"][..], "was already admin"), (&["enable", GRACE], "was not disabled")] {
            let ended = command(db, again).assert_success();
            assert!(ended.stdout.contains(said), "{ended:?}");
        }
    }

    fn somebody_is_removed_and_the_keys_are_named_that_they_have_seen(db: &Database) {
        let app = server(db);
        let grace = app.colleague(Role::Admin, GRACE);
        let key = grace.create_key("Project X");

        let ended = command(db, &["remove", "Grace@Example.com "]).assert_success();

        assert!(ended.stdout.contains("grace@example.com was removed"), "{ended:?}");
        assert!(ended.stderr.contains(&key.id) && ended.stderr.contains("“Project X”"), "{ended:?}");
        assert!(!ended.stderr.contains(&key.secret[9..]), "{ended:?}");
        grace.get("/people").assert_leads_to("/login?next=/people");
        assert_eq!(people(db).len(), 1);
        for again in [&["remove", GRACE][..], &["role", GRACE, "owner"], &["disable", GRACE], &["enable", GRACE], &["password", GRACE]] {
            command(db, again).assert_says("There is no operator grace@example.com.");
        }
        command(db, &["add", GRACE, "--role", "viewer"]).assert_success();
        app.anonymous().log_in(GRACE, PASSWORD);
    }

    fn the_last_owner_stays_whatever_is_asked_for(db: &Database) {
        let app = server(db);
        app.colleague(Role::Admin, GRACE);

        for arguments in [&["role", EMAIL, "admin"][..], &["disable", EMAIL], &["remove", EMAIL]] {
            command(db, arguments).assert_says(LAST_OWNER).assert_one_sentence();
        }
        assert_eq!(state(db, EMAIL), "owner enabled");
        assert_eq!(app.signed_in().get("/people").status, 200);

        command(db, &["role", GRACE, "owner"]).assert_success();
        command(db, &["role", EMAIL, "viewer"]).assert_success();
        command(db, &["disable", EMAIL]).assert_success();
        command(db, &["disable", GRACE]).assert_says(LAST_OWNER);
    }

    fn a_role_that_does_not_exist_is_a_wrong_call_and_an_unknown_address_a_refusal(db: &Database) {
        let _app = server(db);
        let before = db.rows();

        for arguments in [&["role", EMAIL, "root"][..], &["add", GRACE, "--role", "root"], &["role", EMAIL], &["list", "x"]] {
            let ended = command(db, arguments);
            assert_eq!((ended.status.code(), &*ended.stdout), (Some(2), ""), "{ended:?}");
        }
        for arguments in [&["role", GRACE, "admin"][..], &["disable", GRACE], &["enable", GRACE], &["remove", GRACE], &["password", "x"]] {
            command(db, arguments).assert_says("There is no operator").assert_one_sentence();
        }
        command(db, &["add", "x"]).assert_says("Enter an email address");

        assert_eq!(db.rows(), before);
    }
}
