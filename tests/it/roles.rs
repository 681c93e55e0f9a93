//! Roles: what each may do on every route, as `src/routes.rs` has them.

use std::collections::{BTreeMap, BTreeSet};

use keyfob::domain::account::membership::Role;
use keyfob::domain::account::{Access, Permission};
use keyfob::domain::api_key::ApiKeyId;

use self::Needs::{Anybody, Login, May};
use crate::origin::{Ids, WRITES, send};
use crate::support::{
    Answer, App, Client, Database, Key, Route, UNKNOWN_INVITATION, UNKNOWN_OPERATOR, on_both_databases, routes,
};

/// What somebody needs to use a route.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    /// No login either.
    Anybody,
    /// To be logged in, with any role.
    Login,
    May(Permission),
}

const KEYS: Needs = May(Permission::ManageKeys);
const CREDITS: Needs = May(Permission::ManageCredits);
const CARRIERS: Needs = May(Permission::ViewCarriers);
const SERVICES: Needs = May(Permission::ManageServices);
const INVITING: Needs = May(Permission::InvitePeople);
const PEOPLE: Needs = May(Permission::ManagePeople);
const INSTALLATION: Needs = May(Permission::ManageInstallation);

/// Every route for people.
const NEEDS: &[(&str, Needs)] = &[
    ("GET /", Anybody),
    ("GET /static/{file}", Anybody),
    ("GET /favicon.ico", Anybody),
    ("GET /setup", Anybody),
    ("POST /setup", Anybody),
    ("GET /login", Anybody),
    ("POST /login", Anybody),
    ("GET /handover/{token}", Anybody),
    ("POST /handover/{token}", Anybody),
    ("GET /invitations/{token}", Anybody),
    ("POST /invitations/{token}", Anybody),
    ("GET /passwords/{token}", Anybody),
    ("POST /passwords/{token}", Anybody),
    ("GET /login/confirmation", Login),
    ("POST /login/confirmation", Login),
    ("GET /login/second-factor", Anybody),
    ("POST /login/second-factor", Anybody),
    ("GET /settings/second-factor", Login),
    ("POST /settings/second-factor/setup", Login),
    ("POST /settings/second-factor/activation", Login),
    ("POST /settings/second-factor/recovery-codes", Login),
    ("POST /settings/second-factor/removal", Login),
    ("POST /settings/instance/second-factor", INSTALLATION),
    ("GET /settings/sessions", Login),
    ("POST /settings/sessions/end-others", Login),
    ("POST /settings/sessions/{id}/end", Login),
    ("POST /settings/instance/name", INSTALLATION),
    ("GET /settings/limits", KEYS),
    ("POST /settings/limits", KEYS),
    ("POST /settings/limits/offer", KEYS),
    ("POST /logout", Login),
    ("GET /settings", Login),
    ("POST /settings/name", Login),
    ("POST /settings/password", Login),
    ("GET /settings/instance", INSTALLATION),
    ("POST /settings/instance", INSTALLATION),
    ("GET /settings/instance/shortening", INSTALLATION),
    ("POST /settings/instance/shortening", INSTALLATION),
    ("GET /api-keys", Login),
    ("POST /api-keys", KEYS),
    ("POST /undo/{id}", KEYS),
    ("POST /api-keys/bulk", KEYS),
    ("POST /api-keys/bulk/confirmation", KEYS),
    ("GET /api-keys/bulk/{id}", KEYS),
    ("POST /api-keys/bulk/{id}", KEYS),
    ("POST /api-keys/search", Login),
    ("GET /api-keys/new", KEYS),
    ("GET /api-keys/new/scopes", KEYS),
    ("GET /api-keys/{id}", Login),
    ("POST /api-keys/{id}", KEYS),
    ("POST /api-keys/{id}/default-sender", KEYS),
    ("POST /api-keys/{id}/expiry", KEYS),
    ("POST /api-keys/{id}/scopes", KEYS),
    ("POST /api-keys/{id}/allowed-ips", KEYS),
    ("POST /api-keys/{id}/limits", KEYS),
    ("POST /api-keys/{id}/callback", KEYS),
    ("GET /api-keys/{id}/callback/{action}", KEYS),
    ("POST /api-keys/{id}/handover", KEYS),
    ("POST /api-keys/{id}/handover/withdrawal", KEYS),
    ("POST /api-keys/{id}/status", KEYS),
    ("GET /api-keys/{id}/deletion", KEYS),
    ("POST /api-keys/{id}/deletion", KEYS),
    ("GET /api-keys/trash", Login),
    ("POST /api-keys/{id}/restoration", KEYS),
    ("GET /api-keys/{id}/purge", KEYS),
    ("POST /api-keys/{id}/purge", KEYS),
    ("GET /api-keys/{id}/rotation", KEYS),
    ("POST /api-keys/{id}/rotation", KEYS),
    ("POST /api-keys/{id}/rotation/extension", KEYS),
    ("GET /api-keys/{id}/rotation/end", KEYS),
    ("POST /api-keys/{id}/rotation/end", KEYS),
    ("GET /messages", Login),
    ("POST /messages", KEYS),
    ("GET /messages.csv", Login),
    ("GET /messages/new", KEYS),
    ("GET /messages/new/route", KEYS),
    ("GET /messages/{id}", Login),
    ("GET /credits", Login),
    ("POST /credits", CREDITS),
    ("POST /credits/corrections", CREDITS),
    ("GET /carriers", CARRIERS),
    ("GET /services", Login),
    ("POST /services", SERVICES),
    ("GET /services/new", SERVICES),
    ("GET /services/{slug}", Login),
    ("POST /services/{slug}", SERVICES),
    ("POST /services/{slug}/scopes", SERVICES),
    ("GET /services/{slug}/scopes/{name}", SERVICES),
    ("POST /services/{slug}/scopes/{name}", SERVICES),
    ("GET /services/{slug}/scopes/{name}/deletion", SERVICES),
    ("POST /services/{slug}/scopes/{name}/deletion", SERVICES),
    ("GET /people", Login),
    ("POST /people/invitations", INVITING),
    ("GET /people/invitations/new", INVITING),
    ("POST /people/invitations/{invitation}/withdrawal", INVITING),
    ("GET /people/{operator}", Login),
    ("GET /people/{operator}/role", PEOPLE),
    ("POST /people/{operator}/role", PEOPLE),
    ("GET /people/{operator}/status", PEOPLE),
    ("POST /people/{operator}/status", PEOPLE),
    ("GET /people/{operator}/removal", PEOPLE),
    ("POST /people/{operator}/removal", PEOPLE),
    ("GET /people/{operator}/second-factor", PEOPLE),
    ("POST /people/{operator}/second-factor", PEOPLE),
    ("GET /people/{operator}/password-link", PEOPLE),
    ("POST /people/{operator}/password-link", PEOPLE),
    ("GET /refusals", Login),
    ("GET /leaks", Login),
    ("POST /leaks", Login),
    ("POST /leaks/switch-off", KEYS),
    ("POST /api-keys/{id}/leak-report/dismissal", KEYS),
    ("POST /services/{slug}/self-revocation", SERVICES),
    ("GET /services/{slug}/status", SERVICES),
    ("POST /services/{slug}/status", SERVICES),
    ("POST /settings/instance/leak-reports", INSTALLATION),
    ("GET /audit", Login),
    ("POST /audit.csv", Login),
    ("POST /audit.jsonl", Login),
    ("GET /connect", Login),
    ("GET /automate", Login),
    ("POST /automate", KEYS),
    ("GET /automate/new", KEYS),
];

/// For programs, which have keys and no roles.
const OF_PROGRAMS: [&str; 5] = ["/v1/", "/2010-04-01/", "/healthz", "/readyz", "/openapi.json"];

impl Needs {
    fn allow(self, access: Access) -> bool {
        match self {
            Anybody | Login => true,
            May(permission) => access.allows(permission),
        }
    }
}

/// Each route for people with each of its methods, and what it needs.
pub fn table() -> Vec<(Route, &'static str, Needs)> {
    let mut unused: BTreeSet<&str> = NEEDS.iter().map(|(name, _)| *name).collect();
    let mut table = Vec::new();
    for route in routes() {
        if OF_PROGRAMS.iter().any(|start| route.pattern().starts_with(start)) {
            continue;
        }
        for method in ["GET", "POST"].into_iter().filter(|method| route.takes(method)) {
            let name = format!("{method} {}", route.pattern());
            assert!(unused.remove(&*name), "{name} is missing in NEEDS: say who may use it");
            let (_, needs) = NEEDS.iter().find(|(known, _)| *known == name).unwrap();
            table.push((route, method, *needs));
        }
    }
    assert!(unused.is_empty(), "no routes any more: {unused:?}");
    table
}

/// The needs of the route that an address leads to.
fn needs_of(method: &str, address: &str) -> Needs {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let parts = |path: &'static str| path.split('/').collect::<Vec<_>>();
    let wanted: Vec<&str> = path.split('/').collect();
    let fits = |route: &&(Route, &str, Needs)| {
        let pattern = parts(route.0.pattern());
        let is_same = |(one, other): (&&str, &&str)| one.starts_with('{') || one == other;
        route.1 == method && pattern.len() == wanted.len() && pattern.iter().zip(&wanted).all(is_same)
    };
    let table = table();
    // `/api-keys/new` is not the page of a key that is called "new".
    let found = table.iter().filter(fits).min_by_key(|route| route.0.pattern().matches('{').count());
    found.unwrap_or_else(|| panic!("{method} {address} is no route")).2
}

/// Somebody with a role, and a key of their account.
struct Person {
    access: Access,
    client: Client,
    key: Key,
}

impl Person {
    fn of_first_account(app: &App, role: Role) -> Self {
        let key = app.signed_in().create_key("Project X");
        let client = app.colleague(role, &format!("{}@example.com", role.as_str()));
        Self { access: Access { role, is_of_first_account: true }, client, key }
    }

    fn of_another_account(app: &App, role: Role) -> Self {
        let client = app.of_another_account(role, &format!("{}@example.net", role.as_str()));
        let key = client.create_key("Theirs");
        Self { access: Access { role, is_of_first_account: false }, client, key }
    }

    fn use_route(&self, client: &Client, route: &Route, method: &str) -> Answer {
        if method == "GET" {
            return client.get(&route.path(&self.key.id));
        }
        let path = route.path("ID");
        let write = WRITES.iter().find(|(known, _)| *known == path).unwrap();
        let ids = Ids {
            key: self.key.clone(),
            form: ApiKeyId::mint().to_string(),
            person: UNKNOWN_OPERATOR.to_owned(),
            invitation: UNKNOWN_INVITATION.to_owned(),
        };
        send(client, &ids, write)
    }
}

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {}", answer.body);
    assert!(answer.body.contains("Your role does not allow this."), "{what}: {}", answer.body);
}

/// Every route with this person's role, those that end something last.
#[track_caller]
fn assert_held_to_role(db: &Database, person: &Person) {
    let access = person.access;
    let mut allowed = Vec::new();
    let before = db.rows();
    for (route, method, needs) in table() {
        if needs.allow(access) {
            allowed.push((route, method, needs));
            continue;
        }
        for client in [&person.client, &person.client.htmx("button")] {
            let answer = person.use_route(client, &route, method);
            assert_refused(&answer, &format!("{access:?} {method} {}", route.pattern()));
        }
    }
    assert_eq!(db.rows(), before, "{access:?}");

    let is_end = |route: &Route| ["/logout", "/api-keys/{id}/deletion"].contains(&route.pattern());
    allowed.sort_by_key(|(route, method, _)| (*method == "POST", is_end(route), route.pattern() == "/logout"));
    // Whatever needs no login knows no roles.
    for (route, method, _) in allowed.into_iter().filter(|(_, _, needs)| !matches!(needs, Anybody)) {
        let answer = person.use_route(&person.client, &route, method);
        let what = format!("{access:?} {method} {}: {} {}", route.pattern(), answer.status, answer.location());
        assert!(![401, 403, 500].contains(&answer.status), "{what}");
        assert!(!answer.location().starts_with("/login?next="), "{what}");
    }
    assert_ne!(db.rows(), before, "{access:?} could log out at least");
}

/// What a page offers: the addresses of its links, forms and buttons, with their methods.
fn offers(client: &Client, path: &str) -> BTreeSet<(&'static str, String)> {
    let answer = client.get(path);
    assert!(matches!(answer.status, 200 | 303), "{path}: {}", answer.status);
    let mut found = BTreeSet::from([("GET", answer.location().to_owned())]);
    if answer.header("content-type").starts_with("text/html") {
        let page = answer.page();
        let kinds = [
            ("GET", "a", "href"),
            ("GET", "[hx-get]", "hx-get"),
            ("GET", "form[method=get]", "action"),
            ("POST", "[hx-post]", "hx-post"),
            ("POST", "form[method=post]", "action"),
            ("POST", "[formaction]", "formaction"),
        ];
        for (method, css, attribute) in kinds {
            found.extend(page.attrs(css, attribute).into_iter().map(|address| (method, address)));
        }
        // The pop-ups that a page opens, which may be more particular than the page of the same address.
        for part in page.attrs("[hx-get]", "hx-get") {
            let answer = client.htmx("a").get(&part);
            assert_eq!(answer.status, 200, "{path} offers {part}");
        }
    }
    found.into_iter().filter(|(_, address)| address.starts_with('/') && !address.starts_with("/static/")).collect()
}

/// Everything that the pages offer which this browser finds.
fn crawl(client: &Client) -> BTreeSet<(&'static str, String)> {
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    let mut waiting = vec!["/api-keys".to_owned()];
    while let Some(path) = waiting.pop() {
        if seen.insert(path.clone()) {
            let offers = offers(client, &path);
            waiting.extend(offers.iter().filter(|(method, _)| *method == "GET").map(|(_, address)| address.clone()));
            found.extend(offers);
        }
    }
    found
}

/// A key with everything that its page can show, and a scope that can be chosen.
fn busy_key(client: &Client) -> Key {
    let key = client.create_key("Project X");
    let path = format!("/api-keys/{}", key.id);
    let secret_id = client.get(&format!("{path}/rotation")).page().field("secret_id");
    client
        .post(&path, &[("version", "1"), ("name", "Project X"), ("description", "Sends for the shop")])
        .assert_status(303);
    let rotated =
        client.post(&format!("{path}/rotation"), &[("secret_id", &*secret_id), ("grace", "86400")]).assert_ok();
    let key = Key { secret: rotated.page().text(".reveal .copyable__text[id^=key-secret]"), ..key };
    client.post(&format!("{path}/default-sender"), &[("default_sender", "Shop")]).assert_status(303);
    client.post(&format!("{path}/callback"), &[("url", "https://example.com/sms"), ("action", "save")]).assert_ok();
    client.post(&format!("{path}/allowed-ips"), &[("allowed_ips", "198.51.100.1")]).assert_status(303);
    client.hand_over(&key);
    key
}

#[test]
fn every_route_for_people_says_what_it_needs() {
    assert_eq!(table().len(), NEEDS.len());
}

on_both_databases! {
    fn a_viewer_looks_and_changes_nothing(db: &Database) {
        assert_held_to_role(db, &Person::of_first_account(&db.app(), Role::Viewer));
    }

    fn an_admin_manages_everything_but_the_installation(db: &Database) {
        assert_held_to_role(db, &Person::of_first_account(&db.app(), Role::Admin));
    }

    fn an_owner_may_do_everything(db: &Database) {
        assert_held_to_role(db, &Person::of_first_account(&db.app(), Role::Owner));
    }

    fn whoever_manages_another_account_does_not_manage_the_installation(db: &Database) {
        let app = db.app();
        for role in [Role::Owner, Role::Admin] {
            assert_held_to_role(db, &Person::of_another_account(&app, role));
        }
    }

    fn no_page_offers_what_would_be_refused(db: &Database) {
        let app = db.app();
        let owner = app.signed_in();
        let key = busy_key(&owner);
        app.anonymous().with("x-api-key", &key.secret).get("/v1/auth?service=sms").assert_status(403);
        let others = app.of_another_account(Role::Owner, "eve@example.net");
        busy_key(&others);

        let guarded = |client: &Client, access: Access| {
            let offers = crawl(client);
            for (method, address) in &offers {
                assert!(needs_of(method, address).allow(access), "{access:?} is offered {method} {address}");
            }
            assert!(offers.iter().any(|(_, address)| address.starts_with("/audit?target=")), "a key's page was found");
            offers.iter().filter(|(method, address)| matches!(needs_of(method, address), May(_))).count()
        };
        let access = |role| Access { role, is_of_first_account: true };
        let viewer = guarded(&app.colleague(Role::Viewer, "joan@example.com"), access(Role::Viewer));
        let admin = guarded(&app.colleague(Role::Admin, "grace@example.com"), access(Role::Admin));
        let elsewhere = guarded(&others, Access { role: Role::Owner, is_of_first_account: false });
        let all = guarded(&owner, access(Role::Owner));

        assert_eq!(viewer, 0);
        assert!(elsewhere < admin && admin < all, "{elsewhere} {admin} {all}");
    }

    fn a_viewer_sees_what_a_key_is_without_what_changes_it(db: &Database) {
        let app = db.app();
        let key = busy_key(&app.signed_in());
        let viewer = app.colleague(Role::Viewer, "joan@example.com");

        let list = viewer.get("/api-keys").page();
        assert_eq!(list.texts(".api-key__status"), ["Enabled"]);
        assert!(!list.has("main form[method=post]:not([role=search]), main .btn--primary, [role=switch]"), "the list changes nothing");
        let page = viewer.get(&format!("/api-keys/{}", key.id)).page();
        let facts: BTreeMap<_, _> = page.texts(".facts dt").into_iter().zip(page.texts(".facts dd")).rev().collect();
        for (fact, value) in [
            ("Status", "Enabled"),
            ("Description", "Sends for the shop"),
            ("Default sender", "Shop"),
            ("Delivery callback", "https://example.com/sms"),
            ("Allowed from", "198.51.100.1"),
            ("Ends", "never"),
        ] {
            assert_eq!(facts[fact], value);
        }
        assert!(!page.has("main form, main .btn:not([data-copy]), main details"), "the page changes nothing");
        let messages = viewer.get("/messages").page();
        assert_eq!(messages.text(".empty h2"), "No messages yet");
        assert!(!messages.has("main a[href^='/api-keys/new'], main .btn"), "none can be sent");
    }

    fn a_form_that_a_role_does_not_allow_is_a_page_that_says_so_and_leads_back(db: &Database) {
        let app = db.app();
        let viewer = app.colleague(Role::Viewer, "joan@example.com");

        let page = viewer.get("/api-keys/new").assert_status(403).page();

        assert!(page.text("main").contains("Your role does not allow this. Ask an owner of this account."));
        assert_eq!(page.attr("main a", "href"), "/api-keys");
        viewer.get("/api-keys").assert_ok();
    }

    fn an_admin_who_is_made_a_viewer_goes_on_looking_and_an_open_form_writes_nothing(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let admin = app.colleague(Role::Admin, "grace@example.com");
        let (form_id, on_page) = (admin.form_id(), admin.htmx("form#api-key-form"));
        let fields = [("key_id", &*form_id), ("service", "sms"), ("name", "Project Y")];
        assert!(admin.get("/api-keys").page().has("[role=switch]"));

        db.execute(
            "UPDATE memberships SET role = 'viewer' \
             WHERE operator_id = (SELECT id FROM operators WHERE email = 'grace@example.com')",
        );
        let before = db.rows();

        admin.post("/api-keys", &fields).assert_status(403);
        let in_form = on_page.post("/api-keys", &fields).assert_status(403);
        assert_eq!(in_form.header("hx-retarget"), "#api-key-form-message");
        assert!(in_form.page().text(".alert").starts_with("Your role does not allow this."));
        let switch = admin.htmx("button").post(&key.status_path(), &[("status", "disabled")]).assert_status(403);
        assert_eq!(switch.header("hx-retarget"), "#toasts");
        assert!(switch.page().toasts()[0].starts_with("Your role does not allow this."));
        assert_eq!(db.rows(), before);
        assert!(!admin.get("/api-keys").assert_ok().page().has("[role=switch]"), "drawn for the new role");
        assert!(!admin.get(&format!("/api-keys/{}", key.id)).assert_ok().page().has("main form"));
    }
}
