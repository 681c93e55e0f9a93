//! The second factor: setting it up, logging in with it, recovery codes, and the rule that
//! asks for it.

use keyfob::domain::account::membership::Role;

use crate::support::{Answer, App, Client, EMAIL, PASSWORD, Phone, on_both_databases, run};

const PATH: &str = "/settings/second-factor";
const LOGIN: &str = "/login/second-factor";

/// Turns the second factor on for whoever is logged in. Gives the recovery codes too.
fn turn_on(app: &App, client: &Client) -> (Phone, Vec<String>) {
    let phone = Phone::set_up(client);
    let codes = turn_on_with(client, &phone.code(app));
    (phone, codes)
}

fn turn_on_with(client: &Client, code: &str) -> Vec<String> {
    codes(&client.post(&format!("{PATH}/activation"), &[("code", code)]).assert_ok())
}

fn codes(answer: &Answer) -> Vec<String> {
    answer.page().text("#recovery-codes").split(' ').map(str::to_owned).collect()
}

/// A browser in which the password was given, and no code yet.
fn with_password(app: &App) -> Client {
    let client = app.anonymous();
    client.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_leads_to(LOGIN);
    client
}

fn give(client: &Client, code: &str) -> Answer {
    client.post(LOGIN, &[("code", code)])
}

fn log_in(app: &App, code: &str) -> Client {
    let client = with_password(app);
    give(&client, code).assert_leads_to("/api-keys");
    client
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let error = answer.page().texts(".field__error, [role=alert] span").join(" ");
    assert!(error.contains(words), "{error:?} does not say {words:?}");
}

on_both_databases! {
    fn it_is_on_only_after_a_right_code_and_that_code_is_used_up(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let phone = Phone::set_up(&client);
        let page = client.get(PATH).page();
        assert!(page.has("svg.qr-code path") && !page.has("img"), "no code to scan");

        let wrong = phone.wrong_code(&app);
        assert_refused(&client.post(&format!("{PATH}/activation"), &[("code", &wrong)]), 422, "This code is wrong.");
        assert_refused(&client.post(&format!("{PATH}/activation"), &[("code", " ")]), 422, "Enter a code.");
        app.signed_in();
        assert_eq!(db.count("recovery_codes"), 0);
        let code = phone.code(&app);
        assert_eq!(turn_on_with(&client, &code).len(), 10);

        let pending = with_password(&app);
        assert_refused(&give(&pending, &code), 401, "use the next code");
        give(&pending, &phone.next_code(&app)).assert_leads_to("/api-keys");
        pending.get("/api-keys").assert_ok();
    }

    fn a_password_alone_opens_nothing_and_a_code_everything(db: &Database) {
        let app = db.app();
        let (phone, _) = turn_on(&app, &app.signed_in());
        let client = app.anonymous();
        let form = [("email", EMAIL), ("password", PASSWORD), ("next", "/settings"), ("draft", "name=Countess")];
        client.post("/login", &form).assert_leads_to(LOGIN);
        let logins = || db.ask("SELECT action AS line FROM audit_events WHERE action = 'operator.logged_in'").len();
        let before = logins();

        for path in ["/api-keys", "/settings", PATH, "/settings/instance", "/credits", "/audit", "/api-keys/new"] {
            let answer = client.get(path).assert_status(303);
            assert!(answer.location().starts_with("/login"), "{path} leads to {}", answer.location());
        }
        client.post("/settings/name", &[("name", "Eve")]).assert_status(401);
        client.post(&format!("{PATH}/removal"), &[("code", &phone.code(&app))]).assert_status(303);
        assert_eq!((db.count("second_factors"), logins()), (1, before));

        give(&client, &phone.next_code(&app)).assert_leads_to("/settings");
        assert_eq!(client.get("/settings").assert_ok().page().field("name"), "Countess", "the draft was lost");
        assert_eq!(logins(), before + 1);
        client.get(LOGIN).assert_leads_to("/api-keys");
    }

    fn a_code_is_asked_for_only_after_a_password_and_within_ten_minutes(db: &Database) {
        let app = db.app();
        let (phone, _) = turn_on(&app, &app.signed_in());

        let stranger = app.anonymous();
        stranger.get(LOGIN).assert_status(303);
        assert!(give(&stranger, &phone.next_code(&app)).assert_status(303).location().starts_with("/login"));
        assert!(stranger.get("/api-keys").location().starts_with("/login"));

        let (in_time, late) = (with_password(&app), with_password(&app));
        app.clock.advance(599);
        give(&in_time, &phone.code(&app)).assert_leads_to("/api-keys");
        app.clock.advance(1);
        give(&late, &phone.next_code(&app)).assert_leads_to("/login?code_late");
        late.get(LOGIN).assert_leads_to("/login?code_late");
        assert!(late.get("/login?code_late").page().text(".notice").contains("within 10 minutes"));
    }

    fn the_session_is_another_one_at_each_step(db: &Database) {
        let app = db.app();
        let (phone, _) = turn_on(&app, &app.signed_in());
        let client = with_password(&app);
        let pending = client.thief();

        give(&client, &phone.next_code(&app)).assert_leads_to("/api-keys");

        assert!(pending.get("/api-keys").location().starts_with("/login"), "the cookie from before the code works");
        assert_ne!(client.session_cookie(), pending.session_cookie());
    }

    fn a_code_works_once_in_two_browsers_at_once_and_on_two_instances(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let (phone, recovery_codes) = turn_on(&app, &app.signed_in());
        let code = phone.next_code(&app);

        for code in [&code, &recovery_codes[3]] {
            let browsers = [with_password(&app), with_password(&app), with_password(&other), with_password(&other)];
            let mut statuses: Vec<u16> = std::thread::scope(|scope| {
                let tries: Vec<_> = browsers.iter().map(|client| scope.spawn(|| give(client, code).status)).collect();
                tries.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            statuses.sort_unstable();
            assert_eq!(statuses, [303, 401, 401, 401]);
            app.clock.advance(60);
        }
    }

    fn a_clock_half_a_minute_off_is_taken_and_one_of_a_minute_is_told(db: &Database) {
        let app = db.app();
        let (phone, _) = turn_on(&app, &app.signed_in());
        app.clock.advance(300);

        for seconds in [-60, 60] {
            let answer = give(&with_password(&app), &phone.code_with_clock(&app, seconds));
            assert_refused(&answer, 401, "let your phone set its clock by itself");
        }
        for seconds in [-30, 30] {
            log_in(&app, &phone.code_with_clock(&app, seconds));
        }
        let older = phone.code(&app);
        assert_refused(&give(&with_password(&app), &older), 401, "use the next code");
    }

    fn wrong_codes_and_wrong_passwords_share_their_tries(db: &Database) {
        let app = App::start_trusting(db);
        let (phone, recovery_codes) = turn_on(&app, &app.signed_in());
        let from = |n: usize| app.anonymous().with("x-forwarded-for", &format!("198.51.100.{n}"));
        let pending = from(0);
        pending.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_leads_to(LOGIN);

        let wrong = phone.wrong_code(&app);
        let statuses: Vec<u16> = (0..100).map(|_| give(&pending, &wrong).status).collect();

        // Two of the ten tries went to passwords.
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 8);
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 92);
        for code in [&phone.code(&app), &recovery_codes[0]] {
            assert_refused(&give(&pending, code), 429, "Too many tries. Wait");
        }
        from(1).post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_status(429);
        give(&pending, &phone.next_code(&app)).assert_leads_to("/api-keys");
    }

    fn codes_are_guessed_in_the_settings_no_faster_than_passwords(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let phone = Phone::set_up(&client);
        for path in ["activation", "recovery-codes", "removal"] {
            if path == "recovery-codes" {
                turn_on_with(&client, &phone.next_code(&app));
            }
            let wrong = phone.wrong_code(&app);
            let guess = || client.post(&format!("{PATH}/{path}"), &[("code", &wrong)]);
            let answers: Vec<Answer> = (0..20).map(|_| guess()).collect();

            assert_refused(&answers[0], 422, "This code is wrong.");
            assert_refused(&answers[19], 429, "Too many tries. Wait");
            app.clock.advance(100);
        }
    }

    fn recovery_codes_let_in_once_each_in_any_order_and_only_digests_are_kept(db: &Database) {
        let app = db.app();
        let (_, recovery_codes) = turn_on(&app, &app.signed_in());
        assert!(recovery_codes.iter().all(|code| !db.holds(code) && !db.holds(&code.replace('-', ""))));

        for at in [7, 0, 9] {
            log_in(&app, &recovery_codes[at].to_lowercase());
            let answer = give(&with_password(&app), &recovery_codes[at]);
            assert_refused(&answer, 401, "recovery code is wrong, or was used already");
            app.clock.advance(60);
        }

        let client = log_in(&app, &recovery_codes[4]);
        assert_eq!(client.get(PATH).page().text("#recovery-codes-left"), "6 of 10 left");
        let changes = db.ask(
            "SELECT changes AS line FROM audit_events WHERE action = 'operator.logged_in' ORDER BY id DESC LIMIT 1",
        );
        assert_eq!(changes, [r#"{"second_factor":["","recovery code"]}"#]);
    }

    fn new_recovery_codes_need_a_code_of_the_app_and_end_the_old_ones(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (phone, old) = turn_on(&app, &client);
        let renew = |code: &str| client.post(&format!("{PATH}/recovery-codes"), &[("code", code)]);

        assert_refused(&renew(&old[0]), 422, "This code is wrong.");
        assert_refused(&renew(&phone.code(&app)), 422, "use the next code");
        let new = codes(&renew(&phone.next_code(&app)).assert_ok());

        assert_eq!((new.len(), db.count("recovery_codes")), (10, 10));
        assert_refused(&give(&with_password(&app), &old[0]), 401, "recovery code is wrong");
        log_in(&app, &new[0]);
    }

    fn it_is_turned_off_with_a_code_or_a_recovery_code_and_with_nothing_else(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let off = |code: &str| client.post(&format!("{PATH}/removal"), &[("code", code)]);

        for with_recovery_code in [false, true] {
            let (phone, recovery_codes) = turn_on(&app, &client);
            assert_refused(&off(PASSWORD), 422, "wrong");
            let code = if with_recovery_code { recovery_codes[5].clone() } else { phone.next_code(&app) };
            off(&code).assert_leads_to(PATH);
            assert_eq!((db.count("second_factors"), db.count("recovery_codes")), (0, 0));
            app.signed_in();
            app.clock.advance(120);
        }
    }

    fn a_login_of_long_ago_sees_and_changes_nothing_of_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (phone, _) = turn_on(&app, &client);
        app.clock.advance(600);
        let before = db.rows();

        for path in ["setup", "activation", "recovery-codes", "removal"] {
            let answer = client.post(&format!("{PATH}/{path}"), &[("code", &phone.code(&app))]).assert_status(303);
            assert!(answer.location().starts_with("/login/confirmation"), "{path}: {}", answer.location());
        }
        client.get(PATH).assert_leads_to("/login/confirmation?next=/settings/second-factor");

        assert_eq!(db.rows()["second_factors"], before["second_factors"]);
        assert_eq!(db.rows()["audit_events"], before["audit_events"]);
    }

    fn a_secret_that_was_shown_long_ago_does_not_become_a_factor(db: &Database) {
        let app = db.app();
        let phone = Phone::set_up(&app.signed_in());
        app.clock.advance(30 * 60);
        let client = app.signed_in();

        assert!(!client.get(PATH).page().has("#second-factor-secret"));
        let answer = client.post(&format!("{PATH}/activation"), &[("code", &phone.code(&app))]);
        assert_refused(&answer, 422, "Begin again.");
        assert_ne!(Phone::set_up(&client).code(&app), phone.code(&app));
    }

    fn nobody_sees_or_changes_the_factor_of_another(db: &Database) {
        let app = db.app();
        turn_on(&app, &app.signed_in());

        let grace = app.colleague(Role::Admin, "grace@example.com");
        assert!(grace.get(PATH).page().has(&format!("form[action='{PATH}/setup']")));
        turn_on(&app, &grace);

        assert_eq!((db.count("second_factors"), db.count("recovery_codes")), (2, 20));
    }

    fn a_new_password_ends_a_login_that_waits_for_its_code(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (phone, _) = turn_on(&app, &client);
        let pending = with_password(&app);
        app.clock.advance(30);

        let passwords = [("current_password", PASSWORD), ("new_password", "a battery of correct horses")];
        client.post("/settings/password", &passwords).assert_leads_to("/settings");

        give(&pending, &phone.code(&app)).assert_leads_to("/login");
        assert!(pending.get("/api-keys").location().starts_with("/login"));
        let again = app.anonymous();
        again.post("/login", &[("email", EMAIL), ("password", "a battery of correct horses")]).assert_leads_to(LOGIN);
        give(&again, &phone.code(&app)).assert_leads_to("/api-keys");
    }

    fn somebody_who_is_disabled_completes_no_login(db: &Database) {
        let app = db.app();
        let (phone, _) = turn_on(&app, &app.signed_in());
        let pending = with_password(&app);

        db.execute("UPDATE operators SET disabled_at = 1");

        give(&pending, &phone.next_code(&app)).assert_leads_to("/login");
        assert!(pending.get("/api-keys").location().starts_with("/login"));
    }

    fn the_rule_leads_whoever_lacks_a_factor_to_set_it_up_and_to_nothing_else(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let (admin, other_owner) =
            (app.colleague(Role::Admin, "grace@example.com"), app.colleague(Role::Owner, "alan@example.com"));
        let key = owner.create_key("Project X");
        turn_on(&app, &owner);
        let rule = |rule: &str| {
            let answer = owner.post("/settings/instance/second-factor", &[("second_factor_rule", rule)]);
            answer.assert_leads_to("/settings/instance");
        };

        rule("owners");
        owner.get("/api-keys").assert_ok();
        admin.get("/api-keys").assert_ok();
        other_owner.get("/api-keys").assert_leads_to(PATH);
        rule("everybody");
        for path in ["/api-keys", "/settings", "/settings/instance", "/credits", "/audit", "/messages", "/connect", "/automate"] {
            admin.get(path).assert_leads_to(PATH);
        }
        admin.post(&key.status_path(), &[("status", "disabled")]).assert_leads_to(PATH);
        let part = admin.htmx("button").post(&key.status_path(), &[("status", "disabled")]).assert_status(403);
        assert_eq!(part.header("hx-redirect"), PATH);
        app.assert_verdict(&key.secret, "VALID");
        assert!(admin.get(PATH).assert_ok().page().text(".notice").contains("asks you for a second factor"));

        turn_on(&app, &admin);
        admin.get("/api-keys").assert_ok();
        other_owner.post("/logout", &[]).assert_leads_to("/login?logged_out");
        rule("nobody");
        app.colleague(Role::Owner, "mary@example.com").get("/api-keys").assert_ok();
    }

    fn the_rule_is_made_by_an_owner_who_has_a_factor_and_logged_in_of_late(db: &Database) {
        let app = db.app();
        let (owner, admin) = (app.signed_in(), app.colleague(Role::Admin, "grace@example.com"));
        let save = |client: &Client, rule: &str| {
            client.post("/settings/instance/second-factor", &[("second_factor_rule", rule)])
        };
        let chosen = || owner.get("/settings/instance").page().attr("[name=second_factor_rule][checked]", "value");

        assert_refused(&save(&owner, "everybody"), 422, "Set up a second factor for yourself first.");
        save(&admin, "nobody").assert_status(403);
        turn_on(&app, &owner);
        assert_refused(&save(&owner, "admins"), 422, "Choose nobody, owners or everybody.");
        assert_eq!(chosen(), "nobody");
        save(&owner, "owners").assert_leads_to("/settings/instance");
        assert_eq!(chosen(), "owners");
        app.clock.advance(600);
        assert!(save(&owner, "nobody").assert_status(303).location().starts_with("/login/confirmation"));
        assert_eq!(db.ask("SELECT value AS line FROM settings WHERE name = 'second_factor_rule'"), ["owners"]);
    }

    fn the_command_line_resets_a_factor_that_was_lost(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        turn_on(&app, &client);
        let pending = with_password(&app);
        let reset = |email: &str| run(&["operator", "reset-second-factor", email, "--database-url", &db.url()], "");

        reset("nobody@example.com").assert_says("There is no operator nobody@example.com.");
        reset(" ADA@example.com").assert_success();

        assert_eq!((db.count("second_factors"), db.count("recovery_codes")), (0, 0));
        assert!(client.get("/api-keys").location().starts_with("/login"), "a session outlived the reset");
        give(&pending, "000000").assert_leads_to("/login");
        app.signed_in().get("/api-keys").assert_ok();
        let action = db.ask("SELECT actor_kind || ' ' || action || ' ' || target_name AS line FROM audit_events WHERE action LIKE '%reset'");
        assert_eq!(action, ["command_line operator.second_factor_reset Ada"]);
        reset(EMAIL).assert_success();
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action LIKE '%reset'").len(), 1);
    }

    fn the_command_line_sets_the_rule(db: &Database) {
        let app = db.app();
        let set = |rule: &str| run(&["setting", "set", "second_factor_rule", rule, "--database-url", &db.url()], "");

        set("owners").assert_success();
        app.signed_in().get("/api-keys").assert_leads_to(PATH);
        set("admins").assert_says("Choose nobody, owners or everybody.");
        set("").assert_says("Write nobody, owners or everybody.");
        let listed = run(&["setting", "list", "--database-url", &db.url()], "").assert_success();
        assert!(listed.stdout.lines().any(|line| line.starts_with("second_factor_rule") && line.contains("owners")));
    }
}
