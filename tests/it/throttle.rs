//! Guessing of passwords and of the setup code is slow, on every route, and
//! shuts nobody out for good.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use keyfob::domain::api_key::ApiKeyId;

use crate::support::{Answer, App, Client, Database, EMAIL, PASSWORD, SourceGraph, on_both_databases, routes};

const WRONG: &str = "wrong horse battery staple";

/// More than any account or address has at once.
const MANY: usize = 40;

fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/login", &[("email", email), ("password", password)])
}

/// A browser of its own, from the `n`th address behind the proxy.
fn from(app: &App, n: usize) -> Client {
    app.anonymous().with("x-forwarded-for", &format!("198.51.100.{n}"))
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// Says when to come back, in the head and in words.
#[track_caller]
fn assert_slowed(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 429, "{}", answer.body);
    let seconds: i64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let alert = answer.page().texts("[role=alert] span, .field__error").join(" ");
    assert!(alert.starts_with(&format!("Too many tries. Wait {seconds} seconds")), "{alert}");
    assert!(!answer.body.contains(WRONG), "the password came back");
    seconds
}

on_both_databases! {
    fn a_hundred_addresses_guess_at_one_account_no_faster_than_one(db: &Database) {
        let app = App::start_trusting(db);

        let answers: Vec<Answer> = (0..100).map(|n| log_in(&from(&app, n), EMAIL, WRONG)).collect();

        assert_eq!((count(&answers, 401), count(&answers, 429)), (10, 90));
        let last = &answers[99];
        assert_slowed(last);
        assert_eq!(last.page().field("email"), EMAIL);
        assert_eq!(last.header("set-cookie"), "");
    }

    fn the_right_password_works_after_the_wait_and_not_before(db: &Database) {
        let app = App::start_trusting(db);
        let answers: Vec<Answer> = (0..20).map(|n| log_in(&from(&app, n), EMAIL, WRONG)).collect();
        let wait = assert_slowed(&answers[19]);

        assert_slowed(&log_in(&from(&app, 20), EMAIL, PASSWORD));
        app.clock.advance(wait);

        log_in(&from(&app, 21), EMAIL, PASSWORD).assert_leads_to("/api-keys");
    }

    fn a_browser_that_logged_in_before_is_let_in_at_once_and_a_made_up_one_is_not(db: &Database) {
        let app = App::start_trusting(db);
        let known = app.signed_in();
        known.post("/logout", &[]).assert_status(303);
        let (cookie, _) = known.cookies().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
        (0..20).for_each(|n| drop(log_in(&from(&app, n), EMAIL, WRONG)));

        let made_up = from(&app, 20).with("cookie", &format!("{cookie}=op_01"));
        assert_slowed(&log_in(&made_up, EMAIL, PASSWORD));
        log_in(&known, EMAIL, PASSWORD).assert_leads_to("/api-keys");
    }

    fn strangers_behind_the_same_address_keep_no_known_operator_out(db: &Database) {
        let app = db.app();
        let known = app.signed_in();
        known.post("/logout", &[]).assert_status(303);
        let logged_in = app.signed_in();
        (0..MANY).for_each(|n| drop(log_in(&app.anonymous(), &format!("{n}@example.com"), WRONG)));

        assert_slowed(&log_in(&app.anonymous(), EMAIL, PASSWORD));
        log_in(&known, EMAIL, PASSWORD).assert_leads_to("/api-keys");
        let passwords = [("current_password", PASSWORD), ("new_password", "another long password")];
        logged_in.post("/settings/password", &passwords).assert_leads_to("/settings");
    }

    fn rating_of_new_passwords_at_setup_takes_tries(db: &Database) {
        let app = db.first_start();
        let weak = |_| {
            let fields = [("code", "x"), ("name", "Ada"), ("email", EMAIL), ("password", "passwordpassword")];
            app.anonymous().post("/setup", &fields)
        };

        let answers: Vec<Answer> = (0..20).map(weak).collect();

        assert_eq!((count(&answers, 422), count(&answers, 429)), (10, 10));
    }

    fn a_browser_that_logged_in_before_has_no_more_tries_than_others(db: &Database) {
        let app = App::start_trusting(db);
        let known = app.signed_in();

        let answers: Vec<Answer> = (0..20).map(|_| log_in(&known, EMAIL, WRONG)).collect();

        assert_eq!((count(&answers, 401), count(&answers, 429)), (10, 10));
    }

    fn one_address_guesses_at_many_accounts_no_faster_whatever_it_writes_into_the_header(db: &Database) {
        let (proxied, direct) = (App::start_trusting(db), App::start(db));
        // The proxy writes the address that it sees to the right of what it was sent.
        for (app, written) in [(&proxied, ", 203.0.113.9"), (&direct, "")] {
            let answers: Vec<Answer> = (0..MANY)
                .map(|n| {
                    let client = app.anonymous().with("x-forwarded-for", &format!("198.51.100.{n}{written}"));
                    log_in(&client, &format!("{n}@example.com"), WRONG)
                })
                .collect();

            assert_eq!((count(&answers, 401), count(&answers, 429)), (30, MANY - 30));
            assert_slowed(&answers[MANY - 1]);
        }
        log_in(&from(&proxied, 1), EMAIL, PASSWORD).assert_leads_to("/api-keys");
    }

    fn a_form_that_had_to_wait_keeps_what_was_typed_but_the_password(db: &Database) {
        let app = db.app();
        let fields = [("email", EMAIL), ("password", WRONG), ("next", "/settings"), ("draft", "name=Project+X")];
        let answers: Vec<Answer> = (0..11).map(|_| app.anonymous().post("/login", &fields)).collect();

        assert_slowed(&answers[10]);
        let page = answers[10].page();
        assert_eq!((page.field("email"), page.field("next")), (EMAIL.to_owned(), "/settings".to_owned()));
        assert_eq!(page.field("draft"), "name=Project+X");
        assert!(!page.has("[name=password][value]"));
    }
}

/// Every field of every form that a page takes.
static FIELDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let files = SourceGraph::read("src").files.into_iter().filter(|file| file.path.starts_with("src/dashboard/"));
    let sources = files.map(|file| fs::read_to_string(file.path).unwrap());
    let fields: BTreeSet<String> = sources
        .flat_map(|source| {
            let forms = source.split("struct ").filter(|rest| rest.split('{').next().unwrap().trim().ends_with("Form"));
            let lines = forms.flat_map(|form| form.split('}').next().unwrap().lines().skip(1));
            // Without its visibility: `pub(super) name: String`.
            let names = lines.filter_map(|line| line.split_once(':')?.0.split_whitespace().last().map(str::to_owned));
            names.collect::<Vec<_>>()
        })
        .collect();
    assert!(["code", "password", "current_password", "status", "key_id"].iter().all(|name| fields.contains(*name)));
    fields
});

/// A form with every field there is, its secrets right or wrong. A field that
/// is not named here is taken for a password.
fn fill_in(right: bool, code: &str) -> Vec<(String, String)> {
    let value = |name: &str| match name {
        "key_id" => ApiKeyId::mint().to_string(),
        "name" => "Ada".to_owned(),
        "email" => EMAIL.to_owned(),
        "service" => "sms".to_owned(),
        "status" => "enabled".to_owned(),
        "next" | "description" | "draft" => String::new(),
        "new_password" => PASSWORD.to_owned(),
        "code" if right => code.to_owned(),
        _ if right => PASSWORD.to_owned(),
        _ => WRONG.to_owned(),
    };
    FIELDS.iter().map(|name| (name.clone(), value(name))).collect()
}

/// What a route told about secrets that were wrong many times, and then right.
struct Told {
    wrong: Vec<Answer>,
    right: Answer,
}

impl Told {
    fn ask(app: &App, client: &Client, path: &str) -> Self {
        let code = app.setup_code.clone().unwrap_or_default();
        let send = |right| {
            let fields = fill_in(right, &code);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            client.post(path, &fields)
        };
        let wrong = (0..MANY).map(|_| send(false)).collect();
        // Long enough for more tries, and short enough for routes that need a recent login.
        app.clock.advance(9 * 60);
        Self { wrong, right: send(true) }
    }

    /// Whoever asks learns whether the secrets are right.
    fn compares(&self) -> bool {
        let first = &self.wrong[0];
        (first.status, first.location()) != (self.right.status, self.right.location())
    }
}

#[test]
fn every_route_that_compares_a_password_or_the_setup_code_is_throttled() {
    let mut found = BTreeSet::new();
    for route in routes().into_iter().filter(|route| route.takes_post) {
        for is_set_up in [false, true] {
            let db = Database::sqlite();
            let app = if is_set_up { db.app() } else { db.first_start() };
            let client = if is_set_up { app.signed_in() } else { app.anonymous() };
            let path = route.path(ApiKeyId::mint().as_str());

            let told = Told::ask(&app, &client, &path);

            if told.compares() {
                assert_slowed(told.wrong.last().unwrap());
                found.insert(path);
            }
        }
    }
    let expected = ["/login", "/login/confirmation", "/settings/password", "/setup"].map(str::to_owned);
    assert!(expected.iter().all(|path| found.contains(path)), "the search itself does not work: {found:?}");
}
