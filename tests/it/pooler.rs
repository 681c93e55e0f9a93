//! A connection pooler in transaction mode before PostgreSQL: each transaction is another
//! session's, and nothing of a session lasts.

use keyfob::clock::Clock;

use crate::support::{App, Application, Asker, Database, PHONE, Pooler, run, time_until};

fn postgres_address() -> String {
    let url = std::env::var("TEST_POSTGRES_URL").unwrap();
    url.split(['@', '/']).find(|part| part.contains(':') && !part.ends_with(':')).unwrap().to_owned()
}

fn behind<'db>(pooler: &Pooler, db: &'db Database) -> App<'db> {
    App::start_set(
        db,
        |config| {
            config.database_url = pooler.url(&db.url()).parse().unwrap();
            config.database.is_pooled = true;
        },
        Clock::System,
    )
    .with_operator()
}

#[test]
fn behind_a_pooler_several_instances_do_all_that_they_do_without() {
    // From the first start on, so that the tables are made behind it too.
    let (db, pooler) = (Database::postgres().empty(), Pooler::before(&postgres_address()));
    let (app, other) = (behind(&pooler, &db), behind(&pooler, &db));
    let operator = app.signed_in();
    let key = operator.create_key("Project X");
    for instance in [&app, &other] {
        instance.assert_verdict(&key.secret, "VALID");
    }

    for round in 0..20 {
        Application::with(&other, &key).send(PHONE, &format!("Hello {round}")).assert_status(202);
        operator.get("/api-keys").assert_ok();
    }
    operator.switch(&key, "disabled");

    app.assert_verdict(&key.secret, "DISABLED");
    time_until(&other.url, &key.secret, "DISABLED");
    assert_eq!(Asker::to(&other.url).verify(&key.secret), "DISABLED");
    // A limit of one program must not become that of others which share its session.
    let limits = "SELECT current_setting('statement_timeout') AS line";
    assert_eq!(Database::Server(pooler.url(&db.url())).ask(limits), ["0"]);
}

#[test]
fn without_the_flag_a_start_behind_a_pooler_names_it() {
    let (db, pooler) = (Database::postgres(), Pooler::before(&postgres_address()));
    let url = pooler.url(&db.url());

    let ended = run(&["--listen", "127.0.0.1:0", "--database-url", &url], "");
    ended.assert_says("--database-pooler").assert_one_sentence();

    run(&["migrate", "--database-url", &url, "--database-pooler"], "").assert_success();
}

#[test]
fn a_copy_goes_through_a_pooler_and_leaves_no_limit_in_its_sessions() {
    let pooler = Pooler::before(&postgres_address());
    let (from, to, back) = (Database::postgres(), Database::postgres().empty(), Database::postgres().empty());
    let (from, to, back) = (pooler.url(&from.url()), pooler.url(&to.url()), pooler.url(&back.url()));

    run(&["copy", "--to", &to, "--database-url", &from], "").assert_says("--database-pooler").assert_one_sentence();
    run(&["copy", "--to", &to, "--database-url", &from, "--database-pooler"], "").assert_success();
    run(&["copy", "--to", &back, "--database-url", &to, "--database-pooler"], "").assert_success();

    for url in [from, to, back] {
        assert_eq!(Database::Server(url).ask("SELECT current_setting('statement_timeout') AS line"), ["0"]);
    }
}
