//! Writes that another site's page sends are refused, on every route.

use keyfob::domain::account::membership::Role;
use keyfob::domain::api_key::KeySecretId;
use keyfob::domain::credit::LedgerEntryId;
use keyfob::domain::message::MessageId;

use crate::support::{
    Answer, App, Client, EMAIL, Key, PASSWORD, UNKNOWN_INVITATION, UNKNOWN_OPERATOR, on_both_databases, operator_id,
    routes,
};

pub type Write = (&'static str, &'static [(&'static str, &'static str)]);

/// Every route that takes a POST, with a form that it takes. `ID` stands for
/// the id of a key, `SECRET` for its secret; `FORM`, `MESSAGE`, `ENTRY` and
/// `NEW_SECRET` for the id in a form. The unknown operator stands for Grace.
pub const WRITES: &[Write] = &[
    ("/setup", &[("code", "x"), ("name", "Eve"), ("email", "eve@example.com"), ("password", PASSWORD)]),
    ("/login", &[("email", EMAIL), ("password", PASSWORD)]),
    ("/login/confirmation", &[("password", PASSWORD)]),
    ("/settings/sessions/ID/end", &[]),
    ("/settings/sessions/end-others", &[]),
    ("/login/second-factor", &[("code", "123456")]),
    ("/logout", &[]),
    ("/settings/name", &[("name", "Eve")]),
    ("/settings/password", &[("current_password", PASSWORD), ("new_password", "a battery of correct horses")]),
    ("/settings/second-factor/setup", &[]),
    ("/settings/second-factor/activation", &[("code", "123456")]),
    ("/settings/second-factor/recovery-codes", &[("code", "123456")]),
    ("/settings/second-factor/removal", &[("code", "123456")]),
    ("/settings/instance/second-factor", &[("second_factor_rule", "nobody")]),
    ("/settings/instance", &[("default_lifetime_days", "90"), ("max_lifetime_days", "")]),
    ("/settings/instance/name", &[("instance_name", "Eve")]),
    ("/settings/instance/shortening", &[("total", "1"), ("end", "0")]),
    ("/settings/limits", &[("messages_minute", "60")]),
    ("/settings/limits/offer", &[("action", "on")]),
    ("/api-keys", &[("key_id", "FORM"), ("service", "sms"), ("name", "Eve")]),
    ("/api-keys/ID", &[("version", "1"), ("name", "Eve"), ("description", "")]),
    ("/api-keys/ID/default-sender", &[("default_sender", "Shop")]),
    ("/api-keys/ID/expiry", &[("ends", "30")]),
    ("/api-keys/ID/scopes", &[("access", "full")]),
    ("/api-keys/ID/allowed-ips", &[("allowed_ips", "203.0.113.9")]),
    ("/api-keys/ID/limits", &[("credits_day", "500")]),
    ("/api-keys/ID/callback", &[("url", "https://example.com/sms"), ("action", "save")]),
    ("/api-keys/ID/handover", &[("key", "SECRET")]),
    ("/api-keys/ID/handover/withdrawal", &[]),
    ("/api-keys/ID/status", &[("status", "disabled")]),
    ("/api-keys/ID/restoration", &[]),
    ("/api-keys/ID/purge", &[]),
    ("/api-keys/ID/deletion", &[]),
    ("/api-keys/bulk", &[("do", "disable"), ("key", "ID")]),
    ("/api-keys/bulk/confirmation", &[("do", "disable"), ("key", "ID"), ("count", "1")]),
    ("/api-keys/bulk/ID", &[]),
    ("/undo/ID", &[]),
    ("/api-keys/ID/rotation", &[("secret_id", "NEW_SECRET"), ("grace", "86400")]),
    ("/api-keys/ID/rotation/extension", &[("grace", "604800")]),
    ("/api-keys/ID/rotation/end", &[]),
    ("/messages", &[("form_id", "MESSAGE"), ("to", "+420777123456"), ("text", "x"), ("mode", "live")]),
    ("/credits", &[("entry_id", "ENTRY"), ("amount", "500"), ("note", "x")]),
    ("/credits/corrections", &[("correction_id", "ENTRY"), ("change", "-5"), ("reason", "x")]),
    ("/api-keys/ID/leak-report/dismissal", &[]),
    ("/services/sms/self-revocation", &[("self_revocation", "refused")]),
    ("/services/sms/status", &[("status", "disabled")]),
    ("/settings/instance/leak-reports", &[("leak_reports", "off")]),
    ("/api-keys/search", &[("q", "Eve")]),
    ("/leaks", &[("text", "x")]),
    ("/leaks/switch-off", &[("key", "ID")]),
    ("/services", &[("name", "Eve"), ("slug", "eve"), ("key_prefix", "eve")]),
    ("/services/sms", &[("name", "Eve")]),
    ("/services/sms/scopes", &[("scope", "eve.read"), ("description", "Read Eve")]),
    ("/services/sms/scopes/eve.read", &[("description", "Read what is Eve's")]),
    ("/services/sms/scopes/eve.read/deletion", &[]),
    ("/people/invitations", &[("role", "viewer"), ("email", "")]),
    ("/people/invitations/inv_00000000000000000000000000/withdrawal", &[]),
    ("/people/op_00000000000000000000000000/role", &[("role", "admin")]),
    ("/people/op_00000000000000000000000000/password-link", &[]),
    ("/people/op_00000000000000000000000000/second-factor", &[]),
    ("/people/op_00000000000000000000000000/status", &[("status", "disabled")]),
    ("/people/op_00000000000000000000000000/removal", &[]),
    ("/automate", &[("key_id", "FORM"), ("name", "Eve"), ("scopes", "keys.read"), ("reach", "all"), ("grants", "all")]),
    ("/audit.csv", &[]),
    ("/audit.jsonl", &[]),
];

/// Those that take a code of the moment, which are allowed with it in `second_factor.rs`.
const NEED_A_CODE: [&str; 3] =
    ["/settings/second-factor/activation", "/settings/second-factor/recovery-codes", "/settings/second-factor/removal"];

/// Those about an action on keys, which are allowed with its id in `bulk.rs` and `undo.rs`.
const OF_ACTIONS: [&str; 2] = ["/api-keys/bulk/ID", "/undo/ID"];

/// Those that work without a cookie, and so need no such protection.
const WITHOUT_COOKIE: [&str; 18] = [
    VERIFY,
    "/v1/introspect",
    "/v1/keys/lookup",
    "/v1/auth",
    "/v1/auth/sms",
    "/v1/sms/messages",
    "/v1/sms/messages/estimate",
    "/v1/leak-reports",
    "/v1/keys",
    "/v1/keys/ID/rotation",
    "/v1/keys/ID/restoration",
    "/v1/key-imports",
    "/v1/carriers/eve.read/receipts/SECRET",
    "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json",
    "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages/SM00000000000000000000000000000000.json",
    LINK,
    // Somebody who is logged in proves where their form comes from.
    "/invitations/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "/passwords/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];
const LINK: &str = "/handover/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const VERIFY: &str = "/v1/keys/verify";

/// The ids of what the forms are about.
pub struct Ids {
    pub key: Key,
    pub form: String,
    pub person: String,
    pub invitation: String,
}

impl Ids {
    fn new(app: &App, client: &Client) -> Self {
        if app.db.count("operators") == 1 {
            app.colleague(Role::Viewer, "grace@example.com");
            client.invite("viewer", "");
        }
        Self {
            key: client.create_key("Project X"),
            form: client.form_id(),
            person: operator_id(app.db, "grace@example.com"),
            invitation: app.db.ask("SELECT id AS line FROM invitations").remove(0),
        }
    }
}

pub fn send(client: &Client, ids: &Ids, (path, fields): &Write) -> Answer {
    let Ids { key, form, person, invitation } = ids;
    let (message, entry, secret) = (MessageId::mint(), LedgerEntryId::mint(), KeySecretId::mint());
    let fill_in = |value: &'static str| -> &str {
        match value {
            "FORM" => form,
            "MESSAGE" => message.as_str(),
            "ENTRY" => entry.as_str(),
            "SECRET" => &key.secret,
            "NEW_SECRET" => secret.as_str(),
            value => value,
        }
    };
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, fill_in(value))).collect();
    let session = path.starts_with("/settings/sessions/ID").then(|| client.get("/settings/sessions").page());
    let session = session.and_then(|page| page.attrs(".session form", "action").pop());
    let path = path.replace(UNKNOWN_OPERATOR, person).replace(UNKNOWN_INVITATION, invitation);
    client.post(&session.unwrap_or_else(|| path.replace("ID", &key.id)), &fields)
}

/// Nothing that `falsify` makes of the operator's browser may write anything.
#[track_caller]
fn assert_refused(app: &App, falsify: impl Fn(&Client) -> Client) {
    let client = app.signed_in();
    let ids = Ids::new(app, &client);
    let before = app.db.rows();
    for write in WRITES {
        let answer = send(&falsify(&client), &ids, write).assert_status(403);
        assert!(answer.page().text("main").contains("came from another site's page"), "{}", answer.body);
    }
    assert_eq!(app.db.rows(), before);
}

#[test]
fn every_route_that_writes_is_in_the_list() {
    let mut paths: Vec<_> =
        routes().into_iter().filter(|route| route.takes("POST")).map(|route| route.path("ID")).collect();

    assert!(WITHOUT_COOKIE.iter().all(|path| paths.iter().any(|known| known == path)), "{paths:?}");
    paths.retain(|path| !WITHOUT_COOKIE.contains(&path.as_str()));

    let mut listed: Vec<_> = WRITES.iter().map(|(path, _)| *path).collect();
    paths.sort_unstable();
    listed.sort_unstable();
    assert_eq!(paths, listed);
}

on_both_databases! {
    fn ones_own_pages_may_write(db: &Database) {
        let app = db.app();
        let (client, _other) = (app.signed_in(), app.signed_in());
        let ids = Ids::new(&app, &client);

        // What ends a key or the session comes last.
        let (ends, others): (Vec<_>, Vec<_>) =
            WRITES.iter().partition(|(path, _)| ["/logout", "/api-keys/ID/purge", "/api-keys/ID/deletion"].contains(path));
        for write in others {
            let answer = send(&client, &ids, write);
            let is_refused = NEED_A_CODE.contains(&write.0) && matches!(answer.status, 409 | 422);
            let is_unknown = OF_ACTIONS.contains(&write.0) && answer.status == 404;
            assert!(is_refused || is_unknown || matches!(answer.status, 200 | 303), "{write:?}: {}", answer.status);
        }

        let rows = db.rows();
        assert_eq!(rows["api_keys"].len(), 2);
        assert!(rows["api_keys"].iter().any(|row| row.contains("disabled")), "{rows:?}");
        assert!(rows["operators"].iter().any(|row| row.contains("Eve")), "{rows:?}");
        for write in ends.iter().rev() {
            send(&client, &ids, write).assert_status(303);
        }
        assert_eq!(db.count("api_keys"), 1);
    }

    fn another_sites_page_may_not_write(db: &Database) {
        let app = db.app();

        assert_refused(&app, |client| {
            client.with("sec-fetch-site", "cross-site").with("origin", "https://evil.example")
        });
        assert_refused(&app, |client| client.with("sec-fetch-site", "cross-site"));
    }

    fn a_neighbours_page_may_not_write(db: &Database) {
        assert_refused(&db.app(), |client| client.with("sec-fetch-site", "same-site"));
    }

    fn a_browser_that_says_only_the_origin_may_write_from_here_and_from_nowhere_else(db: &Database) {
        let app = db.app();
        let older = |client: &Client| client.without("sec-fetch-site");

        for origin in ["https://evil.example", "null", "", "http://127.0.0.1", &format!("{}.evil.example", app.url)] {
            assert_refused(&app, |client| older(client).with("origin", origin));
        }
        older(&app.signed_in()).post("/settings/name", &[("name", "Eve")]).assert_leads_to("/settings");
    }

    fn a_cookie_without_any_word_of_where_it_comes_from_may_not_write(db: &Database) {
        let silent = |client: &Client| client.without("sec-fetch-site").without("origin");
        let app = db.app();

        assert_refused(&app, silent);
        silent(&app.anonymous()).log_in(EMAIL, PASSWORD);
    }

    fn a_refused_htmx_request_is_told_in_a_toast(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let evil = client.htmx("form").with("sec-fetch-site", "cross-site");

        let answer = evil.post(&key.status_path(), &[("status", "disabled")]).assert_status(403);

        let answer = answer.assert_header("hx-retarget", "#toasts").assert_header("hx-reswap", "innerHTML");
        assert!(answer.page().toasts()[0].contains("came from another site's page"), "{}", answer.body);
    }

    fn behind_a_proxy_the_public_address_is_ones_own(db: &Database) {
        let app = App::start_behind(db, "https://keys.example.com");
        let client = app.signed_in().without("sec-fetch-site");

        let rename = |origin: &str| client.with("origin", origin).post("/settings/name", &[("name", "Eve")]);

        rename("https://keys.example.com").assert_leads_to("/settings");
        rename("http://keys.example.com").assert_status(403);
        rename("https://keys.example.com.evil.example").assert_status(403);
    }

    fn a_form_of_another_site_can_ask_the_api_nothing_either(db: &Database) {
        let app = db.app();
        let question = br#"{"key":"x"}"#;

        let answer = app.anonymous().send("POST", VERIFY, Some(("text/plain", question))).assert_status(415);

        assert_eq!(answer.header("access-control-allow-origin"), "");
        let allowed = app.anonymous().with("origin", "https://evil.example").post_json(VERIFY, question).assert_ok();
        assert_eq!(allowed.header("access-control-allow-origin"), "");
    }
}
