//! The rules of a key at every door: its scopes, the addresses that it may be used from, and
//! which of its secrets it is.

use diesel::prelude::*;
use keyfob::domain::account;
use keyfob::domain::api_key::{
    AllowedIps, AllowedIpsChange, Expiry, Scopes, change_allowed_ips, set_expiry, set_scopes,
};
use keyfob::store::Digest;
use keyfob::store::schema::key_secrets;
use serde_json::{Value, json};

use crate::support::{Answer, App, Key, on_both_databases, time_until};

const SEND: &str = "messages.send";
const READ: &str = "messages.read";

/// What a service is told of a key.
fn verify(app: &App, key: &Key, scopes: &[&str], client_ip: Option<&str>) -> Value {
    let mut question = json!({"key": key.secret, "scopes": scopes});
    if let Some(address) = client_ip {
        question["client_ip"] = json!(address);
    }
    app.anonymous().post_json("/v1/keys/verify", question.to_string()).assert_ok().json()
}

/// What a proxy is told of one.
fn auth(app: &App, key: &Key, parameters: &str) -> Answer {
    app.anonymous().with("x-api-key", &key.secret).get(&format!("/v1/auth?service=sms{parameters}"))
}

/// What a proxy at 127.0.0.1 is told about a request that it has forwarded.
fn auth_for(app: &App, key: &Key, forwarded: Option<&str>) -> String {
    let client = app.anonymous().with("x-api-key", &key.secret);
    let client = match forwarded {
        Some(forwarded) => client.with("x-forwarded-for", forwarded),
        None => client,
    };
    client.get("/v1/auth?service=sms").header("x-auth-code").to_owned()
}

on_both_databases! {
    fn a_door_lets_in_keys_that_have_every_scope_it_asks_for(db: &Database) {
        let app = db.app();
        for (has, asked, missing) in [
            ("", &[][..], &[][..]),
            ("", &[SEND], &[SEND]),
            ("", &[SEND, READ], &[READ, SEND]),
            (SEND, &[], &[]),
            (SEND, &[SEND], &[]),
            (SEND, &[SEND, SEND], &[]),
            (SEND, &[READ], &[READ]),
            (SEND, &[READ, READ], &[READ]),
            (SEND, &[SEND, READ], &[READ]),
            ("messages.read messages.send", &[SEND, READ], &[]),
            ("messages.read messages.send", &["unknown.scope"], &["unknown.scope"]),
            ("*", &[], &[]),
            ("*", &[SEND, READ], &[]),
            ("*", &["unknown.scope"], &[]),
        ] {
            let key = app.make_key_with_rules(has, "");
            let told = verify(&app, &key, asked, None);
            let parameter = if asked.is_empty() { String::new() } else { format!("&scopes={}", asked.join(",")) };
            let answer = auth(&app, &key, &parameter);

            if missing.is_empty() {
                assert_eq!(told["scopes"], json!(has.split_whitespace().collect::<Vec<_>>()), "{told}");
                let shown = if has.is_empty() { "-" } else { has };
                answer.assert_ok().assert_header("x-key-scopes", shown).assert_header("x-key-secret", "current");
            } else {
                let denied = json!({"valid": false, "code": "INSUFFICIENT_SCOPE", "key_id": key.id, "missing": missing});
                assert_eq!(told, denied, "{has} {asked:?}");
                let challenge = format!("Bearer realm=\"keyfob\", error=\"insufficient_scope\", scope=\"{}\"", missing.join(" "));
                answer
                    .assert_status(403)
                    .assert_header("x-auth-code", "INSUFFICIENT_SCOPE")
                    .assert_header("www-authenticate", &challenge);
            }
        }
    }

    fn what_is_no_list_of_scopes_is_refused_at_either_door(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let names: Vec<String> = (0..51).map(|number| format!("s{number}")).collect();
        let fifty_one: Vec<&str> = names.iter().map(String::as_str).collect();
        for scopes in [&fifty_one[..], &["A"], &["*"], &[""], &["a b"], &["a", "é"], &["messages.*"]] {
            let question = json!({"key": key.secret, "scopes": scopes}).to_string();
            app.anonymous().post_json("/v1/keys/verify", question).assert_problem(400, "BAD_REQUEST");
            let encoded = scopes.join(",").replace(' ', "%20").replace('é', "%C3%A9");
            auth(&app, &key, &format!("&scopes={encoded}")).assert_problem(400, "BAD_REQUEST");
        }
        for parameter in ["&scopes", "&scopes=a&scopes=b", "&scope=a", "&Scopes=a"] {
            auth(&app, &key, parameter).assert_problem(400, "BAD_REQUEST");
        }
        auth(&app, &key, &format!("&scopes={}", fifty_one[..50].join(","))).assert_ok();
    }

    fn a_client_can_not_choose_which_scopes_are_asked_for(db: &Database) {
        let app = db.app();
        let key = app.make_key_with_rules(READ, "");
        let client = app.anonymous().with("x-api-key", &key.secret);

        for path in ["", "/", "/?scopes=messages.read", "/;scopes=messages.read/x", "/..;scopes=messages.read"] {
            let asked = client.get(&format!("/v1/auth/sms;scopes=messages.send{path}"));
            asked.assert_status(403).assert_header("x-auth-code", "INSUFFICIENT_SCOPE");
        }
        client.get("/v1/auth/sms;scopes=messages.read/x?scopes=messages.send").assert_ok();
    }

    fn the_sms_api_asks_for_the_scope_of_each_route(db: &Database) {
        let app = db.app();
        let body = json!({"to": "+420777123456", "text": "Hello"}).to_string();
        let sent = app.make_key("All");
        let sent = app.anonymous().with("x-api-key", &sent.secret).post_json("/v1/sms/messages", &body).assert_status(202);
        let message = sent.json()["messages"][0]["id"].as_str().unwrap().to_owned();
        let requests = [
            ("POST", "/v1/sms/messages".to_owned(), SEND),
            ("POST", "/v1/sms/messages/estimate".to_owned(), SEND),
            ("GET", "/v1/sms/messages".to_owned(), READ),
            ("GET", format!("/v1/sms/messages/{message}"), READ),
            ("GET", "/v1/balance".to_owned(), "balance.read"),
        ];
        for has in ["", SEND, READ, "balance.read"] {
            let key = app.make_key_with_rules(has, "");
            let client = app.anonymous().with("x-api-key", &key.secret);
            for (method, path, scope) in &requests {
                let body = (*method == "POST").then_some(("application/json", body.as_bytes()));
                let answer = client.send(method, path, body);
                if has == *scope {
                    assert!(answer.status < 300, "{method} {path} with {has}: {}", answer.status);
                } else {
                    let refused = answer.assert_problem(403, "INSUFFICIENT_SCOPE");
                    assert_eq!(refused.json()["missing"], json!([scope]));
                }
            }
        }
    }

    fn a_key_is_used_from_its_addresses_only(db: &Database) {
        let app = db.app();
        for (allowed, address, is_allowed) in [
            ("", Some("203.0.113.9"), true),
            ("", None, true),
            ("203.0.113.9", Some("203.0.113.9"), true),
            ("203.0.113.9", Some("203.0.113.8"), false),
            ("203.0.113.9", None, false),
            ("203.0.113.9", Some("::ffff:203.0.113.9"), true),
            ("10.0.0.0/8 2001:db8::/32", Some("10.255.0.1"), true),
            ("10.0.0.0/8 2001:db8::/32", Some("11.0.0.1"), false),
            ("10.0.0.0/8 2001:db8::/32", Some("2001:db8:1::1"), true),
            ("10.0.0.0/8 2001:db8::/32", Some("2001:db9::1"), false),
            ("0.0.0.0/0", Some("203.0.113.9"), true),
            ("0.0.0.0/0", Some("2001:db8::1"), false),
            ("0.0.0.0/0", None, false),
            ("2001:db8::1/128", Some("2001:db8::1"), true),
            ("2001:db8::1/128", Some("2001:db8::2"), false),
        ] {
            let key = app.make_key_with_rules("*", allowed);
            let told = verify(&app, &key, &[], address);
            let code = if is_allowed { "VALID" } else { "IP_NOT_ALLOWED" };
            assert_eq!((&told["code"], &told["key_id"]), (&json!(code), &json!(key.id)), "{allowed} {address:?}");
        }
    }

    fn a_proxy_that_is_not_trusted_or_says_nothing_opens_no_list(db: &Database) {
        let (own, other) = ("127.0.0.0/8", "203.0.113.9");
        let app = db.app();
        let (from_here, from_there) = (app.make_key_with_rules("*", own), app.make_key_with_rules("*", other));
        assert_eq!(auth_for(&app, &from_here, None), "VALID", "the peer's own address");
        assert_eq!(auth_for(&app, &from_there, Some(other)), "IP_NOT_ALLOWED", "a header of anybody's");

        let app = App::start_trusting(db);
        for (forwarded, code_here, code_there) in [
            (None, "IP_NOT_ALLOWED", "IP_NOT_ALLOWED"),
            (Some(""), "IP_NOT_ALLOWED", "IP_NOT_ALLOWED"),
            (Some("unknown"), "IP_NOT_ALLOWED", "IP_NOT_ALLOWED"),
            (Some("127.0.0.1"), "IP_NOT_ALLOWED", "IP_NOT_ALLOWED"),
            (Some(other), "IP_NOT_ALLOWED", "VALID"),
            (Some("203.0.113.9:5678"), "IP_NOT_ALLOWED", "VALID"),
            (Some(" 203.0.113.9 "), "IP_NOT_ALLOWED", "VALID"),
            (Some("203.0.113.9, 127.0.0.1"), "IP_NOT_ALLOWED", "VALID"),
            (Some("203.0.113.9, 198.51.100.1"), "IP_NOT_ALLOWED", "IP_NOT_ALLOWED"),
            (Some("203.0.113.9, nonsense"), "IP_NOT_ALLOWED", "IP_NOT_ALLOWED"),
        ] {
            assert_eq!(auth_for(&app, &from_here, forwarded), code_here, "{forwarded:?}");
            assert_eq!(auth_for(&app, &from_there, forwarded), code_there, "{forwarded:?}");
        }
    }

    fn the_sms_api_holds_the_addresses_too(db: &Database) {
        let app = db.app();
        let key = app.make_key_with_rules("*", "203.0.113.9");
        let client = app.anonymous().with("x-api-key", &key.secret);

        client.get("/v1/balance").assert_problem(403, "IP_NOT_ALLOWED");
        assert_eq!(auth_for(&app, &key, None), "IP_NOT_ALLOWED");
        assert_eq!(verify(&app, &key, &[], Some("203.0.113.9"))["code"], "VALID");
    }

    fn codes_come_in_one_order(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        for (change, parameters, code) in [
            ("version = 2", "&scopes=messages.send", "IP_NOT_ALLOWED"),
            ("expires_at = 1", "&scopes=messages.send", "EXPIRED"),
            ("expires_at = 1, status = 'disabled'", "&scopes=messages.send", "DISABLED"),
            ("expires_at = 1, status = 'disabled'", "&scopes=messages.send&mode=test", "MODE_NOT_ALLOWED"),
            ("status = 'disabled', service = 'mail'", "&scopes=messages.send&mode=test", "NOT_FOUND"),
            ("allowed_ips = ''", "&scopes=messages.send", "INSUFFICIENT_SCOPE"),
            ("allowed_ips = ''", "&scopes=messages.read", "VALID"),
        ] {
            let key = app.make_key_with_rules(READ, "203.0.113.9");
            db.execute(&format!("UPDATE api_keys SET {change} WHERE id = '{}'", key.id));
            assert_eq!(auth(&app, &key, parameters).header("x-auth-code"), code, "{change}");
        }
    }

    fn a_replaced_secret_is_told_from_the_one_that_replaced_it(db: &Database) {
        let app = db.app();
        let (key, new) = (app.make_key("Project X"), app.make_key("Y"));
        let end = app.clock.now().plus_seconds(3_600);
        let conn = &mut db.conn();
        let secret = |key: &Key| key_secrets::table.filter(key_secrets::digest.eq(Digest::of(key.secret.as_bytes())));
        diesel::update(secret(&key)).set(key_secrets::ends_at.eq(end)).execute(conn).unwrap();
        diesel::update(secret(&new)).set(key_secrets::api_key_id.eq(&key.id)).execute(conn).unwrap();

        for (key_of, age) in [(&key, "previous"), (&new, "current")] {
            let told = verify(&app, key_of, &[], None);
            assert_eq!((&told["key_id"], &told["secret"]), (&json!(key.id), &json!(age)));
            assert_eq!(told["expires_at"], Value::Null, "the key's end, not the secret's");
            auth(&app, key_of, "").assert_ok().assert_header("x-key-secret", age);
            let balance = app.anonymous().with("x-api-key", &key_of.secret).get("/v1/balance").assert_ok();
            let sunset = if age == "previous" { "Sun, 01 Mar 2026 13:00:00 GMT" } else { "" };
            assert_eq!(balance.header("sunset"), sunset);
        }

        app.clock.advance(3_600);
        app.assert_verdict(&key.secret, "EXPIRED");
        app.assert_verdict(&new.secret, "VALID");
    }

    fn a_rule_that_was_narrowed_holds_from_the_next_request_on_and_elsewhere_within_a_second(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let account = account::first(&mut db.conn()).unwrap();
        let keys = [(); 3].map(|()| app.make_key("Project X"));
        let ids = keys.each_ref().map(|key| key.id.parse().unwrap());
        for key in &keys {
            app.assert_verdict(&key.secret, "VALID");
            other.assert_verdict(&key.secret, "VALID");
        }

        let end = app.clock.now().plus_seconds(1);
        let [scoped, bound, ended] = ids;
        let owner = account.clone();
        app.change(move |tx| set_scopes(tx, &owner, &scoped, &Scopes::parse([READ])?, None));
        assert_eq!(auth(&app, &keys[0], "&scopes=messages.send").header("x-auth-code"), "INSUFFICIENT_SCOPE");
        let owner = account.clone();
        app.change(move |tx| change_allowed_ips(tx, &owner, &bound, AllowedIpsChange::Replace { list: AllowedIps::parse("203.0.113.9")?, was: None }));
        app.assert_verdict(&keys[1].secret, "IP_NOT_ALLOWED");
        app.change(move |tx| set_expiry(tx, &account, &ended, Expiry::At(end)));
        app.assert_verdict(&keys[2].secret, "VALID");
        app.clock.advance(1);
        app.assert_verdict(&keys[2].secret, "EXPIRED");

        let lag = time_until(&other.url, &keys[1].secret, "IP_NOT_ALLOWED");
        assert!(lag < std::time::Duration::from_secs(1), "{lag:?}");
        let lag = time_until(&other.url, &keys[2].secret, "EXPIRED");
        assert!(lag < std::time::Duration::from_secs(1), "{lag:?}");
    }
}
