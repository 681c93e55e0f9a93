//! Links by which somebody sets a new password.

use std::sync::Barrier;
use std::thread;

use keyfob::domain::account::membership::Role;

use crate::support::{App, Client, PASSWORD, on_both_databases, operator_id};

const UNKNOWN: &str = "/passwords/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const GRACE: &str = "grace@example.com";
const NEW_PASSWORD: &str = "a battery of correct horses";
const DAY_SECONDS: i64 = 24 * 3_600;

fn set(client: &Client, link: &str) -> u16 {
    client.post(link, &[("new_password", NEW_PASSWORD)]).status
}

#[track_caller]
fn assert_ended(app: &App<'_>, link: &str) {
    let client = app.anonymous();
    let unknown = client.get(UNKNOWN).assert_status(404);
    assert!(unknown.page().text("main").contains("Ask whoever sent it for a new one."), "{}", unknown.body);
    let form = [("new_password", NEW_PASSWORD)];
    for answer in [client.get(link), client.post(link, &form), client.post(UNKNOWN, &form)] {
        assert_eq!((answer.status, &answer.body), (404, &unknown.body));
    }
}

on_both_databases! {
    fn a_password_that_is_changed_otherwise_ends_the_link(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Viewer, GRACE));
        let link = owner.password_link(&operator_id(db, GRACE));
        app.anonymous().get(&link).assert_ok();

        let form = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
        grace.post("/settings/password", &form).assert_leads_to("/settings");

        assert_ended(&app, &link);
        app.anonymous().log_in(GRACE, NEW_PASSWORD);
    }

    fn a_link_sets_a_password_once_and_ends_all_sessions_and_looking_changes_nothing(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Viewer, GRACE));
        let link = owner.password_link(&operator_id(db, GRACE));
        let somebody = app.anonymous();
        let before = db.rows();

        for method in ["GET", "HEAD", "GET"] {
            assert_eq!(somebody.send(method, &link, None).assert_ok().header("set-cookie"), "");
        }
        assert!(somebody.get(&link).page().text("main").contains("For Ada, grace@example.com."));
        assert_eq!(db.rows(), before);
        grace.get("/settings").assert_ok();

        let done = somebody.post(&link, &[("new_password", NEW_PASSWORD)]).assert_ok();

        assert!(done.page().text("main").contains("Log in with your new password."), "{}", done.body);
        // Nobody is logged in by a link alone.
        assert_eq!(done.header("set-cookie"), "");
        grace.get("/settings").assert_leads_to("/login?next=/settings");
        app.anonymous().post("/login", &[("email", GRACE), ("password", PASSWORD)]).assert_status(401);
        app.anonymous().log_in(GRACE, NEW_PASSWORD);
        owner.get("/settings").assert_ok();
        assert_ended(&app, &link);
        let event = db.ask(
            "SELECT actor_kind || '|' || actor_name || '|' || target_name AS line FROM audit_events \
             WHERE action = 'operator.password_changed' AND account_id IS NOT NULL",
        );
        assert_eq!(event, ["system|Whoever had the link|Ada"]);
    }

    fn the_old_password_works_until_the_link_is_used_and_the_link_for_a_day(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Viewer, GRACE);
        let link = owner.password_link(&operator_id(db, GRACE));
        assert!(!db.holds(link.strip_prefix("/passwords/").unwrap()));

        app.clock.advance(DAY_SECONDS - 1);
        app.anonymous().get(&link).assert_ok();
        app.anonymous().log_in(GRACE, PASSWORD);
        app.clock.advance(1);

        assert_ended(&app, &link);
    }

    fn a_new_link_ends_the_one_before(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Viewer, GRACE);
        let id = operator_id(db, GRACE);

        let (first, second) = (owner.password_link(&id), owner.password_link(&id));

        assert_ended(&app, &first);
        assert_eq!(set(&app.anonymous(), &second), 200);
        assert_eq!(db.count("password_links"), 1);
    }

    fn a_weak_password_is_refused_and_the_link_stays_open(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Viewer, GRACE);
        let link = owner.password_link(&operator_id(db, GRACE));

        for weak in ["short", "", "grace@example.com"] {
            let answer = app.anonymous().post(&link, &[("new_password", weak)]).assert_status(422);
            assert!(!answer.page().text("#new-password-error").is_empty(), "{weak}");
        }

        app.anonymous().log_in(GRACE, PASSWORD);
        assert_eq!(set(&app.anonymous(), &link), 200);
    }

    fn of_many_who_use_a_link_at_the_same_moment_one_sets_the_password(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let owner = app.signed_in();
        app.colleague(Role::Viewer, GRACE);
        let link = owner.password_link(&operator_id(db, GRACE));
        let start = Barrier::new(4);

        let statuses: Vec<u16> = thread::scope(|all| {
            let open = |n: usize| {
                let (client, link, start) = (Client::new(if n.is_multiple_of(2) { &app.url } else { &other.url }), &link, &start);
                all.spawn(move || {
                    start.wait();
                    set(&client, link)
                })
            };
            let opening: Vec<_> = (0..4).map(open).collect();
            opening.into_iter().map(|one| one.join().unwrap()).collect()
        });

        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 404].contains(status)), "{statuses:?}");
    }

    fn somebody_who_is_disabled_gets_no_link_and_uses_none(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Viewer, GRACE);
        let id = operator_id(db, GRACE);
        let link = owner.password_link(&id);

        owner.post(&format!("/people/{id}/status"), &[("status", "disabled")]).assert_status(303);

        assert_ended(&app, &link);
        let refused = owner.post(&format!("/people/{id}/password-link"), &[]).assert_status(422);
        assert!(refused.page().text("main .alert").contains("Enable them first."), "{}", refused.body);
        assert_eq!(db.count("password_links"), 0);
    }

    fn another_sites_page_sets_no_password_and_no_page_is_stored_or_named_to_others(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Viewer, GRACE);
        let link = owner.password_link(&operator_id(db, GRACE));
        let somebody = app.anonymous();

        for falsified in [
            somebody.with("sec-fetch-site", "cross-site").with("origin", "https://evil.example"),
            somebody.without("sec-fetch-site").with("origin", "https://evil.example"),
        ] {
            assert_eq!(set(&falsified, &link), 403);
        }
        let own = somebody.without("sec-fetch-site").with("origin", "null");
        for answer in [own.get(&link), own.post(&link, &[("new_password", NEW_PASSWORD)]), own.get(&link)] {
            for (name, value) in
                [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex, nofollow")]
            {
                assert_eq!(answer.header(name), value, "{name} of {}", answer.status);
            }
        }
        app.anonymous().log_in(GRACE, NEW_PASSWORD);
    }
}
