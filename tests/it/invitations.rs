//! Links by which people join.

use std::sync::Barrier;
use std::thread;

use keyfob::domain::account::membership::Role;

use crate::support::{
    Answer, App, Client, Database, EMAIL, PASSWORD, Process, keyfob, on_both_databases, operator_id, run,
};

const UNKNOWN: &str = "/invitations/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const GRACE: &str = "grace@example.com";
const WEEK_SECONDS: i64 = 7 * 24 * 3_600;

fn accept(client: &Client, link: &str, email: &str) -> Answer {
    client.post(link, &[("name", "Grace"), ("email", email), ("password", PASSWORD)])
}

/// The link lets nobody in, and looks like one that nobody ever made.
#[track_caller]
fn assert_ended(app: &App<'_>, link: &str) {
    let client = app.anonymous();
    let unknown = client.get(UNKNOWN).assert_status(404);
    assert!(unknown.page().text("main").contains("Ask whoever sent it for a new one."), "{}", unknown.body);
    for answer in [client.get(link), accept(&client, link, "late@example.com"), accept(&client, UNKNOWN, GRACE)] {
        assert_eq!((answer.status, &answer.body), (404, &unknown.body));
    }
}

fn members(db: &Database) -> Vec<String> {
    db.ask(
        "SELECT o.email || ' ' || m.role AS line FROM memberships AS m JOIN operators AS o ON o.id = m.operator_id \
         ORDER BY o.email, m.role",
    )
}

/// What is wrong with a field of the form that was sent.
#[track_caller]
fn wrong(answer: Answer, field: &str) -> String {
    answer.assert_status(422).page().text(&format!("#{field}-error"))
}

on_both_databases! {
    fn an_invitation_is_looked_at_as_often_as_somebody_likes_and_lets_one_person_in(db: &Database) {
        let app = db.app();
        let link = app.signed_in().invite("admin", "");
        let somebody = app.anonymous();
        let before = db.rows();

        for method in ["GET", "HEAD", "GET"] {
            assert_eq!(somebody.send(method, &link, None).assert_ok().header("set-cookie"), "");
        }
        let page = somebody.get(&link).page().text("main");
        assert!(["Ada invites you", "Admin: manages keys", "8 Mar 2026, 12:00 UTC"].iter().all(|part| page.contains(part)), "{page}");
        assert_eq!(db.rows(), before);

        accept(&somebody, &link, GRACE).assert_leads_to("/api-keys");

        assert_eq!(somebody.get("/people").assert_ok().page().toasts(), ["Welcome, Grace."]);
        assert_eq!(members(db), ["ada@example.com owner", "grace@example.com admin"]);
        app.anonymous().log_in(GRACE, PASSWORD);
        assert_ended(&app, &link);
        assert_eq!(db.count("operators"), 2);
    }

    fn the_link_is_shown_once_and_only_its_digest_is_kept(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let link = owner.invite("viewer", GRACE);
        let token = link.strip_prefix("/invitations/").unwrap();

        assert_eq!(token.len(), 43);
        assert!(db.holds(GRACE), "the search itself does not work");
        assert!(!db.holds(token));
        assert!(!owner.get("/people").body.contains(token));
        accept(&app.anonymous(), &link, GRACE).assert_status(303);
        assert!(!db.holds(token));
    }

    fn htmx_gets_the_link_in_place_of_the_form(db: &Database) {
        let app = db.app();
        let htmx = app.signed_in().htmx("form#invitation-form");

        let refused = htmx.post("/people/invitations", &[("role", "viewer"), ("email", "x")]).assert_status(422);
        let made = htmx.post("/people/invitations", &[("role", "viewer"), ("email", "")]).assert_ok();

        assert!(refused.page().has("form#invitation-form") && !refused.body.contains("<html"), "{}", refused.body);
        let link = made.page().text("#made-link");
        app.anonymous().get(link.strip_prefix(&app.url).unwrap()).assert_ok();
    }

    fn an_invitation_ends_after_a_week_or_when_it_is_withdrawn(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let (late, withdrawn) = (owner.invite("viewer", ""), owner.invite("viewer", GRACE));
        let rows = || owner.get("/people").page().texts("[aria-labelledby=open-invitations] tbody tr");
        assert!(rows()[0].contains("grace@example.com Viewer Invited by Ada"), "{:?}", rows());

        let withdrawal = owner.get("/people").page().attrs("form[action$=withdrawal]", "action").remove(0);
        owner.post(&withdrawal, &[]).assert_leads_to("/people");
        assert_eq!(owner.get("/people").page().toasts(), ["Success. Invitation withdrawn."]);
        owner.post(&withdrawal, &[]).assert_leads_to("/people");
        assert_eq!(owner.get("/people").page().toasts(), ["This invitation was not open any more."]);

        assert_ended(&app, &withdrawn);
        assert_eq!(rows().len(), 1);
        app.clock.advance(WEEK_SECONDS - 1);
        app.anonymous().get(&late).assert_ok();
        app.clock.advance(1);
        assert_ended(&app, &late);
        // What ended is removed when somebody else is invited.
        app.signed_in().invite("viewer", "");
        assert_eq!(db.count("invitations"), 1);
    }

    fn a_new_link_for_the_same_address_ends_the_one_before(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();

        let first = owner.invite("viewer", GRACE);
        let second = owner.invite("admin", " GRACE@Example.com\u{200b}");
        let other = owner.invite("viewer", "linus@example.com");

        assert_ended(&app, &first);
        [&second, &other].iter().for_each(|link| drop(app.anonymous().get(link).assert_ok()));
        accept(&app.anonymous(), &second, GRACE).assert_status(303);
        assert_eq!(members(db)[1], "grace@example.com admin");
    }

    fn an_invitation_by_email_is_for_this_address_however_it_is_written(db: &Database) {
        let app = db.app();
        let link = app.signed_in().invite("viewer", "Grace@Example.com ");
        let page = app.anonymous().get(&link).page();
        assert_eq!((page.field("email"), page.has("input[name=email][readonly]")), (GRACE.to_owned(), true));

        let said = wrong(accept(&app.anonymous(), &link, "eve@example.com"), "email");
        assert_eq!(said, "This invitation is for grace@example.com.");
        accept(&app.anonymous(), &link, "  GRACE@example.COM ").assert_status(303);

        assert_eq!(members(db), ["ada@example.com owner", "grace@example.com viewer"]);
    }

    fn somebody_who_is_in_is_not_invited_again(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let link = owner.invite("viewer", "");
        let before = db.rows();

        let form = [("role", "viewer"), ("email", " ADA@Example.com")];
        let answer = owner.post("/people/invitations", &form).assert_status(422);
        assert_eq!(answer.page().text("#invitation-email-error"), "ada@example.com is already in.");
        let said = wrong(accept(&app.anonymous(), &link, "Ada@example.com"), "email");
        assert_eq!(said, "Somebody with this address is already in. Log in instead.");
        let proof = owner.get(&link).page().field("proof");
        let said = owner.post(&link, &[("proof", &proof)]).assert_status(422).page().text(".alert");
        assert_eq!(said, "You are already in.");

        assert_eq!(db.rows(), before);
        accept(&app.anonymous(), &link, GRACE).assert_status(303);
    }

    fn what_is_typed_is_checked_and_kept_and_the_link_stays_open(db: &Database) {
        let app = db.app();
        let link = app.signed_in().invite("viewer", "");
        let somebody = app.anonymous();

        let answer = somebody.post(&link, &[("name", " "), ("email", "x<b>"), ("password", "short")]).assert_status(422);

        let page = answer.page();
        assert_eq!(page.texts(".field__error").len(), 3, "{}", answer.body);
        assert_eq!(page.field("email"), "x<b>");
        assert!(!answer.body.contains("short"));
        somebody.post(&link, &[]).assert_status(422);
        let grace = [("name", "Grace"), ("email", GRACE), ("password", "grace@example.com")];
        assert!(!wrong(somebody.post(&link, &grace), "password").is_empty());
        assert_eq!(db.count("operators"), 1);
        accept(&somebody, &link, GRACE).assert_status(303);
    }

    fn of_many_who_use_an_invitation_at_the_same_moment_one_joins(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let link = app.signed_in().invite("viewer", "");
        let start = Barrier::new(6);

        let statuses: Vec<u16> = thread::scope(|all| {
            let join = |n: usize| {
                let (client, link, start) = (Client::new(if n.is_multiple_of(2) { &app.url } else { &other.url }), &link, &start);
                all.spawn(move || {
                    start.wait();
                    accept(&client, link, &format!("grace{n}@example.com")).status
                })
            };
            let joining: Vec<_> = (0..6).map(join).collect();
            joining.into_iter().map(|one| one.join().unwrap()).collect()
        });

        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [303, 404].contains(status)), "{statuses:?}");
        assert_eq!((db.count("operators"), db.count("memberships")), (2, 2));
    }

    fn an_operator_of_another_account_joins_with_the_account_they_have(db: &Database) {
        let app = db.app();
        let (owner, eve) = (app.signed_in(), app.another_account());
        let link = owner.invite("viewer", "");
        let page = eve.get(&link).assert_ok().page();
        assert!(page.text("main").contains("You are logged in as Ada, eve@example.com"), "{}", page.text("main"));
        assert!(!page.has("input[name=password]"));

        // Without a session the address alone opens nothing of theirs.
        let said = wrong(accept(&app.anonymous(), &link, "eve@example.com"), "email");
        assert!(said.contains("Log in with it, then open this link again."), "{said}");
        eve.post(&link, &[("proof", &page.field("proof"))]).assert_leads_to("/api-keys");

        assert_eq!(members(db), ["ada@example.com owner", "eve@example.com owner", "eve@example.com viewer"]);
        assert_eq!(db.count("operators"), 2);
        assert_ended(&app, &link);
        // One membership in each account.
        let again = owner.invite("admin", "");
        let proof = eve.get(&again).page().field("proof");
        eve.post(&again, &[("proof", &proof)]).assert_status(422);
        assert_eq!(db.count("memberships"), 3);
    }

    fn an_invitation_for_one_is_of_no_use_to_another_who_is_logged_in(db: &Database) {
        let app = db.app();
        let (owner, eve) = (app.signed_in(), app.another_account());
        let link = owner.invite("viewer", GRACE);
        let proof = eve.get(&link).page().field("proof");

        let said = eve.post(&link, &[("proof", &proof)]).assert_status(422).page().text(".alert");

        assert_eq!(said, "This invitation is for grace@example.com.");
        assert_eq!(db.count("memberships"), 2);
        accept(&app.anonymous(), &link, GRACE).assert_status(303);
    }

    fn somebody_who_was_removed_comes_back_by_an_invitation_as_the_same_operator(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        grace.create_key("Project X");
        let id = operator_id(db, GRACE);
        owner.post(&format!("/people/{id}/status"), &[("status", "disabled")]).assert_status(303);
        owner.post(&format!("/people/{id}/removal"), &[]).assert_status(303);
        let link = owner.invite("viewer", GRACE);

        let somebody = app.anonymous();
        let form = [("name", "Grace H."), ("email", GRACE), ("password", "another battery of horses")];
        somebody.post(&link, &form).assert_leads_to("/api-keys");

        assert_eq!(operator_id(db, GRACE), id);
        somebody.get("/people").assert_ok();
        app.anonymous().post("/login", &[("email", GRACE), ("password", PASSWORD)]).assert_status(401);
        app.anonymous().log_in(GRACE, "another battery of horses");
        assert_eq!(members(db), ["ada@example.com owner", "grace@example.com viewer"]);
        assert_eq!(db.ask("SELECT name AS line FROM operators ORDER BY name"), ["Ada", "Grace H."]);
    }

    fn another_sites_page_lets_nobody_join(db: &Database) {
        let app = db.app();
        let (owner, eve) = (app.signed_in(), app.another_account());
        let link = owner.invite("viewer", "");
        let proof = eve.get(&link).page().field("proof");
        let of_ada = owner.get(&link).page().field("proof");
        let older = eve.without("sec-fetch-site");
        let before = db.count("memberships");

        for falsified in [
            eve.with("sec-fetch-site", "cross-site").with("origin", "https://evil.example"),
            eve.with("sec-fetch-site", "same-site"),
            older.with("origin", "https://evil.example"),
        ] {
            falsified.post(&link, &[("proof", &proof)]).assert_status(403);
        }
        // Where the browser says nothing of the page, the page has to know what only its own shows.
        for wrong in ["", "x", &of_ada, &"0".repeat(64)] {
            older.with("origin", "null").post(&link, &[("proof", wrong)]).assert_status(422);
        }
        assert_eq!(db.count("memberships"), before);

        older.with("origin", "null").post(&link, &[("proof", &proof)]).assert_leads_to("/api-keys");
    }

    fn no_page_of_an_invitation_is_stored_indexed_or_named_to_others(db: &Database) {
        let app = db.app();
        let link = app.signed_in().invite("viewer", "");
        let somebody = app.anonymous();

        for (what, answer) in [
            ("refused", somebody.with("sec-fetch-site", "cross-site").post(&link, &[]).assert_status(403)),
            ("wrong method", somebody.send("DELETE", &link, None).assert_status(405)),
            ("page", somebody.get(&link).assert_ok()),
            ("form again", somebody.post(&link, &[]).assert_status(422)),
            ("joined", accept(&somebody, &link, GRACE).assert_status(303)),
            ("ended", somebody.get(&link).assert_status(404)),
        ] {
            for (name, value) in
                [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex, nofollow")]
            {
                assert_eq!(answer.header(name), value, "{name} of {what}");
            }
        }
    }

    fn names_with_markup_are_shown_as_they_were_typed(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let name = "<img src=x onerror=alert(1)>\"'";
        owner.post("/settings/name", &[("name", name)]).assert_status(303);
        let link = owner.invite("viewer", "\"><img@example.com");

        for (client, path) in [(&app.anonymous(), &*link), (&owner, "/people")] {
            let page = client.get(path).assert_ok().page();
            assert!(page.text("main").contains(name) && !page.has("main img"), "{path}");
        }
        assert_eq!(app.anonymous().get(&link).page().field("email"), "\"><img@example.com");
    }
}

#[test]
fn the_tokens_of_links_to_people_are_never_logged_not_even_in_part() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut command = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]);
    let mut process = Process::spawn(command.env("KEYFOB_LOG", "trace"));
    let client = process.client();
    client.log_in(EMAIL, PASSWORD);
    let links = [client.invite("viewer", ""), client.password_link(&operator_id(&db, EMAIL))];
    let somebody = client.stranger();

    for link in &links {
        for path in [link.clone(), format!("{link}/"), format!("/{link}"), link.to_uppercase()] {
            somebody.get(&path);
            somebody.send("DELETE", &path, None);
            somebody.with("sec-fetch-site", "cross-site").post(&path, &[]);
        }
        somebody.with("referer", &format!("{}{link}", client.base())).get("/login");
    }
    accept(&somebody, &links[0], GRACE).assert_status(303);
    somebody.post(&links[1], &[("new_password", "a battery of correct horses")]).assert_ok();
    process.signal("TERM");
    let log = process.end().stderr;

    for (link, route) in links.iter().zip(["/invitations/{token}", "/passwords/{token}"]) {
        assert!(log.contains(route), "requests are not logged: {log}");
        let token = link.rsplit('/').next().unwrap();
        for part in token.as_bytes().windows(8) {
            let part = std::str::from_utf8(part).unwrap();
            let found = log.lines().find(|line| line.to_lowercase().contains(&part.to_lowercase()));
            assert_eq!(found, None, "{part} was logged");
        }
    }
}
