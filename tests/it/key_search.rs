//! Finding keys among many: the search box, filters, orders and pages.

use crate::support::{Answer, App, Client, Database, Key, on_both_databases};

/// A key of another installation.
const STRANGER: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";
const DAY: i64 = 24 * 3600 * 1_000_000;

fn search(client: &Client, text: &str) -> Answer {
    client.post("/api-keys/search", &[("q", text)])
}

/// The names that a search leads to.
#[track_caller]
fn found(client: &Client, text: &str) -> Vec<String> {
    let answer = search(client, text).assert_status(303);
    let location = answer.location().to_owned();
    assert!(location == "/api-keys" || location.starts_with("/api-keys?q="), "{location}");
    client.get(&location).assert_ok().page().rows()
}

fn names(client: &Client, query: &str) -> Vec<String> {
    let mut names = client.get(&format!("/api-keys?{query}")).assert_ok().page().rows();
    names.sort();
    names
}

fn rotate(client: &Client, key: &Key) -> String {
    let path = format!("/api-keys/{}/rotation", key.id);
    let secret_id = client.get(&path).page().field("secret_id");
    let shown = client.post(&path, &[("secret_id", &*secret_id), ("grace", "86400")]).assert_ok().page();
    shown.text(".reveal .copyable__text[id^=key-secret]")
}

fn tail(secret: &str) -> &str {
    &secret[secret.len() - 4..]
}

fn describe(client: &Client, key: &Key, description: &str) {
    let page = client.get(&format!("/api-keys/{}", key.id)).assert_ok().page();
    let fields = [("version", &*page.field("version")), ("name", &*page.field("name")), ("description", description)];
    client.post(&format!("/api-keys/{}", key.id), &fields).assert_status(303);
}

/// Adds keys behind the form's back, as one statement: key `n` of `count` has an end for
/// every second one, a last use for every third one, and names that are not in their order.
fn add_many(app: &App, count: usize) {
    let key = app.make_key("Template");
    let (numbers, digest, spread) = if app.db.is_sqlite() {
        let numbers = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < COUNT)";
        (
            numbers.replace("COUNT", &count.to_string()),
            "CAST(printf('%032d', n) AS BLOB)",
            "printf('%05d', n * 7919 % 10007)",
        )
    } else {
        let numbers = format!("WITH numbers AS (SELECT generate_series(1, {count})::bigint AS n)");
        (numbers, "decode(lpad(n::text, 64, '0'), 'hex')", "lpad((n * 7919 % 10007)::text, 5, '0')")
    };
    let (id, secret) =
        (spread.replace("%05d", "%026d").replace("5, '0'", "26, '0'").replace("n * 7919 % 10007", "n"), digest);
    let name = format!("'name ' || {spread}");
    let base = format!("SELECT created_at FROM api_keys WHERE id = '{}'", key.id);
    for statement in [
        format!(
            "INSERT INTO api_keys (id, account_id, service, mode, name, description, status, created_at, expires_at, sort_name, search) \
             {numbers} SELECT 'key_' || {id}, account_id, service, mode, {name}, '', 'enabled', created_at - n / 3 - 1, \
             CASE WHEN n % 2 = 0 THEN created_at + {DAY} * 400 + n * 7 % 100 END, {name}, {name} \
             FROM numbers, api_keys WHERE api_keys.id = '{}'",
            key.id
        ),
        format!(
            "INSERT INTO key_secrets (id, api_key_id, digest, mask, tail, created_at, origin) \
             {numbers} SELECT 'ksec_' || {id}, 'key_' || {id}, {secret}, 'sms_live_••••••abcd', 'abcd', 1, 'minted' FROM numbers"
        ),
        format!(
            "INSERT INTO key_last_uses (api_key_id, account_id, created_at, last_used_at) \
             {numbers} SELECT 'key_' || {id}, accounts.id, ({base}) - n / 3 - 1, CASE WHEN n % 3 = 0 THEN n * 31 % 97 + 1 ELSE 0 END \
             FROM numbers, accounts WHERE accounts.id = (SELECT account_id FROM api_keys WHERE id = '{}')",
            key.id
        ),
    ] {
        app.db.execute(&statement);
    }
    app.db.execute(&format!("UPDATE api_keys SET deleted_at = 1 WHERE id = '{}'", key.id));
}

/// The ids of all keys, as the database sorts them.
fn sorted(db: &Database, order: &str) -> Vec<String> {
    db.ask(&format!(
        "SELECT api_keys.id AS line FROM api_keys JOIN key_last_uses ON api_key_id = api_keys.id \
         WHERE deleted_at IS NULL ORDER BY {order}"
    ))
}

/// Follows the links to the next pages; the ids on each page.
fn pages(client: &Client, first: &str) -> Vec<(String, Vec<String>)> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let page = client.get(&path).assert_ok().page();
        next = page.attrs(".pager a[rel=next]", "href").pop();
        pages.push((path, page.attrs("#api-keys-rows > tr", "id")));
    }
    pages
}

on_both_databases! {
    fn a_key_is_found_by_any_part_of_its_name_or_description_whatever_case_and_accents(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        for name in ["Žluťoučký kůň", "İstanbul", "100%_a\\b'c!", "😀 emoji", "שלום עולם", "e\u{301}cole"] {
            client.create_key(name);
        }
        let described = client.create_key("Described");
        describe(&client, &described, "Für die Straße nach Rom");

        for (text, name) in [
            ("ZLUTOU", "Žluťoučký kůň"), ("kun", "Žluťoučký kůň"), ("STRASSE nach", "Described"),
            ("ISTANBUL", "İstanbul"), ("100%_", "100%_a\\b'c!"), ("a\\b'", "100%_a\\b'c!"), ("c!", "100%_a\\b'c!"),
            ("😀 e", "😀 emoji"), ("שלום", "שלום עולם"), ("École", "e\u{301}cole"), ("  ecole\t", "e\u{301}cole"),
        ] {
            assert_eq!(found(&client, text), [name], "{text}");
        }
        for text in ["%%", "__", "0_0", "a%b", "\\\\", "''", "nothing", "' OR '1'='1"] {
            assert_eq!(found(&client, text), [""; 0], "{text}");
        }
        assert_eq!(found(&client, " \t ").len(), 7, "a blank search is none");
    }

    fn four_letters_find_every_secret_that_ends_so_and_no_other_accounts(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (one, other) = (client.create_key("One"), client.create_key("Two"));
        let theirs = app.another_account().create_key("Theirs");
        let new = rotate(&client, &one);

        assert_eq!(found(&client, tail(&one.secret)), ["One"], "by its previous secret");
        assert_eq!(found(&client, tail(&new)), ["One"]);
        assert_eq!(found(&client, tail(&other.secret)), ["Two"]);
        assert_eq!(found(&client, tail(&theirs.secret)), [""; 0]);
    }

    fn a_whole_key_leads_to_its_page_and_is_in_no_address_no_answer_and_no_row(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let new = rotate(&client, &key);
        let path = format!("/api-keys/{}", key.id);

        for (text, note) in [
            (format!("\t {new} \n"), "This is the key that you pasted."),
            (format!("Authorization: Bearer {new}"), "This is the key that you pasted."),
            (key.secret.clone(), "You pasted an earlier secret of this key."),
        ] {
            let answer = search(&client, &text).assert_status(303);
            assert_eq!(answer.location(), path);
            let page = client.get(&path).assert_ok();
            assert!(page.page().toasts()[0].contains(note), "{:?}", page.page().toasts());
            assert!(!answer.body.contains(&text) && !page.body.contains(&new[9..20]), "{text}");
        }
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action = 'api_key.looked_up'").len(), 3);
        let rows = format!("{:?}", db.rows());
        assert!(!rows.contains(&new[9..20]) && !rows.contains(&key.secret[9..20]));
        assert_eq!(db.count("key_secret_usages"), 0);
    }

    fn a_key_that_is_not_ours_is_said_to_be_none_and_the_list_stays_as_it_was(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.create_key("Project X");
        let theirs = app.another_account().create_key("Theirs").secret;
        let mistyped = format!("{}{}", &theirs[..theirs.len() - 1], if theirs.ends_with('a') { "b" } else { "a" });

        for (text, note) in [
            (STRANGER, "No key of yours has this secret."),
            (&*theirs, "No key of yours has this secret."),
            (&*format!("x {STRANGER} y"), "No key of yours has this secret."),
            (&*mistyped, "This looks like a key, but"),
        ] {
            let fields = [("q", text), ("list", "status=enabled&sort=name")];
            let answer = client.post("/api-keys/search", &fields).assert_status(303);
            assert_eq!(answer.location(), "/api-keys?status=enabled&sort=name");
            let list = client.get(answer.location()).assert_ok();
            assert!(list.page().toasts()[0].contains(note), "{text}: {:?}", list.page().toasts());
            assert!(!list.body.contains(text));
        }
    }

    fn a_key_in_an_address_is_not_shown_again(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for text in [key.secret.clone(), format!("x{}y", key.secret), STRANGER.to_owned()] {
            let answer = client.get(&format!("/api-keys?status=enabled&q={text}")).assert_status(422);
            assert!(!answer.body.contains(&text[9..20]), "{text}");
            assert!(answer.page().text("#key-search").contains("A key does not belong in an address"));
        }
    }

    fn an_id_leads_to_its_page_and_only_within_the_account(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let theirs = app.another_account().create_key("Theirs");

        assert_eq!(search(&client, &format!(" {} ", key.id)).location(), format!("/api-keys/{}", key.id));
        assert_eq!(found(&client, &theirs.id), [""; 0]);
        assert_eq!(found(&client, &key.id[..10]), [""; 0], "an id is found as a whole");
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]);
        assert_eq!(found(&client, &key.id), [""; 0], "it is in the trash");
        assert_eq!(search(&client, &key.secret).location(), format!("/api-keys?q={}&trash=yes", key.id));
        assert_eq!(names(&client, &format!("q={}&trash=yes", key.id)), ["Project X"]);
    }

    fn a_search_that_is_too_short_or_too_long_says_so_and_loses_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.create_key("Project X");

        for (text, message) in [
            ("a".to_owned(), "Type at least 2 characters."),
            ("x".repeat(10_000), "Search for at most 200 characters."),
            ("😀".repeat(10_000), "Search for at most 200 characters."),
        ] {
            let page = search(&client, &text).assert_status(422).page();
            assert_eq!(page.text("#key-search-q-error"), message);
            assert_eq!(page.field("q"), text);
        }
    }

    fn each_filter_shows_what_it_says_and_nothing_else(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("This");
        let other = client.create_key("Other");
        let year = format!("created_at - 400 * {DAY}");
        // The other one is none of it: used now, ends in a year, and limited.
        let limits = format!("UPDATE api_keys SET allowed_ips = '10.0.0.0/8', expires_at = created_at + 365 * {DAY} WHERE id = '{}'", other.id);
        let uses = "UPDATE key_last_uses SET last_used_at = created_at";
        let this = |set: &str| format!("UPDATE api_keys SET {set} WHERE id = '{}'", key.id);
        let set_use = |set: &str| format!("UPDATE key_last_uses SET {set} WHERE api_key_id = '{}'", key.id);
        let blob = if app.db.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        let now = "(SELECT MAX(created_at) FROM api_keys)";
        for (query, change) in [
            ("status=disabled", this("status = 'disabled'")),
            ("mode=test", this("mode = 'test'")),
            ("expires=expired", this("expires_at = created_at - 1")),
            ("expires=soon", this(&format!("expires_at = created_at + 29 * {DAY}"))),
            ("expires=never", this("expires_at = NULL")),
            ("used=never", set_use("last_used_at = 0")),
            ("used=unused", format!("{}; {}", this(&format!("created_at = {year}")), set_use("last_used_at = 1"))),
            ("is=rotating", format!(
                "INSERT INTO key_secrets (id, api_key_id, digest, mask, tail, created_at, ends_at, origin) \
                 VALUES ('ksec_00000000000000000000000001', '{}', {blob}, 'm', 'abcd', 1, {now} + {DAY}, 'minted')", key.id)),
            ("is=refused", format!(
                "INSERT INTO key_refusals (id, account_id, api_key_id, hour, code, source, requests, first_at, last_at, address, user_agent) \
                 SELECT 'ref_1', account_id, id, 0, 'DISABLED', '*', 1, {now}, {now}, '', '' FROM api_keys WHERE id = '{}'", key.id)),
            ("is=reported", format!(
                "INSERT INTO leak_reports (api_key_id, key_secret_id, reports, first_at, last_at, source, url, address) \
                 VALUES ('{}', 'ksec_1', 1, 1, 1, '', '', '')", key.id)),
            ("is=imported", format!("UPDATE key_secrets SET origin = 'imported' WHERE api_key_id = '{}' AND ends_at IS NULL", key.id)),
            ("is=unlimited", this("allowed_ips = '', scopes = '*'")),
            ("made_before=2026-01-01", this("created_at = 1")),
            ("trash=yes", this(&format!("deleted_at = {now}"))),
        ] {
            app.db.execute(&limits);
            app.db.execute(uses);
            app.db.execute(&this(&format!("allowed_ips = '::1', created_at = {now}, expires_at = {now} + 365 * {DAY}")));
            assert_eq!(names(&client, query), [""; 0], "{query} before");
            app.db.execute(&change);

            assert_eq!(names(&client, query), ["This"], "{query}");
            assert_eq!(names(&client, &format!("q=this&service=sms&{query}")), ["This"], "{query}");
            assert_eq!(names(&client, &format!("q=other&{query}")), [""; 0], "{query}");
        }
        assert_eq!(names(&client, "is=rotating&is=reported&trash=yes&status=disabled"), ["This"]);
        assert_eq!(names(&client, ""), ["Other"], "trashed keys are left out");
    }

    fn refusals_rotations_and_reports_that_are_over_are_no_longer_found(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("This");
        let blob = if app.db.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        app.db.execute(&format!(
            "INSERT INTO key_secrets (id, api_key_id, digest, mask, tail, created_at, ends_at, origin) \
             VALUES ('ksec_00000000000000000000000001', '{id}', {blob}, 'm', 'abcd', 1, 2, 'minted'); \
             INSERT INTO key_refusals (id, account_id, api_key_id, hour, code, source, requests, first_at, last_at, address, user_agent) \
             SELECT 'ref_1', account_id, id, 0, 'DISABLED', '*', 1, 1, created_at - 8 * {DAY}, '', '' FROM api_keys WHERE id = '{id}'; \
             INSERT INTO leak_reports (api_key_id, key_secret_id, reports, first_at, last_at, source, url, address, dismissed_at) \
             VALUES ('{id}', 'ksec_1', 1, 1, 1, '', '', '', 2)", id = key.id
        ));

        for query in ["is=rotating", "is=refused", "is=reported", "used=unused", "expires=expired"] {
            assert_eq!(names(&client, query), [""; 0], "{query}");
        }
        assert_eq!(names(&client, "used=never"), ["This"]);
    }

    fn keys_are_found_by_who_made_them(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.create_key("Mine");
        let colleague = app.colleague(keyfob::domain::account::membership::Role::Admin, "bob@example.com");
        colleague.create_key("Bob's");
        let bob = crate::support::operator_id(app.db, "bob@example.com");

        let page = client.get(&format!("/api-keys?made_by={bob}")).assert_ok().page();

        assert_eq!(page.rows(), ["Bob's"]);
        assert!(page.text(".active-filters").contains("Made by"), "{}", page.text(".active-filters"));
    }

    fn what_is_filtered_is_said_in_words_and_taken_away_with_one_click(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Foo");
        client.switch(&key, "disabled");

        let page = client.get("/api-keys?q=foo&status=disabled&sort=name").assert_ok().page();
        assert_eq!(page.rows(), ["Foo"]);
        assert_eq!(page.attrs(".active-filters a", "href"), ["/api-keys?status=disabled&sort=name", "/api-keys?q=foo&sort=name", "/api-keys"]);
        assert_eq!(page.field("list"), "status=disabled&sort=name");

        let empty = client.get("/api-keys?q=bar&status=disabled&used=never").assert_ok().page();
        assert!(empty.text(".empty").contains("No key matches “bar” with the filters Switched off, Never used."), "{}", empty.text(".empty"));
        assert_eq!(empty.attrs(".empty a", "href"), ["/api-keys?q=bar", "/api-keys"]);
    }

    fn a_filter_an_order_or_a_page_that_does_not_exist_is_not_found(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.create_key("Project X");

        for query in ["color=red", "status=maybe", "is=old", "used=often", "sort=color", "made_by=ada", "after=x", "sort=name&after=1.key_1", "service=a%00b"] {
            client.get(&format!("/api-keys?{query}")).assert_status(404);
            let filter = [("do", "export"), ("scope", "matching"), ("filter", query)];
            client.post("/api-keys/bulk", &filter).assert_status(404);
        }
        let key = client.create_key("Project Y");
        for number in [i64::MIN, i64::MAX] {
            for sort in ["last_used", "expires"] {
                client.get(&format!("/api-keys?sort={sort}&after={number}.{}.{number}", key.id)).assert_ok();
            }
        }
        client.get("/api-keys?made_before=yesterday").assert_status(422);
        client.post("/api-keys/search", &[("q", "foo"), ("list", "color=red")]).assert_status(404);
    }

    fn many_keys_are_walked_through_in_every_order_with_empty_values_last(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        add_many(&app, 1_120);

        for (sort, order) in [
            ("newest", "api_keys.created_at DESC, id DESC"),
            ("oldest", "api_keys.created_at, id"),
            ("name", "sort_name, api_keys.created_at DESC, id DESC"),
            ("last_used", "last_used_at = 0, last_used_at DESC, api_keys.created_at DESC, id DESC"),
            ("expires", "expires_at IS NULL, expires_at, api_keys.created_at DESC, id DESC"),
        ] {
            let pages = pages(&client, &format!("/api-keys?sort={sort}"));
            let seen: Vec<String> = pages.iter().flat_map(|(_, ids)| ids.clone()).collect();
            assert_eq!(seen, sorted(db, order), "{sort}");

            let third = client.get(&pages[2].0).page();
            let back = client.get(&third.attr(".pager a[rel=prev]", "href")).page();
            assert_eq!(back.attrs("#api-keys-rows > tr", "id"), pages[1].1, "{sort}");
            assert_eq!(third.text(".pager__position"), "101–150 of more than 1,000");
            // The same with a filter that most fit, and with one that few fit.
            let filtered = client.get(&format!("/api-keys?sort={sort}&status=enabled&q=name")).page();
            assert_eq!(filtered.attrs("#api-keys-rows > tr", "id"), pages[0].1, "{sort}");
            let few = client.get(&format!("/api-keys?sort={sort}&q=name%20000")).page();
            let fits = db.ask("SELECT id AS line FROM api_keys WHERE sort_name LIKE 'name 000%' AND deleted_at IS NULL");
            let expected: Vec<String> = seen.into_iter().filter(|id| fits.contains(id)).collect();
            assert!(expected.len() > 3, "{expected:?}");
            assert_eq!(few.attrs("#api-keys-rows > tr", "id"), expected, "{sort}");
        }
    }

    fn the_page_after_a_key_that_is_gone_is_still_there(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        add_many(&app, 120);
        for sort in ["newest", "name", "last_used", "expires"] {
            let first = client.get(&format!("/api-keys?sort={sort}")).page();
            let (ids, next) = (first.attrs("#api-keys-rows > tr", "id"), first.attr(".pager a[rel=next]", "href"));
            let before = client.get(&next).page().attrs("#api-keys-rows > tr", "id");

            client.post(&format!("/api-keys/{}/deletion", ids[49]), &[]).assert_status(303);

            assert_eq!(client.get(&next).assert_ok().page().attrs("#api-keys-rows > tr", "id"), before, "{sort}");
        }
    }

    fn what_deserves_a_look_is_counted_above_a_long_list_only(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.create_key("One");
        let few = client.get("/api-keys").page();
        assert!(!few.has(".key-card") && !few.has("thead a"), "a list of few keys is plain");

        add_many(&app, 1_100);
        let page = client.get("/api-keys").page();

        assert_eq!(page.texts(".key-card"), ["551 never expire", "1,000+ without address or scope limit"]);
        let href = page.attrs(".key-card", "href").remove(0);
        assert_eq!(href, "/api-keys?expires=never");
        assert_eq!(client.get(&href).assert_ok().page().text(".pager__position"), "1–50 of 551");
        assert!(!client.get(&href).page().has(".key-card"));
    }
}
