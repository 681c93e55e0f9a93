//! What a key may do, chosen on its page.

use serde_json::json;

use crate::support::{App, Client, EMAIL, Key, PASSWORD, Page, on_both_databases};

fn page_of(client: &Client, key: &Key) -> Page {
    client.get(&format!("/api-keys/{}", key.id)).assert_ok().page()
}

fn path(key: &Key) -> String {
    format!("/api-keys/{}/scopes", key.id)
}

/// What the form sends for these scopes; `*` is full access.
fn fields<'a>(scopes: &[&'a str]) -> Vec<(&'static str, &'a str)> {
    let access = if scopes == ["*"] { "full" } else { "some" };
    let ticked = scopes.iter().filter(|scope| **scope != "*").map(|scope| ("scopes", *scope));
    [("access", access)].into_iter().chain(ticked).collect()
}

#[track_caller]
fn choose(client: &Client, key: &Key, scopes: &[&str]) {
    client.post(&path(key), &fields(scopes)).assert_leads_to(&format!("/api-keys/{}", key.id));
}

/// What a door says that asks for `messages.send`.
#[track_caller]
fn at_the_door(app: &App, key: &Key) -> String {
    let question = json!({"key": key.secret, "scopes": ["messages.send"]}).to_string();
    app.anonymous().post_json("/v1/keys/verify", question).assert_ok().json()["code"].as_str().unwrap().to_owned()
}

fn fact(page: &Page) -> String {
    page.texts(".facts div").into_iter().find_map(|fact| fact.strip_prefix("May do").map(str::to_owned)).unwrap()
}

on_both_databases! {
    fn a_key_may_do_everything_until_it_is_limited_and_each_change_holds_from_the_next_request(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = page_of(&client, &key);
        assert_eq!(fact(&page), "Full access");
        assert!(page.has("#scopes details") && !page.has("#scopes details[open]"), "most people never need it");
        assert_eq!(page.attrs("#scopes input[type=checkbox]", "value"), ["balance.read", "messages.read", "messages.send"]);

        for (scopes, words, code) in [
            (&["messages.send"][..], "messages.send", "VALID"),
            (&["messages.read", "balance.read"], "balance.read, messages.read", "INSUFFICIENT_SCOPE"),
            (&[], "Nothing that asks for a scope", "INSUFFICIENT_SCOPE"),
            (&["*"], "Full access", "VALID"),
            (&[], "Nothing that asks for a scope", "INSUFFICIENT_SCOPE"),
        ] {
            choose(&client, &key, scopes);
            assert_eq!(at_the_door(&app, &key), code, "{scopes:?}");
            let page = page_of(&client, &key);
            assert_eq!(fact(&page), words);
            assert_eq!(page.toasts(), [format!("Success. “Project X” may do: {words}.")]);
            assert_eq!(page.has("#scopes details[open]"), scopes != ["*"]);
            let ticked = page.attrs("#scopes input[type=checkbox][checked]", "value");
            assert!(ticked.iter().all(|name| scopes.contains(&&**name)) && (scopes == ["*"] || ticked.len() == scopes.len()));
        }
        app.assert_verdict(&key.secret, "VALID");
    }

    fn what_can_not_be_chosen_changes_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        choose(&client, &key, &["messages.read"]);
        let theirs = app.another_account().create_key("Theirs");

        for wrong in ["messages.write", "*", "messages.*", "MESSAGES.READ", ""] {
            let typed = [("access", "some"), ("scopes", "messages.send"), ("scopes", wrong)];
            let page = client.post(&path(&key), &typed).assert_status(422).page();
            assert!(page.has("#key-scopes-error") && page.has("#scopes details[open]"), "{wrong:?}");
            assert_eq!(page.attrs("#scopes input[type=checkbox][checked]", "value"), ["messages.send"]);
        }
        // A form that says nothing must not open everything.
        for nothing in [&[][..], &[("was", "messages.read")], &[("scopes", "messages.send")]] {
            client.post(&path(&key), nothing).assert_status(400);
        }
        client.post(&path(&theirs), &fields(&[])).assert_status(404);

        assert_eq!(fact(&page_of(&client, &key)), "messages.read");
        assert_eq!(db.ask("SELECT scopes AS line FROM api_keys ORDER BY scopes"), ["*", "messages.read"]);
    }

    fn what_somebody_else_changed_is_not_overwritten_unseen(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let was = page_of(&client, &key).attr("#scopes-form [name=was]", "value");
        choose(&client, &key, &["messages.read"]);
        let late = |was: &str| {
            let fields = [("access", "some"), ("scopes", "messages.send"), ("was", was)];
            client.post(&path(&key), &fields)
        };

        let page = late(&was).assert_status(409).page();

        assert_eq!(page.text("#scopes .alert"), "Somebody changed this while you were editing.");
        assert_eq!(fact(&page), "messages.read");
        assert_eq!(page.attrs("#scopes input[type=checkbox][checked]", "value"), ["messages.send"]);
        late(&page.attr("#scopes-form [name=was]", "value")).assert_status(303);
        assert_eq!(fact(&page_of(&client, &key)), "messages.send");
        late(&was).assert_status(303); // what is so already is no conflict
    }

    fn a_choice_outlives_a_lost_session(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let typed = fields(&["messages.read"]);

        let login = app.anonymous().post(&path(&key), &typed).assert_status(401).page();

        let (next, draft, client) = (login.field("next"), login.field("draft"), app.anonymous());
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", &*next), ("draft", &*draft)];
        client.post("/login", &fields).assert_leads_to(&next);
        let page = client.get(&next).assert_ok().page();
        assert_eq!(page.attrs("#scopes input[type=checkbox][checked]", "value"), ["messages.read"]);
        assert!(page.has("#scopes details[open]"));
        assert_eq!(fact(&page), "Full access", "nothing was saved");
    }

    fn a_service_without_scopes_leaves_nothing_to_choose(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let client = app.signed_in();
        let id = client.form_id();
        client.post("/api-keys", &[("key_id", &id), ("service", "mail"), ("name", "Mail")]).assert_ok();
        let key = Key { id, secret: String::new() };

        let page = page_of(&client, &key);

        assert_eq!(page.attr("#scopes .settings__none a", "href"), "/services/mail#scopes");
        assert!(!page.has("#scopes-form"));
        client.post(&path(&key), &fields(&["messages.send"])).assert_status(422);
    }
}
