//! The Audit page and its export: who changed what, for an account to read.

use std::fs;
use std::thread;

use keyfob::domain::account::membership::Role;
use serde_json::Value;

use crate::support::{App, Client, Database, Key, Page, on_both_databases, run};

/// What each event on the page says: who, what, to which target.
fn events(page: &Page) -> Vec<String> {
    page.texts(".event__who bdi")
        .iter()
        .zip(page.texts(".event__what > p:first-child"))
        .map(|(who, what)| format!("{who} {what}"))
        .collect()
}

#[track_caller]
fn shown(client: &Client, query: &str) -> Vec<String> {
    events(&client.get(&format!("/audit?{query}")).assert_ok().page())
}

/// The ids of events in a JSON Lines file.
fn ids(jsonl: &str) -> Vec<String> {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    jsonl.lines().map(id).collect()
}

/// Events behind the page's back, a second apart from 2026-03-02 on: quicker than changes.
fn add_events(db: &Database, count: usize) {
    let sql: Vec<String> = (0..count)
        .map(|n| {
            let at = 1_772_409_600_000_000_i64 + i64::try_from(n).unwrap() * 1_000_000;
            format!(
                "INSERT INTO audit_events (id, account_id, at, actor_kind, actor_name, via, action, target_kind, target_id, \
                 target_name, changes) SELECT 'aud_{n:026}', id, {at}, 'command_line', 'root', 'command_line', \
                 'credits.added', 'account', id, name, '{{}}' FROM accounts WHERE name = 'Main account'"
            )
        })
        .collect();
    db.execute(&sql.join(";\n"));
}

fn delete(client: &Client, key: &Key) {
    client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
}

on_both_databases! {
    fn the_page_says_who_did_what_to_which_key_from_where(db: &Database) {
        let app = db.app();
        let client = app.signed_in().with("user-agent", "Firefox 150");
        let key = client.create_key("Project X");
        client.post(&format!("/api-keys/{}", key.id), &[("version", "1"), ("name", "Project Y"), ("description", "Shop")]);
        client.switch(&key, "disabled");

        let page = client.get("/audit").assert_ok().page();

        assert_eq!(page.attr(".nav__link[aria-current]", "href"), "/audit");
        assert_eq!(events(&page)[..4], [
            "Ada switched off the key Project Y",
            "Ada changed the name or description of the key Project X",
            "Ada created the key Project X",
            "Ada logged in",
        ]);
        assert_eq!(page.texts(".event__changes")[0], "Description: none →, now Shop Name: Project X →, now Project Y");
        assert_eq!(page.texts(".event__changes")[1], "Mode: live Scopes: full access Service: sms");
        assert_eq!(page.attrs(".event__target", "href")[..3], vec![format!("/api-keys/{}", key.id); 3]);
        assert_eq!(page.texts(".event__via")[0], "dashboard");
        let from = &page.texts(".event__from")[0];
        assert!(from.starts_with("127.0.0.1") && from.contains("Firefox 150") && from.contains("Request"), "{from}");
    }

    fn a_key_that_is_gone_keeps_its_history_and_has_no_page(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Other"));
        let page = client.get(&format!("/api-keys/{}", key.id)).page();
        let history = format!("/audit?target={}", key.id);
        assert!(page.attrs(".facts a", "href").contains(&history));
        delete(&client, &key);
        client.post(&format!("/api-keys/{}/purge", key.id), &[]).assert_status(303);

        let page = client.get(&history).assert_ok().page();

        let done = ["Ada deleted for good the key Project X", "Ada deleted the key Project X", "Ada created the key Project X"];
        assert_eq!(events(&page), done);
        assert_eq!(page.text(".cause__name"), "History of Project X");
        assert_eq!(page.attr(".cause", "href"), "/audit", "one click shows all again");
        assert_eq!(page.attrs(".event__target", "href"), vec![history; 3]);
        assert_eq!(shown(&client, &format!("target={}", other.id)), ["Ada created the key Other"]);
        assert_eq!(shown(&client, "target=key_01jdv3"), [""; 0]);
        client.get("/audit?target=key%201").assert_status(404);
    }

    fn events_are_filtered_by_person_action_and_day(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        client.switch(&key, "disabled");
        run(&["credits", "add", "5", "--note", "Invoice 7", "--database-url", &db.url()], "").assert_success();
        db.execute("UPDATE audit_events SET at = 1772409600000000 WHERE action = 'credits.added'"); // 2 March
        let ada = &db.ask("SELECT id AS line FROM operators")[0];
        let off = "Ada switched off the key Project X";

        assert_eq!(shown(&client, "action=api_key.disabled"), [off]);
        assert_eq!(shown(&client, "action=api_keys"), [off, "Ada created the key Project X"]);
        assert_eq!(shown(&client, "action=services"), [""; 0]);
        assert_eq!(shown(&client, &format!("actor={ada}&action=api_key.disabled&from=2026-03-01&to=2026-03-01")), [off]);
        assert_eq!(shown(&client, &format!("actor={ada}&action=credits")), [""; 0]);
        let by_hand = shown(&client, "actor=command_line");
        assert!(by_hand.len() == 1 && by_hand[0].ends_with(" added credits"), "{by_hand:?}");
        assert_eq!(shown(&client, "from=2026-03-02"), by_hand);
        assert_eq!(shown(&client, "from=2026-03-02&utc_offset=-60"), [""; 0], "a day later there");
        assert!(!shown(&client, "to=2026-03-01").contains(&by_hand[0]));

        let page = client.get("/audit?action=api_key.disabled").page();
        assert_eq!(page.attr("#filter-action option[selected]", "value"), "api_key.disabled");
        assert_eq!(page.attr(".event__who a", "href"), format!("/audit?actor={ada}&action=api_key.disabled"));
        assert_eq!(page.attr(".filter__clear", "href"), "/audit");
        assert!(!client.get("/audit").page().has(".filter__clear"));
    }

    fn a_filter_that_can_be_mended_says_how_and_another_is_not_found(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        for (query, message) in [("from=x", "Write the day as 2026-11-27."), ("from=2026-11-02&to=2026-11-01", "To can't be before From.")] {
            let page = client.get(&format!("/audit?{query}")).assert_status(422).page();
            assert_eq!(page.text(".field__error"), message);
            assert_eq!(page.text(".empty h2"), "Which days?");
        }
        for query in ["action=nothing", "actor=a%20b", "target=%00", "after=x", "after=1.aud_1", "utc_offset=x"] {
            client.get(&format!("/audit?{query}")).assert_status(404);
        }
        assert_eq!(client.get("/audit?action=callbacks").assert_ok().page().text(".empty h2"), "No events found");
        app.anonymous().get("/audit").assert_leads_to("/login?next=/audit");
    }

    fn pages_follow_each_other_without_a_gap_or_a_repetition(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        add_events(db, 120);
        db.execute("UPDATE audit_events SET at = 1772409600000000 WHERE at > 1772409640000000"); // 80 at one moment
        let mut seen: Vec<String> = Vec::new();
        let mut positions = Vec::new();
        let mut path = "/audit?action=credits".to_owned();
        loop {
            let page = client.get(&path).assert_ok().page();
            seen.extend(page.attrs(".event", "id"));
            positions.push(page.text(".pager__position"));
            match page.attrs(".pager__next", "href").pop() {
                Some(next) => path = next,
                None => break,
            }
        }

        assert_eq!(positions, ["1–50 of 120", "51–100 of 120", "101–120 of 120"]);
        let mut different = seen.clone();
        different.sort();
        different.dedup();
        assert_eq!((seen.len(), different.len()), (120, 120));

        let back = client.get(&client.get(&path).page().attr(".pager__newer", "href")).page();
        assert_eq!(back.attrs(".event", "id"), seen[50..100]);
        let first = client.get(&back.attrs(".pages a", "href")[0]).page();
        assert_eq!(first.attrs(".event", "id"), seen[..50]);
        assert_eq!(client.get("/audit?action=credits&after=1.aud_00000000000000000000000000").page().text(".empty h2"), "No events found");
        assert_eq!(client.get("/audit?after=1.aud_00000000000000000000000000").page().text(".empty h2"), "No older events");
    }

    fn another_account_sees_its_own_events_and_no_others(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        client.post("/settings/name", &[("name", "Countess")]).assert_status(303);
        client.post("/services", &[("name", "Mail"), ("slug", "mail"), ("key_prefix", "mail")]).assert_status(303);
        let ada = &db.ask("SELECT id AS line FROM operators")[0];
        let other = app.another_account();

        assert_eq!(shown(&other, ""), ["Ada logged in", "Keyfob added the person Ada"]);
        for hidden in [format!("target={}", key.id), format!("actor={ada}"), "action=services".to_owned()] {
            assert_eq!(shown(&other, &hidden), [""; 0], "{hidden}");
        }
        let unknown = other.get(&format!("/audit?target={}", key.id)).page();
        assert_eq!(unknown.text(".cause__name"), format!("History of {}", key.id));
        let file = other.post("/audit.jsonl", &[]).assert_ok().body;
        assert_eq!(file.lines().count(), 3, "{file}");
        assert!(!file.contains("Project X") && !other.get("/audit").body.contains("Project X"));
        assert!(client.post("/audit.jsonl", &[]).assert_ok().body.contains("Project X"));
    }

    fn what_concerns_the_installation_is_for_those_of_the_first_account_who_manage_it(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        owner.post("/services", &[("name", "Mail"), ("slug", "mail"), ("key_prefix", "mail")]).assert_status(303);
        let (admin, viewer) = (app.colleague(Role::Admin, "grace@example.com"), app.colleague(Role::Viewer, "joan@example.com"));
        let sees = |client: &Client| {
            let listed = shown(client, "action=services");
            let file = client.post("/audit.jsonl", &[("action", "services")]).assert_ok().body;
            assert_eq!(file.lines().count(), listed.len(), "{file}");
            listed
        };

        assert_eq!(sees(&owner), ["Ada created the service Mail"]);
        assert_eq!(sees(&admin), ["Ada created the service Mail"]);
        assert_eq!(sees(&viewer), [""; 0]);
        assert!(shown(&viewer, "").contains(&"Keyfob added the person Ada".to_owned()), "those of the account");
    }

    fn an_export_has_what_the_page_has_and_is_recorded(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        add_events(db, 1_060);
        let fields = [("action", "credits"), ("from", "2026-03-02"), ("utc_offset", "0")];

        let file = client.post("/audit.jsonl", &fields).assert_ok();
        let file = file.assert_header("content-type", "application/jsonl; charset=utf-8");
        let file = file.assert_header("content-disposition", "attachment; filename=\"audit-2026-03-01.jsonl\"");

        let exported = ids(&file.body);
        assert_eq!(exported.len(), 1_060);
        assert!(exported.is_sorted_by(|one, other| one > other), "newest first, none twice");
        let page = client.get("/audit?action=credits&from=2026-03-02&utc_offset=0").page();
        assert_eq!(page.attrs(".event", "id"), exported[..50]);
        assert_eq!(page.attr(".audit__export [name=action]", "value"), "credits");
        assert_eq!(shown(&client, "action=audit.exported"), ["Ada exported audit events"]);
        let told = client.get("/audit?action=audit.exported").page().text(".event__changes");
        assert_eq!(told, "Filter: action=credits&from=2026-03-02&utc_offset=0 Format: jsonl");

        client.get("/audit.jsonl").assert_status(405);
        app.anonymous().post("/audit.jsonl", &[]).assert_leads_to("/login");
        client.post("/audit.csv", &[("action", "nothing")]).assert_status(404);
        assert_eq!(shown(&client, "action=audit.exported").len(), 1, "what is refused is not recorded");
    }

    fn an_event_in_a_file_says_all_that_is_known_of_it(db: &Database) {
        let app = db.app();
        let key = app.signed_in().with("user-agent", "Firefox 150").create_key("Project X");
        let client = app.signed_in();

        let file = client.post("/audit.jsonl", &[("action", "api_keys")]).assert_ok().body;
        let event: Value = serde_json::from_str(&file).unwrap();

        let known = ["actor_kind", "actor_name", "via", "action", "target_kind", "target_id", "target_name", "address", "user_agent"];
        let told: Vec<&str> = known.iter().map(|name| event[name].as_str().unwrap()).collect();
        assert_eq!(told, ["operator", "Ada", "dashboard", "api_key.created", "api_key", &*key.id, "Project X", "127.0.0.1", "Firefox 150"]);
        assert_eq!((&event["at"], &event["reason"]), (&Value::from("2026-03-01T12:00:00.000000Z"), &Value::Null));
        assert_eq!(event["changes"]["mode"], serde_json::json!(["", "live"]));
        let csv = client.post("/audit.csv", &[("action", "api_keys")]).assert_ok().body;
        let columns: Vec<String> = event.as_object().unwrap().keys().map(|name| format!("\"{name}\"")).collect();
        let mut header: Vec<&str> = csv.trim_start_matches('\u{feff}').lines().next().unwrap().split(',').collect();
        header.sort_unstable();
        assert_eq!(header, columns, "the same names in both");
    }

    fn markup_and_formulas_in_names_are_text_everywhere(db: &Database) {
        let app = db.app();
        let client = app.signed_in().with("user-agent", "=HYPERLINK(\"http://x\")");
        client.post("/settings/name", &[("name", "<b>Ada</b>")]).assert_status(303);
        let key = client.create_key("=cmd|' /C calc'!A0");
        client.post(&format!("/api-keys/{}", key.id), &[("version", "1"), ("name", "<script>alert(1)</script>"), ("description", "@SUM(A1)")]).assert_status(303);

        let answer = client.get("/audit").assert_ok();

        assert!(!answer.body.contains("<script>alert") && !answer.body.contains("<b>Ada"), "{}", answer.body);
        let page = answer.page();
        assert_eq!(events(&page)[0], "<b>Ada</b> changed the name or description of the key =cmd|' /C calc'!A0");
        assert_eq!(page.texts(".event__changes")[0], "Description: none →, now @SUM(A1) Name: =cmd|' /C calc'!A0 →, now <script>alert(1)</script>");
        let history = client.get(&format!("/audit?target={}", key.id)).assert_ok();
        assert!(!history.body.contains("<script>alert"), "{}", history.body);

        let csv = client.post("/audit.csv", &[("target", &*key.id)]).assert_ok().body;
        for guarded in ["\"'=cmd|' /C calc'!A0\"", "\"\"'@SUM(A1)\"\"", "\"'=HYPERLINK(\"\"http://x\"\")\""] {
            assert!(csv.contains(guarded), "{guarded}: {csv}");
        }
        for unguarded in ["\"=", "\"@"] {
            assert!(!csv.contains(unguarded), "{unguarded}: {csv}");
        }
        let jsonl = client.post("/audit.jsonl", &[("target", &*key.id)]).assert_ok().body;
        assert!(jsonl.contains("\"target_name\":\"=cmd|' /C calc'!A0\""), "programs get names as they are: {jsonl}");
    }

    fn each_event_is_in_the_audit_log_exactly_once_also_after_changes_at_once(db: &Database) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let app = App::start_set(db, |config| config.audit_log = Some(path.to_str().unwrap().parse().unwrap()), keyfob::clock::Clock::System);
        let app = app.with_operator();
        let client = app.signed_in();
        let keys: Vec<Key> = (0..6).map(|n| client.create_key(&format!("Project {n}"))).collect();

        thread::scope(|scope| {
            for key in &keys {
                let client = app.signed_in();
                scope.spawn(move || (0..10).for_each(|n| client.switch(key, if n % 2 == 0 { "disabled" } else { "enabled" })));
            }
        });
        client.post("/api-keys", &[("key_id", "x"), ("service", "sms"), ("name", "")]).assert_status(422);
        let exported = client.post("/audit.jsonl", &[("action", "api_keys")]).assert_ok().body;

        let log = fs::read_to_string(&path).unwrap();
        let mut of_keys: Vec<&str> = log.lines().filter(|line| line.contains("\"action\":\"api_key.")).collect();
        let mut events: Vec<&str> = exported.lines().collect();
        of_keys.sort_unstable();
        events.sort_unstable();
        assert_eq!(of_keys.len(), 6 + 60);
        assert_eq!(of_keys, events, "the same lines as those of the export");
        assert_eq!(log.lines().filter(|line| line.contains("operator.logged_in")).count(), 7);
        assert_eq!(log.lines().filter(|line| line.contains("audit.exported")).count(), 1);
    }

    fn a_log_that_can_t_be_written_fails_no_change(db: &Database) {
        let app = App::start_set(db, |config| config.audit_log = Some("/dev/full".parse().unwrap()), keyfob::clock::Clock::System);
        let app = app.with_operator();
        let client = app.signed_in();

        let key = client.create_key("Project X");

        client.switch(&key, "disabled");
        assert_eq!(shown(&client, "action=api_keys").len(), 2);
    }

    fn the_command_line_writes_the_audit_log_too_and_starts_with_none_it_can_t_open(db: &Database) {
        let _app = db.app();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let add = |log: &str| run(&["credits", "add", "5", "--note", "x", "--database-url", &db.url(), "--audit-log", log], "");

        add(path.to_str().unwrap()).assert_success();
        let ended = add("stderr").assert_success();
        let refused = add("/nowhere/audit.jsonl");

        let line: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!((&line["action"], &line["via"]), (&Value::from("credits.added"), &Value::from("command_line")));
        assert!(ended.stderr.contains("\"action\":\"credits.added\""), "{ended:?}");
        refused.assert_says("the audit log /nowhere/audit.jsonl can't be opened").assert_one_sentence();
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action = 'credits.added'").len(), 2, "nothing was changed");
    }

    fn the_command_line_exports_the_same_events_for_programs(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        add_events(db, 1_020);
        let export = |arguments: &[&str]| run(&[&["audit", "export", "--database-url", &db.url()], arguments].concat(), "");

        let since = export(&["--since", "2026-03-02T00:16:40Z"]).assert_success();
        let all = export(&["--format", "csv"]).assert_success();

        let mut page = ids(&client.post("/audit.jsonl", &[("action", "credits")]).assert_ok().body);
        page.truncate(20);
        let printed: Vec<String> = ids(&since.stdout).into_iter().filter(|id| page.contains(id)).collect();
        assert_eq!(printed, page, "the 20 of the time from then on");
        assert_eq!(ids(&since.stdout).len(), 21, "and the export itself, which is newer");
        assert!(since.stderr.starts_with("21 events printed"), "{since:?}");
        assert!(all.stdout.starts_with("\u{feff}\"id\",") && all.stdout.lines().count() > 1_020, "{}", all.stdout.len());
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action = 'audit.exported' AND via = 'command_line'").len(), 2);

        for wrong in [&["--since", "yesterday"], &["--format", "xml"]] {
            assert!(!export(wrong).stderr.is_empty());
        }
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action = 'audit.exported' AND via = 'command_line'").len(), 2);
    }
}
