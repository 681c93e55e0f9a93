//! Who is in: roles, disabling and removal, and what of theirs ends.

use std::thread;

use diesel::connection::SimpleConnection as _;
use keyfob::domain::account::membership::Role;

use crate::support::{App, Client, Database, EMAIL, PASSWORD, Phone, UNKNOWN_OPERATOR, on_both_databases, operator_id};

const GRACE: &str = "grace@example.com";
const LAST_OWNER: &str = "is the last owner who can log in. Make somebody else an owner first.";

fn roles(db: &Database) -> Vec<String> {
    db.ask(
        "SELECT o.email || ' ' || m.role AS line FROM memberships AS m JOIN operators AS o ON o.id = m.operator_id \
         ORDER BY o.email",
    )
}

fn path(db: &Database, email: &str, action: &str) -> String {
    format!("/people/{}/{action}", operator_id(db, email))
}

/// What a refused form says above itself.
#[track_caller]
fn alert(client: &Client, path: &str, fields: &[(&str, &str)]) -> String {
    client.post(path, fields).assert_status(422).page().text("main .alert")
}

fn people(client: &Client) -> Vec<String> {
    client.get("/people").assert_ok().page().texts(".people[aria-label=People] .person")
}

on_both_databases! {
    fn everybody_sees_who_is_in_and_when_they_were_last_seen(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let viewer = app.colleague(Role::Viewer, GRACE);
        app.clock.advance(180);
        owner.get("/settings").assert_ok();
        app.clock.advance(60);

        let seen = people(&viewer);

        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen.contains(&"Ada ada@example.com Owner Second factor off Last seen 1 minute ago".to_owned()), "{seen:?}");
        assert!(seen.contains(&"Ada You grace@example.com Viewer Second factor off Last seen just now".to_owned()), "{seen:?}");
        let page = viewer.get(&format!("/people/{}", operator_id(db, EMAIL))).assert_ok().page();
        assert!(page.text("main").contains("Owner: does everything"), "{}", page.text("main"));
        assert!(page.has(&format!("a[href='/audit?actor={}']", operator_id(db, EMAIL))));
    }

    fn a_role_is_changed_and_holds_from_the_next_request_on(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Viewer, GRACE));
        let invite = "/people/invitations/new";
        grace.get(invite).assert_status(403);

        owner.post(&path(db, GRACE, "role"), &[("role", "admin")]).assert_status(303);

        grace.get(invite).assert_ok();
        assert_eq!(roles(db), ["ada@example.com owner", "grace@example.com admin"]);
        assert_eq!(owner.get("/people").page().toasts(), ["Success. Ada is Admin now."]);
    }

    fn an_open_form_of_somebody_who_was_demoted_is_refused(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        grace.get("/people/invitations/new").assert_ok();
        let link = grace.invite("admin", "");

        owner.post(&path(db, GRACE, "role"), &[("role", "viewer")]).assert_status(303);

        grace.post("/people/invitations", &[("role", "viewer"), ("email", "")]).assert_status(403);
        grace.post("/api-keys", &[("key_id", "x"), ("service", "sms"), ("name", "Y")]);
        // Nor do the links let anybody in that they made when they still might.
        app.anonymous().get(&link).assert_status(404);
        assert_eq!(db.count("invitations"), 0);
    }

    fn who_may_not_manage_people_gets_403_and_is_offered_nothing(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let others = [app.colleague(Role::Admin, GRACE), app.colleague(Role::Viewer, "linus@example.com")];
        owner.invite("owner", "");
        let invitation = db.ask("SELECT id AS line FROM invitations").remove(0);
        let page = format!("/people/{}", operator_id(db, EMAIL));
        let before = db.rows();

        for other in &others {
            for action in ["role", "status", "removal", "password-link", "second-factor"] {
                other.get(&format!("{page}/{action}")).assert_status(403);
                other.post(&format!("{page}/{action}"), &[("role", "viewer"), ("status", "disabled")]).assert_status(403);
            }
            other.post("/people/invitations", &[("role", "owner"), ("email", "")]).assert_status(403);
            other.post(&format!("/people/invitations/{invitation}/withdrawal"), &[]).assert_status(403);
            let shown = other.get(&page).assert_ok().page();
            assert!(!shown.has("main a[href$='/role'], main a[href$='/removal']"));
            assert!(!other.get("/people").page().has("form[action$=withdrawal]"));
        }

        assert_eq!(db.rows(), before);
        assert!(owner.get(&format!("/people/{}", operator_id(db, GRACE))).page().has("main a[href$='/removal']"));
    }

    fn people_are_changed_only_after_a_login_of_the_last_minutes(db: &Database) {
        let app = db.app();
        app.colleague(Role::Viewer, GRACE);
        let owner = app.signed_in();
        let before = db.ask("SELECT role || '|' || operator_id AS line FROM memberships ORDER BY 1");
        app.clock.advance(10 * 60);

        for action in ["role", "status", "removal", "password-link", "second-factor"] {
            let path = path(db, GRACE, action);
            owner.get(&path).assert_leads_to(&format!("/login/confirmation?next={path}"));
            let sent = owner.post(&path, &[("role", "admin"), ("status", "disabled")]).assert_status(303);
            assert!(sent.location().starts_with("/login/confirmation"), "{}", sent.location());
        }
        owner.get("/people/invitations/new").assert_leads_to("/login/confirmation?next=/people/invitations/new");
        let asked = owner.post("/people/invitations", &[("role", "viewer"), ("email", GRACE)]).assert_status(403).page();
        assert!(asked.has("input[type=password]") && asked.field("draft").contains("grace"), "what was typed is kept");

        assert_eq!(db.ask("SELECT role || '|' || operator_id AS line FROM memberships ORDER BY 1"), before);
        assert_eq!(db.count("invitations") + db.count("password_links"), 0);
        owner.get("/people").assert_ok();
    }

    fn the_last_owner_who_can_log_in_is_never_lost(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        // Owners in name, who can't log in.
        app.colleague(Role::Owner, "disabled@example.com");
        app.colleague(Role::Owner, "no-password@example.com");
        app.colleague(Role::Admin, GRACE);
        db.execute("UPDATE operators SET disabled_at = 1 WHERE email = 'disabled@example.com'");
        let id = operator_id(db, "no-password@example.com");
        db.execute(&format!("DELETE FROM operator_passwords WHERE operator_id = '{id}'"));
        let ada = operator_id(db, EMAIL);
        let before = db.rows();
        let as_keyfob = |work: fn(&mut keyfob::store::Tx<'_>, &_, &_) -> keyfob::error::Result<()>| {
            let id: keyfob::domain::identity::operator::OperatorId = ada.parse().unwrap();
            let mut conn = db.conn();
            let account = keyfob::domain::account::first(&mut conn).unwrap();
            let change = |tx: &mut keyfob::store::Tx<'_>| work(tx, &account, &id);
            let done = keyfob::store::Tx::run(&mut conn, keyfob::store::Actor::system(), app.clock.now(), change);
            format!("{:?}", done.err())
        };
        use keyfob::domain::identity::operator;

        for refused in [
            as_keyfob(|tx, account, id| operator::change_role(tx, account, id, Role::Admin).map(drop)),
            as_keyfob(|tx, account, id| operator::disable(tx, account, id).map(drop)),
            as_keyfob(|tx, account, id| operator::remove(tx, account, id).map(drop)),
        ] {
            assert!(refused.contains(LAST_OWNER), "{refused}");
        }

        assert_eq!(db.rows(), before);
        // With another one they are as free to go as anybody.
        owner.post(&path(db, GRACE, "role"), &[("role", "owner")]).assert_status(303);
        assert_eq!(as_keyfob(|tx, account, id| operator::change_role(tx, account, id, Role::Admin).map(drop)), "None");
    }

    fn of_two_owners_who_demote_each_other_at_the_same_moment_one_stays(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let (ada, grace) = (app.signed_in(), app.colleague(Role::Owner, GRACE).at(&other.url));
        let (of_ada, of_grace) = (path(db, EMAIL, "role"), path(db, GRACE, "role"));
        let mut conn = db.conn();
        // Lets both come as far as the change itself, if nothing stops them before.
        conn.batch_execute(if db.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; UPDATE memberships SET role = role" }).unwrap();

        let statuses = thread::scope(|all| {
            let demote = |client: Client, path: String| all.spawn(move || client.post(&path, &[("role", "viewer")]).status);
            let both = [demote(ada, of_grace), demote(grace, of_ada)];
            let waiting = "SELECT pid::text AS line FROM pg_stat_activity \
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while !db.is_sqlite() && !both.iter().any(|one| one.is_finished()) && db.ask(waiting).len() < 2 {
                thread::yield_now();
            }
            conn.batch_execute("COMMIT").unwrap();
            both.map(|one| one.join().unwrap())
        });

        let owners = roles(db).iter().filter(|role| role.ends_with(" owner")).count();
        assert_eq!(owners, 1, "{statuses:?}: {:?}", roles(db));
        // Whoever came second is no owner any more.
        assert!(statuses == [303, 403] || statuses == [403, 303], "{statuses:?}");
    }

    fn nobody_demotes_disables_or_removes_themselves(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Owner, GRACE);
        let before = roles(db);

        for (action, fields) in [("role", [("role", "viewer")]), ("status", [("status", "disabled")]), ("removal", [("x", "")])] {
            let said = alert(&owner, &path(db, EMAIL, action), &fields);
            assert!(said.contains("Ask another owner."), "{said}");
        }

        assert_eq!(roles(db), before);
        owner.get("/settings").assert_ok();
        let page = owner.get(&format!("/people/{}", operator_id(db, EMAIL))).page();
        assert!(!page.has("main a[href$='/role'], main a[href$='/removal'], main a[href$='/status']"));
    }

    fn a_role_that_does_not_exist_is_refused(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Viewer, GRACE);
        let before = roles(db);

        for role in ["root", "", "OWNER", "owner "] {
            assert_eq!(alert(&owner, &path(db, GRACE, "role"), &[("role", role)]), "Choose a role.");
            let answer = owner.post("/people/invitations", &[("role", role), ("email", "")]).assert_status(422);
            assert_eq!(answer.page().text("main .alert"), "Choose a role.");
        }
        owner.post(&path(db, GRACE, "status"), &[("status", "gone")]).assert_status(400);

        assert_eq!(roles(db), before);
        assert_eq!(db.count("invitations"), 0);
    }

    fn who_is_disabled_is_out_at_once_and_comes_back_as_they_were(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        let status = path(db, GRACE, "status");

        owner.post(&status, &[("status", "disabled")]).assert_status(303);

        grace.get("/settings").assert_leads_to("/login?next=/settings");
        app.anonymous().post("/login", &[("email", GRACE), ("password", PASSWORD)]).assert_status(401);
        assert!(people(&owner).iter().any(|row| row.contains("Disabled grace@example.com Admin")), "{:?}", people(&owner));
        assert!(owner.get(&status).page().text("main").contains("Enable Ada?"));

        owner.post(&status, &[("status", "enabled")]).assert_status(303);

        app.anonymous().log_in(GRACE, PASSWORD);
        // The session from before stays ended.
        grace.get("/settings").assert_leads_to("/login?next=/settings");
    }

    fn what_somebody_made_to_let_others_in_ends_with_their_access(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        for (action, fields) in [("status", [("status", "disabled")]), ("removal", [("x", "")])] {
            let email = format!("{action}@example.com");
            let (other, viewer) = (app.colleague(Role::Owner, &email), format!("viewer-{action}@example.com"));
            app.colleague(Role::Viewer, &viewer);
            let key = other.create_key("Project X");
            let links = [
                other.hand_over(&key),
                other.invite("owner", ""),
                other.password_link(&operator_id(db, &viewer)),
                owner.password_link(&operator_id(db, &email)),
            ];
            let own = [owner.hand_over(&owner.create_key("Project Y")), owner.invite("viewer", "")];

            owner.post(&path(db, &email, action), &fields).assert_status(303);

            for link in &links {
                app.anonymous().get(link).assert_status(404);
            }
            for link in &own {
                app.anonymous().get(link).assert_ok();
            }
            app.assert_verdict(&key.secret, "VALID");
        }
    }

    fn an_owner_resets_the_second_factor_of_somebody_who_lost_it_and_nobody_else_does(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        let phone = Phone::set_up(&grace);
        grace.post("/settings/second-factor/activation", &[("code", &phone.code(&app))]).assert_ok();
        let reset = path(db, GRACE, "second-factor");
        let factors = || owner.get("/people").assert_ok().page().texts(".person__factor");
        assert_eq!(factors(), ["Second factor off", "Second factor on"]);

        app.colleague(Role::Admin, "joan@example.com").post(&reset, &[]).assert_status(403);
        app.another_account().post(&reset, &[]).assert_status(404);
        assert!(alert(&owner, &path(db, EMAIL, "second-factor"), &[]).contains("turn off your own second factor"));
        app.anonymous().post("/login", &[("email", GRACE), ("password", PASSWORD)]).assert_leads_to("/login/second-factor");

        owner.post(&reset, &[]).assert_leads_to(&reset[..reset.len() - "/second-factor".len()]);
        grace.get("/settings").assert_leads_to("/login?next=/settings");
        app.anonymous().post("/login", &[("email", GRACE), ("password", PASSWORD)]).assert_leads_to("/api-keys");
        assert_eq!(factors(), ["Second factor off"; 3]);
        owner.post(&reset, &[]).assert_status(303);
        let events = db.ask("SELECT actor_name AS line FROM audit_events WHERE action = 'operator.second_factor_reset'");
        assert_eq!(events.len(), 1, "the second time there was none");
    }

    fn of_a_removed_person_no_second_factor_is_left_though_their_name_is(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        let phone = Phone::set_up(&grace);
        grace.post("/settings/second-factor/activation", &[("code", &phone.code(&app))]).assert_ok();
        grace.create_key("Project X");

        owner.post(&path(db, GRACE, "removal"), &[]).assert_status(303);

        assert_eq!(db.count("operators"), 2);
        assert_eq!((db.count("second_factors"), db.count("recovery_codes"), db.count("login_notices")), (0, 0, 0));
    }

    fn a_removed_person_is_gone_and_their_name_stays_with_their_keys(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        app.colleague(Role::Viewer, "linus@example.com");
        let key = grace.create_key("Project X");
        let removal = path(db, GRACE, "removal");
        let linus = path(db, "linus@example.com", "removal");
        assert!(owner.get(&removal).page().text("main").contains("Remove Ada?"));

        owner.post(&removal, &[]).assert_leads_to(&removal);
        owner.post(&linus, &[]).assert_leads_to(&linus);

        grace.get("/settings").assert_leads_to("/login?next=/settings");
        app.anonymous().post("/login", &[("email", GRACE), ("password", PASSWORD)]).assert_status(401);
        assert_eq!(roles(db), ["ada@example.com owner"]);
        assert_eq!(db.count("operator_passwords"), 1);
        assert_eq!(db.ask("SELECT email AS line FROM operators ORDER BY email"), [EMAIL, GRACE]);
        assert_eq!(owner.get(&linus).page().toasts(), ["Success. Ada removed."]);
        let page = owner.get(&format!("/api-keys/{}", key.id)).page().text("main");
        assert!(page.contains("by Ada"), "{page}");
        owner.get(&removal.replace("/removal", "")).assert_status(404);
        // The same again leads to the same.
        owner.post(&removal, &[]).assert_leads_to(&removal);
        assert_eq!(owner.get(&removal).page().toasts(), ["Ada was already removed."]);
    }

    fn after_a_removal_the_keys_are_listed_that_the_person_has_seen_until_each_is_rotated(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        let rotate = |client: &Client, id: &str, grace: &str| {
            let secret_id = client.get(&format!("/api-keys/{id}/rotation")).page().field("secret_id");
            app.clock.advance(1);
            client.post(&format!("/api-keys/{id}/rotation"), &[("secret_id", &*secret_id), ("grace", grace)]);
        };
        let created = grace.create_key("Created");
        let (rotated, shown, own) = (owner.create_key("Rotated"), owner.create_key("Shown"), owner.create_key("Own"));
        rotate(&grace, &rotated.id, "0");
        grace.hand_over(&shown);
        let off = grace.create_key("Off");
        owner.switch(&off, "disabled");
        let since = grace.create_key("Since rotated");
        rotate(&owner, &since.id, "0");
        let removal = path(db, GRACE, "removal");
        let listed = || owner.get(&removal).assert_ok().page().texts(".known-key__name");

        owner.post(&removal, &[]).assert_status(303);

        assert_eq!(listed().len(), 3, "{:?}", listed());
        assert!(["Created", "Rotated", "Shown"].iter().all(|name| listed().contains(&(*name).to_owned())), "{:?}", listed());
        let page = owner.get(&removal).page();
        assert!(page.has(&format!(".known-key a[href='/api-keys/{}/rotation']", created.id)));
        assert!(!page.text("main").contains(&own.id));
        rotate(&owner, &created.id, "86400");
        let row = owner.get(&removal).page().texts(".known-key").remove(1);
        assert!(owner.get(&removal).page().text("main").contains("rotated; the old secret works until"), "{row}");
        owner.post(&format!("/api-keys/{}/rotation/end", created.id), &[]).assert_status(303);
        assert!(!listed().contains(&"Created".to_owned()), "{:?}", listed());
    }

    fn the_same_list_is_on_the_page_of_somebody_who_is_disabled(db: &Database) {
        let app = db.app();
        let (owner, grace) = (app.signed_in(), app.colleague(Role::Admin, GRACE));
        let key = grace.create_key("Project X");

        let page = owner.post(&path(db, GRACE, "status"), &[("status", "disabled")]).assert_status(303).location().to_owned();

        let shown = owner.get(&page).assert_ok().page();
        assert_eq!(shown.texts(".known-key__name"), ["Project X"]);
        assert!(shown.has(&format!(".known-key a[href='/api-keys/{}/rotation']", key.id)));
        assert!(!shown.has("details .known-key"), "the list is folded away");
    }

    fn other_accounts_people_and_invitations_are_not_there(db: &Database) {
        let app = db.app();
        let (owner, eve) = (app.signed_in(), app.another_account());
        app.colleague(Role::Viewer, GRACE);
        owner.invite("viewer", "linus@example.com");
        let invitation = db.ask("SELECT id AS line FROM invitations").remove(0);
        let before = db.rows();

        for id in [operator_id(db, GRACE), UNKNOWN_OPERATOR.to_owned(), "x".to_owned()] {
            eve.get(&format!("/people/{id}")).assert_status(404);
            for action in ["role", "status", "removal", "password-link", "second-factor"] {
                eve.get(&format!("/people/{id}/{action}")).assert_status(404);
                eve.post(&format!("/people/{id}/{action}"), &[("role", "admin"), ("status", "disabled")]).assert_status(404);
            }
        }
        eve.post(&format!("/people/invitations/{invitation}/withdrawal"), &[]).assert_status(404);

        assert_eq!(db.rows(), before);
        let shown = eve.get("/people").page().text("main");
        assert!(shown.contains("eve@example.com") && !shown.contains("grace") && !shown.contains("linus"), "{shown}");
        assert!(!people(&owner).concat().contains("eve@"), "{:?}", people(&owner));
    }

    fn an_owner_of_another_account_gets_no_power_over_somebody_who_joins_it_too(db: &Database) {
        let app = db.app();
        let (owner, eve) = (app.signed_in(), app.another_account());
        let grace = app.colleague(Role::Owner, GRACE);
        let link = eve.invite("viewer", "");
        let proof = grace.get(&link).page().field("proof");
        grace.post(&link, &[("proof", &proof)]).assert_status(303);

        for (action, fields) in [("status", [("status", "disabled")]), ("password-link", [("x", "")])] {
            let said = alert(&eve, &path(db, GRACE, action), &fields);
            assert!(said.contains("also works for another account"), "{said}");
        }
        eve.post(&path(db, GRACE, "removal"), &[]).assert_status(303);

        assert_eq!(db.count("password_links"), 0);
        // They only left the other account.
        app.anonymous().log_in(GRACE, PASSWORD);
        assert!(people(&owner).concat().contains(GRACE));
        assert!(!people(&eve).concat().contains(GRACE));
    }

    fn names_with_markup_are_shown_as_they_were_typed(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        app.colleague(Role::Admin, GRACE);
        let name = "<img src=x onerror=alert(1)>\"'&amp;";
        let id = operator_id(db, GRACE);
        db.execute(&format!("UPDATE operators SET name = '{}' WHERE id = '{id}'", name.replace('\'', "''")));

        for path in ["", "/role", "/status", "/removal", "/password-link"] {
            let page = owner.get(&format!("/people/{id}{path}")).assert_ok().page();
            assert!(!page.has("main img"), "{path}");
            assert!(page.text("h1").contains(name), "{path}: {}", page.text("h1"));
        }
        assert!(people(&owner).concat().contains(name));
        owner.post(&format!("/people/{id}/removal"), &[]).assert_status(303);
        let page = owner.get(&format!("/people/{id}/removal")).page();
        assert!(page.text("h1").contains(name) && !page.has("main img"));
    }

    fn whoever_is_not_logged_in_comes_back_to_the_question(db: &Database) {
        let app: App = db.app();
        app.colleague(Role::Viewer, GRACE);
        let nobody = app.anonymous();

        for action in ["role", "status", "removal", "password-link", "second-factor"] {
            let path = path(db, GRACE, action);
            nobody.post(&path, &[("role", "admin"), ("status", "disabled")]).assert_leads_to(&format!("/login?next={path}"));
        }
        let login = nobody.post("/people/invitations", &[("role", "admin"), ("email", "a@b.example")]).assert_status(401);
        assert_eq!(login.page().field("next"), "/people/invitations/new");
        nobody.get("/people").assert_leads_to("/login?next=/people");
    }
}
