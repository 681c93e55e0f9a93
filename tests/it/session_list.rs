//! One's own sessions in a list, their end, and notices of a login from a new address.

use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::domain::account::membership::Role;
use keyfob::http::client_address::TrustedProxies;

use crate::support::{App, Client, Database, EMAIL, PASSWORD, Page, Phone, on_both_databases};

const LIST: &str = "/settings/sessions";
const END_OTHERS: &str = "/settings/sessions/end-others";
const LOGIN: &str = "/login?next=/settings";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";
const HOME: &str = "198.51.100.7";
const NEW: &str = "203.0.113.9";
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// A browser that says it is at this address.
fn at(app: &App, address: &str) -> Client {
    app.anonymous().with("x-forwarded-for", address).with("user-agent", FIREFOX)
}

/// The operator, logged in there.
#[track_caller]
fn logged_in_at(app: &App, address: &str) -> Client {
    let client = at(app, address);
    client.log_in(EMAIL, PASSWORD);
    client
}

/// The forms that end one session each, from the top.
fn ends(client: &Client) -> Vec<String> {
    client.get(LIST).assert_ok().page().attrs(".session form", "action")
}

/// What the next page tells of logins.
fn notices(client: &Client) -> Vec<String> {
    client.get("/api-keys").assert_ok().page().texts(".login-notice")
}

fn session_events(db: &Database) -> Vec<String> {
    db.ask("SELECT action || ' ' || changes AS line FROM audit_events WHERE action LIKE 'session.%' ORDER BY id")
}

fn columns(page: &Page) -> Vec<String> {
    let names = ["program > bdi", "address", "since", "seen"];
    names.iter().map(|name| page.texts(&format!(".session__{name}")).join(" | ")).collect()
}

on_both_databases! {
    fn ones_own_sessions_are_listed_with_program_address_and_times(db: &Database) {
        let app = App::start_trusting(db);
        let own = logged_in_at(&app, HOME);
        app.clock.advance(HOUR);
        let other = app.anonymous().with("x-forwarded-for", NEW).with("user-agent", "<b>curl</b>/8");
        other.log_in(EMAIL, PASSWORD);
        app.colleague(Role::Owner, "grace@example.com");
        app.clock.advance(3 * MINUTE);

        let page = own.get(LIST).assert_ok().page();

        assert_eq!(columns(&page), [
            "Firefox on Linux | <b>curl</b>/8",
            &format!("{HOME} | {NEW}"),
            "Since 1 Mar 2026, 12:00 UTC | Since 1 Mar 2026, 13:00 UTC",
            "Last seen just now | Last seen 3 minutes ago",
        ]);
        assert_eq!((page.texts(".session__own"), page.texts(".session details bdi")), (vec!["this session".to_owned()], vec![FIREFOX.to_owned()]));
        assert_eq!(page.attrs(".session form", "action").len(), 1, "one's own session is ended by logging out");
    }

    fn the_ids_on_the_page_are_neither_secrets_nor_what_the_database_holds(db: &Database) {
        let app = db.app();
        let (own, _other) = (app.signed_in(), app.signed_in());

        let path = ends(&own).pop().unwrap();

        let id = path.trim_start_matches("/settings/sessions/").trim_end_matches("/end");
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let digests = db.ask(if db.is_sqlite() { "SELECT lower(hex(digest)) AS line FROM sessions" } else { "SELECT encode(digest, 'hex') AS line FROM sessions" });
        assert!(digests.len() == 2 && digests.iter().all(|digest| !digest.contains(id)), "{digests:?}");
    }

    fn a_session_from_before_this_was_kept_is_listed_too(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        db.execute(r#"UPDATE sessions SET state = REPLACE(state, '"login"', '"another"')"#);

        let page = client.get(LIST).assert_ok().page();

        assert_eq!(columns(&page)[..2], ["Unknown program", "unknown"]);
    }

    fn a_session_that_was_ended_is_nobody_from_the_next_request_on_on_every_instance(db: &Database) {
        let app = db.app();
        let other_instance = app.another_instance();
        let (own, other, third) = (app.signed_in(), app.signed_in(), app.signed_in());
        let stolen = other.at(&other_instance.url);
        stolen.get("/settings").assert_ok();

        for path in ends(&own) {
            own.post(&path, &[]).assert_leads_to(LIST);
        }

        assert_eq!(own.get(LIST).page().toasts(), ["Success. Session ended."]);
        for ended in [other, stolen, third] {
            ended.get("/settings").assert_leads_to(LOGIN);
            ended.post("/settings/name", &[("name", "Eve")]).assert_status(401);
        }
        own.at(&other_instance.url).get("/settings").assert_ok();
        assert_eq!(ends(&own), [""; 0]);
        assert_eq!(session_events(db), [r#"session.ended {"session_from":["127.0.0.1",null]}"#; 2]);
    }

    fn a_session_that_has_ended_can_not_be_ended_again(db: &Database) {
        let app = db.app();
        let (own, _other) = (app.signed_in(), app.signed_in());
        let path = ends(&own).pop().unwrap();
        own.post(&path, &[]).assert_status(303);

        own.post(&path, &[]).assert_status(404);
        own.post("/settings/sessions/00000000000000000000000000000000/end", &[]).assert_status(404);

        assert_eq!(session_events(db).len(), 1);
    }

    fn nobody_ends_a_session_of_somebody_else(db: &Database) {
        let app = db.app();
        let (own, _other) = (app.signed_in(), app.signed_in());
        let colleague = app.colleague(Role::Owner, "grace@example.com");
        let stranger = app.another_account();
        let path = ends(&own).pop().unwrap();

        for client in [&colleague, &stranger] {
            client.post(&path, &[]).assert_status(404);
            client.post(END_OTHERS, &[]).assert_leads_to(LIST);
        }
        app.anonymous().post(&path, &[]).assert_status(303);

        assert_eq!(ends(&own), [path]);
        assert_eq!(session_events(db), [""; 0]);
    }

    fn all_other_sessions_end_at_once_with_one_event(db: &Database) {
        let app = db.app();
        let (own, others) = (app.signed_in(), [app.signed_in(), app.signed_in()]);
        let colleague = app.colleague(Role::Viewer, "grace@example.com");

        own.post(END_OTHERS, &[]).assert_leads_to(LIST);
        let page = own.get(LIST).assert_ok().page();
        own.post(END_OTHERS, &[]).assert_leads_to(LIST);

        assert_eq!(page.toasts(), ["Success. 2 sessions ended."]);
        assert_eq!(own.get(LIST).page().toasts(), ["There is no other session."]);
        for other in others {
            other.get("/settings").assert_leads_to(LOGIN);
        }
        colleague.get("/settings").assert_ok();
        assert_eq!(session_events(db), [r#"session.others_ended {"other_sessions":[2,0]}"#]);
    }

    fn a_login_from_a_new_address_is_told_once_to_a_session_elsewhere(db: &Database) {
        let app = App::start_trusting(db);
        let home = logged_in_at(&app, HOME);
        assert_eq!(notices(&home), [""; 0], "the very first login has nothing to compare with");
        app.clock.advance(HOUR);
        let new = logged_in_at(&app, NEW);
        app.clock.advance(3 * MINUTE);

        // What shows no page tells nobody.
        home.htmx("a").get("/api-keys/new").assert_ok();
        home.send("HEAD", "/api-keys", None).assert_ok();
        let told = notices(&home);

        assert_eq!(told, [format!("New login from {NEW}, Firefox on Linux, 3 minutes ago. Not you? End that session and change your password.")]);
        assert_eq!(home.get(LIST).page().attrs(".session form", "action").len(), 1);
        let own = format!("First login from this address. Your last login was 1 hour ago from {HOME}, Firefox on Linux. Not you? See your sessions.");
        assert_eq!(notices(&new), [own]);
        for client in [&home, &new, &logged_in_at(&app, NEW), &logged_in_at(&app, HOME)] {
            assert_eq!(notices(client), [""; 0]);
        }
        assert_eq!(db.count("login_notices"), 0);
    }

    fn a_login_with_a_second_factor_from_a_new_address_is_told_too(db: &Database) {
        let app = App::start_trusting(db);
        let home = logged_in_at(&app, HOME);
        let phone = Phone::set_up(&home);
        home.post("/settings/second-factor/activation", &[("code", &phone.code(&app))]).assert_ok();
        app.clock.advance(HOUR);
        let new = at(&app, NEW);
        new.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_leads_to("/login/second-factor");
        new.post("/login/second-factor", &[("code", "1")]).assert_status(401);
        assert_eq!(notices(&home), [""; 0], "nobody is logged in yet");

        new.post("/login/second-factor", &[("code", &phone.code(&app))]).assert_leads_to("/api-keys");

        assert!(notices(&home)[0].starts_with(&format!("New login from {NEW}")));
        assert!(notices(&new)[0].starts_with("First login from this address."));
    }

    fn the_setup_is_a_login_to_compare_with(db: &Database) {
        let set = |config: &mut Config| config.trusted_proxies = TrustedProxies::parse("127.0.0.1").unwrap();
        let app = App::start_set(db, set, Clock::System);
        let home = at(&app, HOME);
        let code = app.setup_code.clone().unwrap();
        let fields = [("code", &*code), ("name", "Ada"), ("email", EMAIL), ("password", PASSWORD)];
        home.post("/setup", &fields).assert_leads_to("/api-keys");

        let _new = logged_in_at(&app, NEW);

        assert!(notices(&home)[0].starts_with(&format!("New login from {NEW}")));
        assert_eq!(notices(&logged_in_at(&app, HOME)), [""; 0]);
    }

    fn a_login_from_a_new_address_waits_for_the_next_login_elsewhere(db: &Database) {
        let app = App::start_trusting(db);
        logged_in_at(&app, HOME).post("/logout", &[]).assert_status(303);
        let new = logged_in_at(&app, NEW);
        notices(&new);
        new.post(END_OTHERS, &[]).assert_status(303);
        app.clock.advance(30 * 24 * HOUR);
        // Somebody who logs in from there again does not take it away.
        assert_eq!(notices(&logged_in_at(&app, NEW)), [""; 0]);

        let home = logged_in_at(&app, HOME);

        assert!(notices(&home)[0].starts_with(&format!("New login from {NEW}, Firefox on Linux, 1 month ago.")));
        assert_eq!(notices(&home), [""; 0]);
    }

    fn a_notice_that_an_answer_without_a_page_met_is_on_the_next_page(db: &Database) {
        let app = App::start_trusting(db);
        let home = logged_in_at(&app, HOME);
        logged_in_at(&app, NEW);

        home.get("/messages.csv").assert_ok();
        home.get("/api-keys/nothing").assert_status(404);

        assert_eq!(notices(&home).len(), 1);
        assert_eq!(notices(&home), [""; 0]);
    }

    fn one_of_two_instances_tells_of_a_login(db: &Database) {
        let app = App::start_trusting(db);
        let other_instance = app.another_instance();
        let home = logged_in_at(&app, HOME);
        let second = logged_in_at(&app, HOME).at(&other_instance.url);
        logged_in_at(&app, NEW);

        let told: usize = std::thread::scope(|all| {
            let looks = [&home, &second].map(|client| all.spawn(|| notices(client).len()));
            looks.into_iter().map(|look| look.join().unwrap()).sum()
        });

        assert_eq!(told, 1);
        assert_eq!(notices(&home).len() + notices(&second).len(), 0);
    }

    fn an_ipv6_address_of_the_same_network_is_not_new(db: &Database) {
        let app = App::start_trusting(db);
        let home = logged_in_at(&app, "2001:db8::1");

        let again = logged_in_at(&app, "2001:db8::ffff:2");

        assert_eq!((notices(&home), notices(&again)), (vec![], vec![]));
        logged_in_at(&app, "2001:db8:0:1::1");
        assert_eq!(notices(&home).len(), 1);
    }

    fn a_login_of_somebody_else_is_no_login_of_ones_own(db: &Database) {
        let app = App::start_trusting(db);
        let home = logged_in_at(&app, HOME);
        app.colleague(Role::Admin, "grace@example.com");

        at(&app, NEW).log_in("grace@example.com", PASSWORD);

        assert_eq!(notices(&home), [""; 0]);
    }

    fn a_login_says_when_its_operator_was_last_seen(db: &Database) {
        let app = db.app();
        assert_eq!(db.ask("SELECT id AS line FROM operators WHERE last_seen_at IS NULL").len(), 1);

        let _client = app.signed_in();

        assert_eq!(db.ask("SELECT id AS line FROM operators WHERE last_seen_at IS NULL"), [""; 0]);
    }
}
