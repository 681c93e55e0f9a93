//! Rotation: a key gets a new secret, and the old one still works for a while.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::domain::api_key::KeySecretId;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client, EMAIL, Key, PASSWORD, Page, Process, on_both_databases, run, time_until};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const REVEALED: &str = ".reveal .copyable__text[id^=key-secret]";
const VERDICT: &str = ".secrets__verdict";
/// How long a test waits for uses to be written down, which is done every second and a half.
const PATIENCE: Duration = Duration::from_secs(30);

fn path(key: &Key) -> String {
    format!("/api-keys/{}", key.id)
}

fn rotation(key: &Key) -> String {
    format!("/api-keys/{}/rotation", key.id)
}

fn advance_micros(clock: &Clock, micros: i64) {
    let Clock::Set(now) = clock else { panic!("the clock runs by itself") };
    now.fetch_add(micros, Ordering::SeqCst);
}

/// Sends the form with an id of its own.
fn send(client: &Client, key: &Key, grace: i64) -> Answer {
    let fields = [("secret_id", KeySecretId::mint().to_string()), ("grace", grace.to_string())];
    client.post(&rotation(key), &fields.each_ref().map(|(name, value)| (*name, value.as_str())))
}

/// Rotates a key, and gives its new secret.
#[track_caller]
fn rotate(client: &Client, key: &Key, grace: i64) -> Key {
    let secret = send(client, key, grace).assert_ok().page().text(REVEALED);
    Key { id: key.id.clone(), secret }
}

/// Asks about a secret on behalf of somebody.
#[track_caller]
fn use_it(app: &App, secret: &str, address: &str, program: &str) -> Value {
    let question = json!({"key": secret, "client_ip": address}).to_string();
    let answer = app.anonymous().with("user-agent", program).post_json("/v1/keys/verify", question).assert_ok();
    let verdict = answer.json();
    assert_eq!(verdict["code"], "VALID", "{verdict}");
    verdict
}

/// Waits until uses are written down, so that the key's page says this.
#[track_caller]
fn wait_for_text(client: &Client, key: &Key, css: &str, text: &str) {
    let began = Instant::now();
    loop {
        let texts = client.get(&path(key)).assert_ok().page().texts(css);
        if texts.iter().any(|found| found == text) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{texts:?} instead of {text}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The facts about the two secrets: the old one's and the new one's.
fn facts(client: &Client, key: &Key) -> [Vec<String>; 2] {
    let page = client.get(&path(key)).assert_ok().page();
    [1, 2].map(|n| page.texts(&format!(".secrets__pair > :nth-child({n}) dd")))
}

on_both_databases! {
    fn both_secrets_work_until_the_old_one_ends_to_the_microsecond_on_every_instance(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        let later = client.create_key("Changed later");
        for key in [&old, &later] {
            other.assert_verdict(&key.secret, "VALID");
        }
        let new = rotate(&client, &old, DAY);
        client.switch(&later, "disabled");
        time_until(&other.url, &later.secret, "DISABLED"); // so that the other one knows of the rotation too
        let (keys, changes) = (db.rows()["key_secrets"].clone(), db.count("api_key_changes"));

        let day = 1_000_000 * DAY;
        for (micros, verdict) in [(0, "VALID"), (day - 1, "VALID"), (1, "EXPIRED"), (400 * day, "EXPIRED")] {
            advance_micros(&app.clock, micros);
            for app in [&app, &other] {
                app.assert_verdict(&old.secret, verdict);
                app.assert_verdict(&new.secret, "VALID");
                assert_eq!(app.verify(&new.secret)["key_id"], old.id.as_str(), "the key stays the same");
            }
        }
        assert_eq!((&db.rows()["key_secrets"], db.count("api_key_changes")), (&keys, changes), "nothing was written");
    }

    fn without_a_grace_the_next_request_with_the_old_secret_is_refused(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        for app in [&app, &other] {
            app.assert_verdict(&old.secret, "VALID");
        }

        let new = rotate(&client, &old, 0);

        app.assert_verdict(&old.secret, "EXPIRED");
        app.assert_verdict(&new.secret, "VALID");
        let lag = time_until(&other.url, &old.secret, "EXPIRED");
        assert!(lag < Duration::from_secs(1), "the other server let the old secret in after {lag:?}");
    }

    fn the_switch_and_the_deletion_are_for_both(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        let new = rotate(&client, &old, DAY);

        for (status, verdict) in [("disabled", "DISABLED"), ("enabled", "VALID")] {
            client.switch(&old, status);
            app.assert_verdict(&old.secret, verdict);
            app.assert_verdict(&new.secret, verdict);
        }
        client.post(&format!("{}/deletion", path(&old)), &[]).assert_status(303);
        app.assert_verdict(&old.secret, "NOT_FOUND");
        app.assert_verdict(&new.secret, "NOT_FOUND");
    }

    fn a_rotation_changes_nothing_of_the_key_itself(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let test = app.make_test_key("Project X");
        let live = client.create_key("Project Y");
        db.execute("UPDATE api_keys SET scopes = 'balance.read', allowed_ips = '203.0.113.0/24'");
        let before = db.rows()["api_keys"].clone();

        let new = [rotate(&client, &test, DAY), rotate(&client, &live, 0)];

        assert_eq!(db.rows()["api_keys"], before);
        assert!(new[0].secret.starts_with("sms_test_") && new[1].secret.starts_with("sms_live_"), "{new:?}");
        assert_eq!(use_it(&app, &new[0].secret, "203.0.113.9", "tester/1")["mode"], "test");
    }

    fn of_many_rotations_at_once_one_wins(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let answers: Vec<Answer> = thread::scope(|all| {
            let clients = [&client, &client.at(&other.url)];
            let sends: Vec<_> = (0..50).map(|n| clients[n % 2].clone()).map(|client| {
                let key = &key;
                all.spawn(move || send(&client, key, DAY))
            }).collect();
            sends.into_iter().map(|send| send.join().unwrap()).collect()
        });

        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((made.len(), refused.len()), (1, 49));
        for answer in refused {
            let page = answer.assert_status(409).page();
            assert_eq!(page.text("form .alert"), "The old secret of this key still works. A key has two at most.");
            assert!(!page.has(".reveal"));
        }
        assert_eq!(db.count("key_secrets"), 2);
        app.assert_verdict(&key.secret, "VALID");
        app.assert_verdict(&made[0].page().text(REVEALED), "VALID");
    }

    fn of_two_operators_who_replace_the_same_secret_at_once_the_second_learns_of_the_first(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let form = |page: Page| ["secret_id", "replaces"].map(|name| (name, page.field(name)));
        let forms = [(); 2].map(|()| form(client.get(&rotation(&key)).page()));
        let send = |form: &[(&str, String); 2]| {
            let [first, second] = form.each_ref().map(|(name, value)| (*name, value.as_str()));
            client.post(&rotation(&key), &[first, second, ("grace", "0")])
        };

        let new = send(&forms[0]).assert_ok().page().text(REVEALED);
        let refused = send(&forms[1]).assert_status(409).page();
        assert!(refused.text("form .alert").starts_with("Somebody else rotated this key meanwhile."));
        app.assert_verdict(&new, "VALID");

        send(&form(refused)).assert_ok();
        app.assert_verdict(&new, "EXPIRED");
    }

    fn while_the_old_secret_works_another_rotation_has_to_end_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let first = client.create_key("Project X");
        let second = rotate(&client, &first, DAY);

        send(&client, &first, DAY).assert_status(409);
        app.assert_verdict(&first.secret, "VALID");
        let question = client.get(&rotation(&first)).page();
        assert!(question.text(".notice").contains(&first.secret[first.secret.len() - 4..]), "it names the one that ends");
        let fields = [("secret_id", &*question.field("secret_id")), ("grace", "3600"), ("end_previous", "yes")];
        let third = client.post(&rotation(&first), &fields).assert_ok().page().text(REVEALED);

        app.assert_verdict(&first.secret, "EXPIRED");
        app.assert_verdict(&second.secret, "VALID");
        app.assert_verdict(&third, "VALID");
        app.clock.advance(HOUR);
        app.assert_verdict(&second.secret, "EXPIRED");
        rotate(&client, &first, DAY);
        app.assert_verdict(&third, "VALID");
    }

    fn the_old_secret_that_works_is_found_also_where_a_clock_went_back(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let first = client.create_key("Project X");
        app.clock.advance(2 * HOUR);
        rotate(&client, &first, 0);
        advance_micros(&app.clock, -HOUR * 1_000_000);
        let id = KeySecretId::mint().to_string();
        let fields = [("secret_id", &*id), ("grace", "0"), ("end_previous", "yes")];
        let third = client.post(&rotation(&first), &fields).assert_ok().page().text(REVEALED);

        rotate(&client, &first, DAY);

        app.assert_verdict(&third, "VALID");
        send(&client, &first, DAY).assert_status(409);
    }

    fn the_new_secret_is_shown_once_and_the_same_form_again_shows_its_mask(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        let fields = [("secret_id", &*client.get(&rotation(&old)).page().field("secret_id")), ("grace", "86400")];

        let answer = client.post(&rotation(&old), &fields).assert_ok().assert_header("cache-control", "no-store");
        let page = answer.page();
        let secret = page.text(REVEALED);
        assert!(page.raw_text("[id^=key-curl]").contains(&secret));
        assert_eq!(page.toasts(), ["Success. Key “Project X” rotated."]);

        let again = client.post(&rotation(&old), &fields).assert_leads_to(&path(&old));
        let shown = client.get(&path(&old));
        assert!(shown.page().toasts()[0].starts_with("This form was already sent"));
        assert!(shown.page().texts(".secrets code").iter().any(|mask| mask.ends_with(&secret[secret.len() - 4..])));
        for answer in [again, shown, client.get(&path(&old)), client.get("/api-keys"), client.get(&rotation(&old))] {
            assert!(!answer.body.contains(&secret[9..]) && !answer.body.contains(&old.secret[9..]));
        }
        assert_eq!(db.count("key_secrets"), 2);
        app.assert_verdict(&secret, "VALID");
    }

    fn neither_secret_is_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        let new = rotate(&client, &old, DAY);
        app.assert_verdict(&new.secret, "VALID");

        assert!(db.holds(&old.id), "the search itself does not work");
        for secret in [&old.secret, &new.secret] {
            assert!(!db.holds(&secret[9..]) && !db.holds(&secret[9..41]), "a secret is in the database");
        }
    }

    fn the_page_says_whether_the_old_secret_is_still_in_use(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        use_it(&app, &old.secret, "192.0.2.1", "before/1");
        app.clock.advance(60);
        let new = rotate(&client, &old, DAY);

        assert_eq!(client.get(&path(&old)).page().text(VERDICT), "The old secret has not been used since the rotation.");
        let [old_facts, new_facts] = facts(&client, &old);
        assert_eq!(old_facts[3..], ["1 minute ago", "192.0.2.1", "before/1", "0 since the rotation"]);
        assert_eq!(new_facts[2..], ["never", "never", "0 since the rotation"]);
        let row = client.get("/api-keys").page();
        assert_eq!(row.text(".api-key__rotating"), "rotating; old secret unused");

        app.clock.advance(60);
        use_it(&app, &old.secret, "192.0.2.2", "laggard/1");
        app.clock.advance(4 * 60);
        wait_for_text(&client, &old, VERDICT, "The old secret was last used 4 minutes ago.");
        assert_eq!(facts(&client, &old)[0][3..], ["4 minutes ago", "192.0.2.2", "laggard/1", "1 since the rotation"]);
        assert_eq!(facts(&client, &old)[1], new_facts, "the new one's line does not move");
        let row = client.get("/api-keys").page();
        assert_eq!(row.text(".api-key__rotating"), "rotating; old secret last used 4 minutes ago");
        assert_eq!(row.text(".api-key__used"), "4 minutes ago", "the key was used by its old secret");

        use_it(&app, &new.secret, "192.0.2.3", "adopter/1");
        app.clock.advance(120);
        wait_for_text(&client, &old, ".secrets__pair > :nth-child(2) dd", "adopter/1");
        assert_eq!(facts(&client, &old)[0][3..], ["6 minutes ago", "192.0.2.2", "laggard/1", "1 since the rotation"]);
        let page = client.get(&path(&old)).page();
        let used = page.texts("[aria-labelledby=key-used] dd");
        assert_eq!(used, ["2 minutes ago", "192.0.2.3", "adopter/1", "3"], "the key's last use, and all of its uses");
    }

    fn after_its_end_the_old_secret_is_named_if_somebody_may_miss_it(db: &Database) {
        let app = db.app();
        let (missed, unused) = (app.make_key("Project X"), app.make_key("Project Y"));
        for key in [&missed, &unused] {
            rotate(&app.signed_in(), key, HOUR);
        }
        app.clock.advance(60);
        use_it(&app, &missed.secret, "192.0.2.2", "laggard/1");
        app.clock.advance(HOUR);
        let client = app.signed_in();
        let sentence = "192.0.2.2 by laggard/1.";
        wait_for_text(&client, &missed, ".secrets code", "192.0.2.2");

        let page = client.get(&path(&missed)).page();
        assert!(page.text(".secrets p").ends_with(sentence), "{}", page.text(".secrets p"));
        assert!(!page.has(VERDICT) && !page.has(".secrets a"), "there is nothing to decide any more");
        assert!(!client.get(&path(&unused)).page().has("#secrets"));
        assert!(!client.get("/api-keys").page().has(".api-key__rotating"));
        app.clock.advance(30 * DAY);
        assert!(!app.signed_in().get(&path(&missed)).page().has("#secrets"));
    }

    fn the_old_secret_can_be_ended_at_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        let end = format!("{}/end", rotation(&old));
        client.post(&end, &[]).assert_status(404);
        client.get(&end).assert_leads_to(&path(&old));
        let new = rotate(&client, &old, DAY);
        app.assert_verdict(&old.secret, "VALID");

        let (dialog, page) = (client.htmx("a").get(&end).assert_ok(), client.get(&end).assert_ok());
        assert!(!dialog.body.contains("<html") && page.body.contains("<html"));
        assert!(dialog.page().text("form").starts_with("It has not been used since the rotation."));
        client.post(&end, &[]).assert_leads_to(&path(&old));

        app.assert_verdict(&old.secret, "EXPIRED");
        app.assert_verdict(&new.secret, "VALID");
        client.post(&end, &[]).assert_leads_to(&path(&old));
        rotate(&client, &old, DAY);
    }

    fn the_old_secret_can_last_longer_for_at_most_30_days(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let old = client.create_key("Project X");
        let extension = format!("{}/extension", rotation(&old));
        client.post(&extension, &[("grace", "86400")]).assert_status(404);
        rotate(&client, &old, HOUR);

        client.post(&extension, &[("grace", "86400")]).assert_leads_to(&path(&old));
        assert_eq!(client.get(&path(&old)).page().toasts(), ["Success. The old secret ends 2 Mar 2026, 12:00 UTC."]);
        app.clock.advance(DAY - 1);
        app.assert_verdict(&old.secret, "VALID");
        let client = app.signed_in();
        for wrong in ["2592001", "-1", "0", "soon", ""] {
            client.post(&extension, &[("grace", wrong)]).assert_status(422);
        }
        app.clock.advance(1);
        app.assert_verdict(&old.secret, "EXPIRED");
        let refused = client.post(&extension, &[("grace", "86400")]).assert_status(422);
        assert!(refused.page().toasts()[0].starts_with("The old secret has ended."));
        app.assert_verdict(&old.secret, "EXPIRED");
    }

    fn only_what_is_later_is_offered_as_an_extension(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let offered = |grace: i64| {
            rotate(&client, &key, grace);
            let offered = client.get(&path(&key)).page().attrs(".secrets__extend button", "value");
            client.post(&format!("{}/end", rotation(&key)), &[]).assert_status(303);
            offered
        };

        assert_eq!(offered(HOUR), ["86400", "604800", "2592000"]);
        assert_eq!(offered(DAY), ["604800", "2592000"]);
        assert_eq!(offered(30 * DAY), [""; 0]);
    }

    fn the_question_says_until_when_the_old_secret_works_but_not_beyond_the_keys_own_end(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let (dialog, page) = (client.htmx("a").get(&rotation(&key)).assert_ok(), client.get(&rotation(&key)).assert_ok());
        assert!(!dialog.body.contains("<html") && page.body.contains("<html"));
        let choices = |page: Answer| page.page().texts(".choice--list .choice__option");
        let all = choices(dialog);
        assert_eq!(all.len(), 5);
        assert_eq!(all[0], "Not at all: its next request is refused");
        assert_eq!(all[2], "24 hours, until 2 Mar 2026, 12:00 UTC");
        assert_eq!(page.page().attr("[name=grace][checked]", "value"), "86400");

        db.execute(&format!("UPDATE api_keys SET expires_at = {}", app.clock.now().plus_seconds(2 * HOUR).micros()));
        let all = choices(client.get(&rotation(&key)));
        assert_eq!(all[1..3], ["1 hour, until 1 Mar 2026, 13:00 UTC", "24 hours, until 1 Mar 2026, 14:00 UTC"]);
    }

    fn a_form_that_is_wrong_comes_back_and_rotates_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for wrong in ["", "-1", "2592001", "1h"] {
            let fields = [("secret_id", &*KeySecretId::mint().to_string()), ("grace", wrong)];
            let page = client.post(&rotation(&key), &fields).assert_status(422).page();
            assert!(page.has("#rotation-grace-error"), "{wrong:?}");
        }
        let garbled = client.post(&rotation(&key), &[("secret_id", "nonsense"), ("grace", "3600")]).assert_status(422);
        assert_eq!(garbled.page().text("form .alert"), "This form has expired. Check it and press Rotate again.");
        assert_eq!(garbled.page().attr("[name=grace][checked]", "value"), "3600");
        assert!(garbled.page().field("secret_id").parse::<KeySecretId>().is_ok());
        assert_eq!(db.count("key_secrets"), 1);
    }

    fn a_secrets_id_of_another_key_tells_nothing_and_harms_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), app.another_account().create_key("Theirs"));
        let taken = db.ask(&format!("SELECT id AS line FROM key_secrets WHERE api_key_id = '{}'", other.id)).remove(0);

        let fields = [("secret_id", &*taken), ("grace", "86400")];
        let new = client.post(&rotation(&key), &fields).assert_ok().page().text(REVEALED);

        for secret in [&key.secret, &other.secret, &new] {
            app.assert_verdict(secret, "VALID");
        }
        assert_eq!(db.count("key_secrets"), 3);
    }

    fn a_key_that_is_off_or_has_ended_stays_so_and_the_page_says_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (off, ended) = (client.create_key("Off"), client.create_key("Ended"));
        client.switch(&off, "disabled");
        let end = app.clock.now().micros();
        db.execute(&format!("UPDATE api_keys SET expires_at = {end} WHERE id = '{}'", ended.id));

        for (key, verdict, word) in [(&off, "DISABLED", "disabled"), (&ended, "EXPIRED", "expired")] {
            let page = send(&client, key, DAY).assert_ok().page();
            let said = page.toasts().pop().unwrap();
            assert!(said.ends_with(&format!("rotated. It is still {word}.")), "{said}");
            app.assert_verdict(&page.text(REVEALED), verdict);
            app.assert_verdict(&key.secret, verdict);
        }
    }

    fn another_accounts_key_and_one_that_is_none_are_not_found(db: &Database) {
        let app = db.app();
        let (client, stranger) = (app.signed_in(), app.another_account());
        let key = client.create_key("Project X");
        rotate(&client, &key, DAY);
        let (secrets, nobodys) = (db.rows()["key_secrets"].clone(), ["key_00000000000000000000000000", "nonsense"]);

        for id in [&*key.id, nobodys[0], nobodys[1]] {
            let key = Key { id: id.to_owned(), secret: String::new() };
            stranger.get(&rotation(&key)).assert_status(404);
            send(&stranger, &key, 0).assert_status(404);
            stranger.get(&format!("{}/end", rotation(&key))).assert_status(404);
            stranger.post(&format!("{}/end", rotation(&key)), &[]).assert_status(404);
            stranger.post(&format!("{}/extension", rotation(&key)), &[("grace", "3600")]).assert_status(404);
        }
        assert_eq!(db.rows()["key_secrets"], secrets);
        app.assert_verdict(&key.secret, "VALID");
    }

    fn after_a_login_the_question_is_asked_again(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let nobody = app.anonymous();

        send(&nobody, &key, 0).assert_leads_to(&format!("/login?next={}", rotation(&key)));
        let to_the_key = format!("/login?next={}", path(&key));
        nobody.post(&format!("{}/end", rotation(&key)), &[]).assert_leads_to(&to_the_key);
        nobody.post(&format!("{}/extension", rotation(&key)), &[("grace", "3600")]).assert_leads_to(&to_the_key);
        assert_eq!(db.count("key_secrets"), 1);
    }

    fn a_rotation_ends_a_link_that_shows_the_old_secret(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let made = client.post(&format!("{}/handover", path(&key)), &[("key", &*key.secret)]).assert_ok();
        let url = made.page().text("[id^=handover-link-]");
        let link = url.strip_prefix(&app.url).unwrap();
        app.anonymous().get(link).assert_ok();

        rotate(&client, &key, DAY);

        app.anonymous().get(link).assert_status(404);
        app.anonymous().post(link, &[]).assert_status(404);
        assert!(!client.get(&path(&key)).page().has("[aria-labelledby=key-handover]"));
    }

    fn a_moved_end_leaves_an_event_with_the_moment_before_and_after(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        rotate(&client, &key, HOUR);
        client.post(&format!("{}/extension", rotation(&key)), &[("grace", "86400")]).assert_status(303);

        let moved = db.ask("SELECT changes AS line FROM audit_events WHERE action = 'api_key.rotation_extended'");
        assert_eq!(moved, [r#"{"previous_ends_at":["2026-03-01T13:00:00.000000Z","2026-03-02T12:00:00.000000Z"]}"#]);
    }

    fn a_database_that_takes_nothing_rotates_nothing_and_the_form_says_so(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let lock = db.lock();

        let page = send(&client, &key, 0).assert_status(503).page();
        assert!(page.text("form .alert").ends_with("The key was not rotated. Try again in a moment."));
        drop(lock);
        app.assert_verdict(&key.secret, "VALID");
    }

    fn the_shown_secret_works_after_a_kill_right_after_the_answer_and_no_secret_is_logged(db: &Database) {
        run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
        let mut process = Process::serve(db);
        let client = process.client();
        client.log_in(EMAIL, PASSWORD);
        let key = client.create_key("Project X");
        let kept = rotate(&client, &key, DAY);
        process.kill();

        let mut process = Process::serve(db);
        let client = client.at(process.client().base());
        let verdict = |secret: &str| {
            client.post_json("/v1/keys/verify", json!({"key": secret}).to_string()).assert_ok().json()["code"].clone()
        };
        assert_eq!((verdict(&kept.secret), verdict(&key.secret)), (json!("VALID"), json!("VALID")));
        client.post(&format!("{}/end", rotation(&key)), &[]).assert_status(303);
        let last = rotate(&client, &key, 0);
        process.signal("TERM");
        let ended = process.end();
        for secret in [&key.secret, &kept.secret, &last.secret] {
            assert!(!ended.stderr.contains(&secret[9..]) && !ended.stdout.contains(&secret[9..]));
        }
        assert!(ended.stderr.contains("an API key was rotated"), "{}", ended.stderr);
    }
}
