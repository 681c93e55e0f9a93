//! The first start: what is there, and who may become the first operator.

use std::thread;

use crate::support::{Answer, App, Client, Database, EMAIL, PASSWORD, on_both_databases};

const NOT_THE_CODE: &str = "This code is wrong. The current one is in the terminal where Keyfob was last started.";

fn code(app: &App) -> String {
    app.setup_code.clone().unwrap()
}

fn set_up(client: &Client, code: &str) -> Answer {
    client.post("/setup", &[("code", code), ("name", "Ada"), ("email", EMAIL), ("password", PASSWORD)])
}

#[test]
fn two_first_starts_at_once_on_a_server_make_one_installation() {
    let empty = Database::postgres().empty();

    thread::scope(|both| {
        for _ in 0..2 {
            both.spawn(|| drop(empty.first_start()));
        }
    });

    assert_eq!(empty.count("accounts"), 1);
}

on_both_databases! {
    fn the_first_start_makes_an_account_and_the_sms_service_and_nobody(db: &Database) {
        let _app = db.first_start();

        let rows = db.rows();

        assert_eq!(rows["accounts"].len(), 1);
        let is_for = |row: &String, texts: [&str; 2]| texts.iter().all(|text| row.contains(text));
        assert_eq!(rows["services"].len(), 2);
        for texts in [["sms", "SMS"], ["keyfob", "Management"]] {
            assert!(rows["services"].iter().any(|row| is_for(row, texts)), "{rows:?}");
        }
        assert!(rows["operators"].is_empty() && rows["api_keys"].is_empty(), "{rows:?}");
    }

    fn a_first_start_on_an_empty_database_makes_the_tables(db: &Database) {
        let empty = db.empty();
        let app = empty.first_start();

        app.anonymous().get("/setup").assert_ok();

        assert_eq!(empty.count("accounts"), 1);
    }

    fn the_code_from_the_terminal_makes_the_first_operator_and_logs_them_in(db: &Database) {
        let app = db.first_start();
        let client = app.anonymous();

        set_up(&client, &code(&app)).assert_leads_to("/api-keys");

        let page = client.get("/api-keys").assert_ok().page();
        assert_eq!(page.text(".operator__email"), EMAIL);
        assert_eq!(page.toasts(), ["Welcome, Ada. Create your first key."]);
        app.signed_in().get("/api-keys").assert_ok();
    }

    fn the_code_can_not_be_guessed_at_will(db: &Database) {
        let app = db.first_start();

        let last = (0..40).map(|_| set_up(&app.anonymous(), "nonsense").status).find(|status| *status != 422);

        assert_eq!(last, Some(429));
    }

    fn a_code_may_be_typed_in_lower_case_and_without_dashes(db: &Database) {
        let app = db.first_start();

        set_up(&app.anonymous(), &code(&app).to_lowercase().replace('-', " ")).assert_leads_to("/api-keys");
    }

    fn a_wrong_code_is_refused_at_its_field_and_makes_nobody(db: &Database) {
        let app = db.first_start();

        let missing = "Setup code is required.";
        for (wrong, message) in
            [("", missing), ("AAAAA-AAAAA-AAAAA-AAAAA", NOT_THE_CODE), (&code(&app)[..22], NOT_THE_CODE)]
        {
            let page = set_up(&app.anonymous(), wrong).assert_status(422).page();
            assert_eq!(page.text("#code-error"), message);
            assert_eq!(page.attr("#code", "aria-invalid"), "true");
            assert_eq!(page.field("email"), EMAIL);
        }
        assert_eq!(db.count("operators"), 0);
    }

    fn a_wrong_field_is_told_and_does_not_use_the_code_up(db: &Database) {
        let app = db.first_start();
        let fields = [("code", &*code(&app)), ("name", " "), ("email", "ada"), ("password", "fourteen chars")];

        let page = app.anonymous().post("/setup", &fields).assert_status(422).page();

        assert_eq!(page.text("#name-error"), "Your name is required.");
        assert_eq!(page.text("#email-error"), "Enter an email address, for example you@example.com.");
        assert_eq!(page.text("#password-error"), "Use at least 15 characters; this has 14. A few words in a row are fine.");
        assert_eq!(page.field("code"), code(&app));
        assert!(!page.has("[name=password][value]"), "a password came back");
        set_up(&app.anonymous(), &code(&app)).assert_leads_to("/api-keys");
    }

    fn a_code_works_once(db: &Database) {
        let app = db.first_start();
        set_up(&app.anonymous(), &code(&app)).assert_leads_to("/api-keys");

        set_up(&app.anonymous(), &code(&app)).assert_leads_to("/login");

        assert_eq!(db.count("operators"), 1);
        assert!(!format!("{:?}", db.rows()["settings"]).contains("setup_code"));
    }

    fn a_code_is_worthless_once_there_is_an_operator_by_other_means(db: &Database) {
        let app = db.app();

        app.anonymous()
            .post(
                "/setup",
                &[("code", &*code(&app)), ("name", "Eve"), ("email", "eve@example.com"), ("password", PASSWORD)],
            )
            .assert_leads_to("/login");

        assert_eq!(db.count("operators"), 1);
    }

    fn two_setups_at_once_make_one_operator(db: &Database) {
        let app = db.first_start();
        let code = code(&app);

        thread::scope(|both| {
            for email in ["ada@example.com", "eve@example.com"] {
                let (client, code) = (app.anonymous(), &code);
                both.spawn(move || {
                    client.post("/setup", &[("code", code), ("name", "A"), ("email", email), ("password", PASSWORD)])
                });
            }
        });

        assert_eq!(db.count("operators"), 1);
    }

    fn a_restart_before_the_setup_gives_another_code_and_ends_the_first(db: &Database) {
        let first = code(&db.first_start());
        let app = db.first_start();

        set_up(&app.anonymous(), &first).assert_status(422);

        assert_ne!(first, code(&app));
        set_up(&app.anonymous(), &code(&app)).assert_leads_to("/api-keys");
    }

    fn a_start_with_an_operator_gives_no_code(db: &Database) {
        let _ = db.app();

        assert_eq!(db.first_start().setup_code, None);
    }

    fn the_code_itself_is_not_kept(db: &Database) {
        let app = db.first_start();

        assert!(!db.holds(&code(&app)));
        assert!(!db.holds(&code(&app).replace('-', "")));
    }

    fn there_is_no_login_to_guess_before_the_setup(db: &Database) {
        let app = db.first_start();

        for email in ["admin", "admin@example.com", "root@localhost"] {
            for password in ["", "admin", "password", "keyfob"] {
                app.anonymous().post("/login", &[("email", email), ("password", password)]).assert_status(401);
            }
        }
    }

    fn the_login_leads_to_the_setup_until_it_is_done(db: &Database) {
        let app = db.first_start();

        app.anonymous().get("/login").assert_leads_to("/setup");
        app.anonymous().get("/setup").assert_ok();
    }

    fn the_setup_leads_to_the_login_once_it_is_done(db: &Database) {
        let app = db.app();

        app.anonymous().get("/setup").assert_leads_to("/login");
        app.anonymous().get("/login").assert_ok();
    }
}
