//! Text that tries to be more than text: it is shown as it was typed, wherever
//! it is shown (ASVS 1.2.1), or refused with a reason.

use keyfob::domain::api_key::ApiKeyId;
use keyfob::domain::credit::LedgerEntryId;
use keyfob::domain::message::sms_text::SmsText;
use serde_json::json;

use crate::support::{Answer, Client, Page, on_both_databases};

const NASTY: [&str; 12] = [
    "<img src=x onerror=alert(1)>",
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "</script><script>alert(1)",
    "</td></tr></table>&amp;&lt;",
    "<!--<textarea>]]>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "invoice\u{202e}gpj.exe",
    "😀𝕏👩‍👩‍👧‍👦",
    "%0d%0aSet-Cookie: a=b",
    "é\u{301}\u{200b}\u{feff}ž",
];

/// What no page shows.
const REFUSED: [&str; 6] = ["a\0b", "a\u{1b}[31mb", "a\nb", "a\r\nX-Evil: b", "a\u{7f}b", "a\u{85}b"];

fn create(client: &Client, name: &str, description: &str) -> Answer {
    let id = ApiKeyId::mint().to_string();
    let fields = [("key_id", &*id), ("service", "sms"), ("name", name), ("description", description)];
    client.htmx("form#api-key-form").post("/api-keys", &fields)
}

/// Nothing of the page runs or loads that is not ours.
#[track_caller]
fn assert_harmless(page: &Page, text: &str) {
    assert!(!page.has("img, iframe, style, base, object, script:not([src])"), "{text}");
    for handler in ["onerror", "onmouseover", "onclick", "onload", "style"] {
        assert!(!page.has(&format!("[{handler}]")), "{text} made {handler}");
    }
    assert!(page.attrs("[href]", "href").iter().all(|link| !link.starts_with("javascript")), "{text}");
}

/// What percent-encoding stands for.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next().unwrap()).to_digit(16).unwrap();
        bytes.push(if byte == b'%' { u8::try_from(digit() * 16 + digit()).unwrap() } else { byte });
    }
    String::from_utf8(bytes).unwrap()
}

/// Text as a reader sees it who pays no heed to white space.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

on_both_databases! {
    fn a_keys_name_and_description_are_text_in_the_table_the_toast_and_the_pop_up(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for text in NASTY {
            let made = create(&client, text, text).assert_ok().page();
            assert_eq!(made.rows(), [plain(text)]);
            assert_eq!(made.toasts(), [format!("Success. Key “{}” created.", plain(text))]);
            assert_harmless(&made, text);

            // An error in one field shows the other one again.
            for (name, description) in [(text, "x".repeat(501)), ("", text.to_owned())] {
                let form = create(&client, name, &description).assert_status(422).page();
                assert_eq!((form.field("name"), form.field("description")), (name.to_owned(), description));
                assert_harmless(&form, text);
            }
        }

        let page = client.get("/api-keys").assert_ok().page();
        let newest_first: Vec<String> = NASTY.iter().rev().map(|text| plain(text)).collect();
        assert_eq!(page.rows(), newest_first);
        assert_eq!(page.texts(".api-key__description"), newest_first);
        assert_eq!(page.text("title"), client.stranger().get("/login").page().text("title").replace("Log in", "API Keys"));
        assert_harmless(&page, "the list");
    }

    fn a_keys_name_is_text_in_the_message_of_a_switch(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for text in NASTY {
            let key = client.create_key(text);
            let off = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).assert_ok().page();
            assert_eq!(off.toasts(), [format!("“{}” is disabled.", plain(text))]);
            assert_eq!(off.attr(".switch", "aria-label"), text);
            client.switch(&key, "enabled");
            let page = client.get("/api-keys").page();
            assert_eq!(page.toasts(), [format!("“{}” is enabled.", plain(text))]);
            assert_harmless(&page, text);
        }
    }

    fn a_keys_name_is_the_same_text_for_programs(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for text in NASTY {
            let key = client.create_key(text);

            assert_eq!(app.verify(&key.secret)["name"], text);
            let allowed = app.anonymous().with("x-api-key", &key.secret).get("/v1/auth?service=sms").assert_ok();
            let name = allowed.header("x-key-name");
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name}");
            assert_eq!(decode(name), text);
            assert_eq!(allowed.header("set-cookie"), "");
        }
    }

    fn an_operators_name_is_text_on_every_page(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for text in NASTY {
            client.post("/settings/name", &[("name", text)]).assert_leads_to("/settings");
            for path in ["/settings", "/api-keys", "/api-keys/new"] {
                let page = client.get(path).page();
                assert_eq!(page.text(".operator__name"), plain(text), "{path}");
                assert_harmless(&page, text);
            }
            assert_eq!(client.get("/settings").page().field("name"), text);
        }
    }

    fn what_is_typed_at_the_login_comes_back_as_text(db: &Database) {
        let app = db.app();

        for text in NASTY {
            let fields = [("email", text), ("password", "x"), ("draft", text), ("next", text)];
            let page = app.anonymous().post("/login", &fields).assert_status(401).page();
            assert_eq!((page.field("email"), page.field("draft")), (text.to_owned(), text.to_owned()));
            assert_eq!(page.field("next"), "/api-keys");
            assert_harmless(&page, text);
            app.clock.advance(60);
        }
    }

    fn a_messages_text_and_reference_are_text_on_every_page_that_shows_them(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for text in NASTY {
            let key = client.create_key(text);
            let message = json!({"to": "+420777123456", "text": text, "reference": text}).to_string();
            let answer = app.anonymous().with("x-api-key", &key.secret).post_json("/v1/sms/messages", message);
            let id = answer.assert_status(202).json()["messages"][0]["id"].as_str().unwrap().to_owned();

            let list = client.get(&format!("/messages?api_key={}", key.id)).assert_ok().page();
            let shown = SmsText::parse("text", text).unwrap();
            assert_eq!(list.text(".message__words"), plain(shown.as_str()));
            let choice = format!("{} …{}", plain(text), &key.secret[key.secret.len() - 4..]);
            assert_eq!(list.text(".message__key"), choice);
            assert_eq!(list.text("option[value^=key_][selected]"), choice);
            assert_harmless(&list, text);
            let page = client.get(&format!("/messages/{id}")).assert_ok().page();
            assert_eq!(page.raw_text(".message__full"), shown.as_str());
            assert!(page.texts(".facts dd").contains(&plain(text)));
            assert_harmless(&page, text);
        }
    }

    fn a_note_and_a_text_that_is_typed_come_back_as_text(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for text in NASTY {
            let fields = [("entry_id", LedgerEntryId::mint().to_string()), ("amount", "1".into()), ("note", text.into())];
            let fields = fields.each_ref().map(|(name, value): &(_, String)| (*name, &**value));
            client.post("/credits", &fields).assert_status(303);
            let page = client.get("/credits").page();
            assert_eq!(page.texts(".ledger__note").iter().filter(|note| **note == plain(text)).count(), 1);
            assert_harmless(&page, text);

            let form = client.post("/credits", &[("amount", text), ("note", text)]).assert_status(422).page();
            assert_eq!((form.field("amount"), form.field("note")), (text.to_owned(), text.to_owned()));
            assert_harmless(&form, text);
            let form = client.post("/messages", &[("to", text), ("text", text), ("mode", text)]).assert_status(422).page();
            assert_eq!((form.field("to"), form.field("text").trim_start()), (text.to_owned(), text));
            assert_harmless(&form, text);
        }
    }

    fn control_characters_are_refused_in_names_with_a_reason(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let before = db.rows();

        for text in REFUSED {
            let form = create(&client, text, "").assert_status(422).page();
            assert!(form.text("#api-key-name-error").contains("control characters"), "{text:?}");
            let page = client.post("/settings/name", &[("name", text)]).assert_status(422).page();
            assert!(page.text("#name-error").contains("control characters"), "{text:?}");
        }
        for text in ["a\0b", "a\u{1b}[31mb"] {
            let form = create(&client, "Project X", text).assert_status(422).page();
            assert!(form.text("#api-key-description-error").contains("control characters"), "{text:?}");
        }

        assert_eq!(db.rows(), before);
    }
}
