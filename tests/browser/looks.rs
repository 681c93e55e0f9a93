//! Every page in every state, on a phone and on a wide screen, light and dark: a picture of it is taken,
//! nothing is cut off, axe finds nothing, the console is silent, and nothing comes from elsewhere.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use keyfob::domain::api_key::secret::{KeySecret, Mode};
use serde_json::{Value, json};

use crate::dashboard::{DESCRIPTION, Dashboard, FIRST_ROW, NAME, PASSWORD, POP_UP, TOAST, as_text};
use crate::phone::Phone;
use crate::webdriver::Options;

const ORDINARY_KEYS: [(&str, &str); 3] = [
    ("Appointment reminders", "Clinic calendar, sends the evening before"),
    ("Parcel notices", ""),
    ("Login codes", "One-time codes of the customer portal"),
];

const AWKWARD_KEYS: [(&str, &str); 6] = [
    ("<script>alert(1)</script> <b>bold</b>", "<img src=x onerror=alert(1)>"),
    ("\u{202e}drawkcab", "\u{202e}sdrawkcab nur osla nac noitpircsed a"),
    ("مفتاح رسائل المتجر", "يرسل رموز الدخول إلى العملاء"),
    ("🔑 👩‍💻 ключ 钥匙 κλειδί", "Zażółć gęślą jaźń"),
    ("Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", ""),
    (
        "A name with a hundred characters, so long that it cannot be shown in one line of a table of keys yes",
        "A description that goes on and on. It has a line of its own under the name, it may have five hundred \
         characters, and it still has to stay in its column, even where https://example.com/a/very/long/address/\
         that/has/no/place/at/which/a/browser/would/break/it/of/its/own/accord/stands/in/the/middle/of/it.",
    ),
];

/// Recipient, text and mode: one for each outcome that can be had at once, and awkward texts.
const MESSAGES: [(&str, &str, &str); 7] = [
    ("+420777123998", "Your parcel 4471 waits for you at the counter.", "live"),
    ("+420777123456", "Reminder: your appointment is tomorrow at 12:30. Reply to this message to cancel it.", "live"),
    (
        "+123456789012345",
        "Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
        "test",
    ),
    (
        "+420777123996",
        "Привет! 😀 Zażółć gęślą jaźń, مرحبا, and a text that goes on until it has filled the second line.",
        "test",
    ),
    ("+420777123995", "<script>alert(1)</script> \u{202e}drawkcab", "test"),
    ("+420777123997", "Your code is 481516", "test"),
    ("+420777123994", "Nothing more is heard of this one", "live"),
];
const DESCRIPTION_OF_MONEY: &str = "Invoice 2026-041 of the branch office, paid by bank transfer";

/// Credits that keys spent on each of some days, a deleted one and people among them.
const SPENDING: &str = r#"
    INSERT INTO credit_spending (account_id, day, api_key_id, credits)
    WITH RECURSIVE days(ago) AS (SELECT 0 UNION ALL SELECT ago + 1 FROM days WHERE ago < 29),
        spenders(id, credits) AS (
            SELECT id, 1234567 FROM (SELECT id FROM api_keys ORDER BY LENGTH(name) DESC LIMIT 3)
            UNION ALL SELECT 'key_00000000000000000000000000', 4321 UNION ALL SELECT '', 17)
    SELECT (SELECT account_id FROM credit_balances LIMIT 1),
        (unixepoch() / 86400 - ago) * 86400000000, id, credits * (1 + ago * 7 % 5)
    FROM days, spenders WHERE TRUE
    ON CONFLICT DO UPDATE SET credits = excluded.credits;"#;

/// The carriers of a file.
const CARRIERS: &str = r#"
    [carriers.twilio]
    transport = "twilio+http://AC00000000000000000000000000000000:s3cret@127.0.0.1:{port}?from=%2B15551234567"
    sender = "+15551234567"
    [carriers.smpp-of-the-branch-office-in-brn]
    transport = "smpp://keyfob:s3cret@127.0.0.1:1"
    [carriers.slow]
    url = "http://127.0.0.1:{port}/slow?to={{to}}&text={{text}}"
    [carriers.spare]
    transport = "smpps://keyfob:s3cret@smsc.a-rather-long-name-of-a-host.example.com:2776"
    enabled = false
    [[routes]]
    prefix = "+420"
    carriers = ["smpp-of-the-branch-office-in-brn", "spare"]
    credits = 2
    sender = "numeric"
    [[routes]]
    prefix = "+44"
    carriers = ["slow"]
    credits = 3
    sender = { replace = "Shop" }
    [[routes]]
    carriers = ["twilio"]
"#;

/// A provider that refuses the password, but for what is sent to `/slow`: that it takes a few of,
/// and then no more. The answer is its port.
fn provider() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
    let port = listener.local_addr().unwrap_or_else(|error| panic!("{error}")).port();
    thread::spawn(move || {
        let mut taken = 0;
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or_default();
            let is_slow = head[..length].windows(5).any(|part| part == b"/slow");
            taken += usize::from(is_slow);
            let status = match taken {
                _ if !is_slow => "401 Unauthorized",
                ..=6 => "201 Created",
                _ => "429 Too Many Requests",
            };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
        }
    });
    port
}

/// Limits that are nearly used, and the offer of the usual ones.
const NEARLY_USED: &str = r#"
    UPDATE guards SET messages_minute = 60, credits_day = 500, is_offered = 1;
    DELETE FROM guard_counts;
    INSERT INTO guard_counts (holder, kind, rehearsed, begins, used, warned)
    SELECT holder, 'credits', 0, unixepoch() / 86400 * 86400000000, 415, 80 FROM guards;
    INSERT INTO guard_counts (holder, kind, rehearsed, begins, used, warned)
    SELECT holder, 'messages', 0, unixepoch() * 1000000, 48, 80 FROM guards;"#;

/// Two more sessions, and notices of a login.
const SESSIONS: &str = r#"
    INSERT INTO sessions (digest, operator_id, state, created_at, seen_at)
    SELECT randomblob(32), operator_id, '{"login":"{\"address\":\"2001:db8:1234:5678:9abc:def0:1234:5678\",\"user_agent\":\"Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww\",\"at\":1}"}',
        created_at, seen_at FROM sessions WHERE operator_id IS NOT NULL LIMIT 1;
    INSERT INTO sessions (digest, operator_id, state, created_at, seen_at)
    SELECT randomblob(32), operator_id, '{}', created_at, seen_at FROM sessions WHERE operator_id IS NOT NULL LIMIT 1;
    INSERT INTO login_notices (id, operator_id, audience, new_address, address, user_agent, at)
    SELECT REPLACE(id, 'op_', 'lnot_'), id, 'elsewhere', '203.0.113.9', '2001:db8:1234:5678:9abc:def0:1234:5678', 'curl/8', created_at FROM operators;
    INSERT INTO login_notices (id, operator_id, audience, new_address, address, user_agent, at)
    SELECT REPLACE(api_keys.id, 'key_', 'lnot_'), operators.id, 'here', '127.0.0.1', '203.0.113.9', 'curl/8',
        operators.created_at FROM operators, api_keys LIMIT 1;"#;

/// Uses of every key on each of the last forty days and in each of the last thirty hours, and some
/// refused requests.
const USES: &str = r#"
    WITH RECURSIVE back (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM back WHERE n < 39)
    INSERT INTO key_uses_by_day (api_key_id, day, uses)
    SELECT id, (CAST(strftime('%s', 'now') AS INTEGER) / 86400 - n) * 86400000000, 1000000 + n % 7 * 250000 FROM api_keys, back;
    WITH RECURSIVE back (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM back WHERE n < 29)
    INSERT INTO key_uses_by_hour (api_key_id, hour, uses)
    SELECT id, (CAST(strftime('%s', 'now') AS INTEGER) / 3600 - n) * 3600000000, 40000 + n % 5 * 9000 FROM api_keys, back;
    INSERT INTO key_refusals (id, account_id, api_key_id, hour, code, source, requests, first_at, last_at, address, user_agent)
    SELECT REPLACE(id, 'key_', 'ref_'), account_id, id, CAST(strftime('%s', 'now') AS INTEGER) / 3600 * 3600000000, 'DISABLED', '',
        123456, created_at, created_at, '', '' FROM api_keys;"#;

#[test]
fn every_page_is_good_on_a_wide_screen() {
    look_around(Options::default(), "1440-light");
}

#[test]
fn every_page_is_good_on_a_wide_dark_screen() {
    look_around(Options { dark: true, ..Options::default() }, "1440-dark");
}

#[test]
fn every_page_is_good_on_a_phone() {
    look_around(Options::phone(), "360-light");
}

#[test]
fn every_page_is_good_on_a_dark_phone() {
    look_around(Options { dark: true, ..Options::phone() }, "360-dark");
}

fn look_around(options: Options, screen: &'static str) {
    let mut look = Look { dashboard: Dashboard::new(options), screen };
    look.at_the_way_in();
    look.at_a_second_factor();
    look.at_a_new_key();
    look.at_a_handover();
    look.at_one_key();
    look.at_a_limited_key();
    look.at_refusals();
    look.at_leaks();
    look.at_a_rotation();
    look.at_messages();
    look.at_credits();
    look.at_services();
    look.at_many_keys();
    look.at_an_action_on_many_keys();
    look.at_the_trash();
    look.at_automation();
    look.at_people();
    look.at_audit();
    look.at_settings();
    look.at_the_rest();
    look.at_carriers();
    look.at_what_a_viewer_sees();
    let hosts = look.dashboard.requested_hosts();
    assert_eq!(hosts.into_iter().collect::<Vec<_>>(), ["127.0.0.1"]);
}

/// Somebody who looks closely at everything on one kind of screen.
struct Look {
    dashboard: Dashboard,
    screen: &'static str,
}

impl Look {
    #[track_caller]
    fn at_the_way_in(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/setup");
        self.closely("setup", &[]);
        dashboard.follow("Create operator");
        self.closely("setup-with-errors", &["/setup 422"]);
        dashboard.fill_in_setup(&dashboard.keyfob.setup_code);
        dashboard.follow("Create operator");
        dashboard.wait_for_text(TOAST, "Welcome");
        dashboard.open("/api-keys");
        self.closely("empty", &[]);
        dashboard.follow("Log out");
        dashboard.open("/login");
        self.closely("login", &[]);
        dashboard.log_in("a wrong password");
        self.closely("login-with-error", &["/login 401"]);
        dashboard.log_in(PASSWORD);
        dashboard.wait_for_text("h1", "API Keys");
    }

    #[track_caller]
    fn at_a_second_factor(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/settings/second-factor");
        self.closely("second-factor-off", &[]);
        dashboard.follow("Set up");
        self.closely("second-factor-pending", &[]);
        dashboard.fill_in("#activation-code", "a wrong code");
        dashboard.follow("Turn on");
        self.closely("second-factor-pending-with-error", &["/settings/second-factor/activation 422"]);
        let phone = Phone::reads(dashboard);
        dashboard.fill_in("#activation-code", &phone.code());
        dashboard.follow("Turn on");
        self.closely("second-factor-codes", &[]);
        let recovery_code = dashboard.find("#recovery-codes").text().lines().next().unwrap_or_default().to_owned();
        dashboard.follow("Done");
        self.closely("second-factor-on", &[]);
        dashboard.fill_in("#removal-code", "a wrong code");
        dashboard.follow("Turn off");
        self.closely("second-factor-on-with-error", &["/settings/second-factor/removal 422"]);
        dashboard.follow("Log out");
        dashboard.log_in(PASSWORD);
        self.closely("login-second-factor", &[]);
        dashboard.fill_in("#code", "a wrong code");
        dashboard.follow("Log in");
        dashboard.find("summary").click();
        self.closely("login-second-factor-with-error", &["/login/second-factor 401"]);
        dashboard.fill_in("#code", &phone.next_code());
        dashboard.follow("Log in");
        dashboard.open("/settings/second-factor");
        dashboard.fill_in("#removal-code", &recovery_code);
        dashboard.follow("Turn off");
        dashboard.open("/settings/instance");
        dashboard.find("[name=second_factor_rule][value=owners]").click();
        dashboard.follow("Save rule");
        self.closely("second-factor-rule-refused", &["/settings/instance/second-factor 422"]);
    }

    #[track_caller]
    fn at_a_new_key(&self) {
        let dashboard = &self.dashboard;
        self.make_keys(&ORDINARY_KEYS);
        dashboard.open("/api-keys");
        dashboard.switch("Disabled");
        self.closely("switched-off", &[]);
        dashboard.open("/api-keys");
        dashboard.open_pop_up();
        dashboard.fill_in(DESCRIPTION, "Order updates of the web shop");
        self.closely("pop-up", &[]);
        dashboard.click("Create");
        dashboard.wait_for("#api-key-name-error");
        self.closely("pop-up-with-error", &["/api-keys 422"]);
        dashboard.fill_in(NAME, "Project X SMS Integration");
        dashboard.click("Create");
        dashboard.wait_gone(POP_UP);
        dashboard.wait_for_text(FIRST_ROW, "Project X");
        self.closely("created", &[]);
        dashboard.open("/api-keys");
        dashboard.open_pop_up();
        dashboard.fill_in(NAME, "Contractor");
        dashboard.find("dialog summary").click();
        dashboard.find("dialog [name=access][value=some]").click();
        dashboard.find("#api-key-ends option[value=date]").click();
        self.closely("pop-up-more-options", &[]);
        dashboard.fill_in("#api-key-allowed-ips", "10.0.0.5/8");
        dashboard.click("Create");
        dashboard.wait_for("#api-key-allowed-ips-error");
        self.closely("pop-up-more-options-with-errors", &["/api-keys 422"]);
        let tomorrow = "const day = document.querySelector('#api-key-ends-day');
            day.value = new Date(Date.now() + 86400000).toISOString().slice(0, 10);";
        dashboard.execute(tomorrow, &[]);
        dashboard.fill_in("#api-key-allowed-ips", "10.0.0.0/8");
        dashboard.click("Create");
        dashboard.wait_gone(POP_UP);
        dashboard.open("/api-keys");
        dashboard.wait_for_text(".key-ends", "1 key ends within 7 days: Contractor");
        self.closely("key-that-ends-soon", &[]);
    }

    #[track_caller]
    fn at_a_handover(&self) {
        let dashboard = &self.dashboard;
        dashboard.create_key("Handed over");
        dashboard.click("Hand over…");
        dashboard.wait_for(".reveal [id^=handover-link-]");
        self.closely("handover-made", &[]);
        dashboard.open("/api-keys");
        dashboard.open_pop_up();
        dashboard.fill_in(NAME, AWKWARD_KEYS[5].0);
        dashboard.click("Create");
        dashboard.wait_gone(POP_UP);
        // As without scripts: the link on a page of its own.
        dashboard.execute("document.querySelector('.reveal form').submit()", &[]);
        let link = dashboard.wait_for("main > .card [id^=handover-link-]").text();
        self.closely("handover-made-page", &[]);
        dashboard.follow("Done");
        self.closely("key-handover", &[]);
        let key_page = dashboard.path();
        dashboard.goto(&link);
        self.closely("handover", &[]);
        dashboard.follow("Show the key");
        self.closely("handover-key", &[]);
        dashboard.goto(&link);
        self.closely("handover-ended", &[&format!("{} 404", dashboard.path())]);
        dashboard.open(&key_page);
        self.closely("key-handover-opened", &[]);
    }

    #[track_caller]
    fn at_one_key(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/api-keys");
        let id = dashboard.find(FIRST_ROW).attribute("id").unwrap_or_default();
        dashboard.open(&format!("/api-keys/{id}"));
        self.closely("key", &[]);
        dashboard.keyfob.execute(USES);
        dashboard.open(&format!("/api-keys/{id}"));
        dashboard.execute("document.querySelectorAll('.uses details').forEach(part => { part.open = true; })", &[]);
        self.closely("key-uses", &[]);
        dashboard.find("#callback-form .more__summary").click();
        self.closely("key-callback-none", &[]);
        dashboard.follow("Make a secret");
        self.closely("key-callback-secret-alone", &[]);
        dashboard.fill_in("#callback-url", "https://example.com/sms-status");
        dashboard.follow("Save callback");
        dashboard.open(&format!("/api-keys/{id}/callback/remove"));
        dashboard.follow("Remove callback");
        dashboard.fill_in("#callback-url", "https://example.com/sms-status");
        dashboard.follow("Save callback");
        self.closely("key-callback-secret", &[]);
        dashboard.open(&format!("/api-keys/{id}/callback/new-secret"));
        self.closely("key-callback-question", &[]);
        dashboard.open(&format!("/api-keys?missed=disabled.{id}"));
        self.closely("missed-switch", &[]);
        dashboard.open(&format!("/api-keys/{id}/deletion"));
        self.closely("key-deletion", &[]);
    }

    /// Deleted keys, a service that is off, and a key that is off for a reason.
    #[track_caller]
    fn at_the_trash(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/api-keys/trash");
        self.closely("trash-empty", &[]);
        let ids: Vec<String> = [&"W".repeat(100), "Old"]
            .iter()
            .map(|name| {
                dashboard.open("/api-keys");
                dashboard.create_key(name);
                dashboard.find(FIRST_ROW).attribute("id").unwrap_or_default()
            })
            .collect();
        dashboard.open(&format!("/api-keys/{}", ids[1]));
        dashboard.find("#key-reason-part summary").click();
        self.closely("key-reason", &[]);
        dashboard.fill_in("#key-reason-note", &"w".repeat(201));
        dashboard.find("#reason-form [type=submit]").click();
        dashboard.wait_for("#key-reason-note-error");
        self.closely("key-reason-with-error", &[&format!("/api-keys/{}/status 422", ids[1])]);
        dashboard.fill_in("#key-reason-note", &"w".repeat(200));
        dashboard.find("#reason-form [type=submit]").click();
        dashboard.wait_for(".key-off");
        self.closely("key-off", &[]);
        dashboard.open(&format!("/api-keys/{}/deletion", ids[0]));
        dashboard.follow("Delete key");
        dashboard.open("/api-keys/trash");
        self.closely("trash", &[]);
        dashboard.open(&format!("/api-keys/{}/purge", ids[0]));
        self.closely("purge", &[]);
        dashboard.open(&format!("/api-keys/{}", ids[0]));
        self.closely("key-in-trash", &[]);
        dashboard.open("/services/sms/status");
        self.closely("service-switch-off", &[]);
        dashboard.follow("Switch off");
        dashboard.wait_for_text(TOAST, "SMS is switched off.");
        self.closely("services-off", &[]);
        dashboard.open(&format!("/api-keys/{}", ids[1]));
        self.closely("key-of-service-off", &[]);
        dashboard.open("/services");
        dashboard.find("[role=switch][aria-checked=false]").click();
        dashboard.wait_for_text(TOAST, "SMS is switched on.");
    }

    /// Everything that a key's page can say about its scopes and addresses.
    #[track_caller]
    fn at_a_limited_key(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/api-keys");
        let key = dashboard.create_key("Limited");
        let id = dashboard.find(FIRST_ROW).attribute("id").unwrap_or_default();
        dashboard.open(&format!("/api-keys/{id}"));
        dashboard.find("#scopes .more__summary").click();
        dashboard.find("#key-scopes [value=some]").click();
        dashboard.find("#key-scopes [value='messages.read']").click();
        dashboard.find("#key-scopes [value='messages.send']").click();
        dashboard.follow("Save scopes");
        dashboard.find("#allowed-ips .more__summary").click();
        dashboard.fill_in("#key-allowed-ips", "10.0.0.5/8");
        dashboard.follow("Save addresses");
        self.closely("key-wrong-addresses", &[&format!("/api-keys/{id}/allowed-ips#allowed-ips 422")]);
        dashboard.fill_in("#key-allowed-ips", "10.0.0.0/8");
        dashboard.follow("Save addresses");
        for address in ["203.0.113.9", "2001:db8:1234:5678:9abc:def0:1234:5678"] {
            assert_eq!(dashboard.keyfob.verdict_for(&key, address), "IP_NOT_ALLOWED");
        }
        assert_eq!(dashboard.keyfob.verdict(&key), "IP_NOT_ALLOWED");
        dashboard.open(&format!("/api-keys/{id}"));
        dashboard.find("#limits .more__summary").click();
        dashboard.fill_in("#limit-recipient-day", "3");
        dashboard.fill_in("#limit-credits-day", "500");
        dashboard.find("#limits [name=destinations][value=only]").click();
        dashboard.fill_in("#limit-prefixes", "+420 +44");
        dashboard.fill_in("#limit-senders", "Shop");
        dashboard.follow("Save limits");
        dashboard.find("#limits .more__summary").click();
        self.closely("key-limited", &[]);
    }

    /// The page of refused requests, of all keys and of one, and the section on a key's page.
    #[track_caller]
    fn at_refusals(&self) {
        let dashboard = &self.dashboard;
        for _ in 0..3 {
            let unknown = KeySecret::generate("sms", Mode::Live).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(dashboard.keyfob.verdict_for(unknown.expose(), "203.0.113.9"), "NOT_FOUND");
        }
        assert_eq!(dashboard.keyfob.verdict("hunter2"), "NOT_FOUND");
        dashboard.open("/refusals");
        dashboard.wait_for("#unknown-keys .refused__row");
        self.closely("refusals", &[]);
        dashboard.open("/refusals?code=EXPIRED");
        self.closely("refusals-none-found", &[]);
        dashboard.open("/refusals");
        dashboard.find(".refused__key a").click();
        dashboard.wait_for(".refused__item");
        self.closely("key-refused", &[]);
        dashboard.open(&format!("/refusals?key={}", dashboard.path().trim_start_matches("/api-keys/")));
        self.closely("refusals-of-key", &[]);
    }

    /// Which key is this? And a key that was reported.
    #[track_caller]
    fn at_leaks(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/leaks");
        self.closely("leaks", &[]);
        dashboard.open("/api-keys");
        let key = dashboard.create_key("Found in a repository");
        dashboard.keyfob.report_leak(&key);
        dashboard.open("/api-keys");
        self.closely("api-keys-reported", &[]);
        dashboard.find(".key-ends a").click();
        dashboard.wait_for("#leak-report");
        self.closely("key-reported", &[]);
        dashboard.open("/leaks");
        let stranger = KeySecret::generate("mail", Mode::Test).unwrap_or_else(|error| panic!("{error}"));
        dashboard.fill_in("#leak-text", &format!("KEY={key} {} {}x", stranger.expose(), &key[..46]));
        dashboard.follow("Look up");
        self.closely("leaks-answer", &[]);
        dashboard.follow("Switch off Found in a repository");
        dashboard.wait_for_text(".leak__verdict", "Refused: the key is switched off");
    }

    #[track_caller]
    fn at_a_rotation(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/api-keys");
        dashboard.find(&format!("{FIRST_ROW} .api-key__rotate")).click();
        dashboard.wait_for(POP_UP);
        self.closely("rotation-pop-up", &[]);
        dashboard.follow("Rotate");
        self.closely("rotated", &[]);
        dashboard.follow("Done");
        dashboard.find(".more__summary").click();
        self.closely("key-rotating", &[]);
        let key = dashboard.path();
        dashboard.open("/api-keys");
        self.closely("rotating", &[]);
        dashboard.open(&format!("{key}/rotation"));
        self.closely("rotation-in-rotation", &[]);
        dashboard.open(&format!("{key}/rotation/end"));
        self.closely("rotation-end", &[]);
    }

    #[track_caller]
    fn at_messages(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/messages");
        self.closely("messages-empty", &[]);
        self.send_messages(&MESSAGES);
        dashboard.open("/messages");
        for status in ["delivered", "undelivered", "expired", "failed", "sent"] {
            dashboard.wait_for(&format!(".status--{status}"));
        }
        self.closely("messages", &[]);
        dashboard.open("/messages?period=30d");
        dashboard.find(".chart__table .more__summary").click();
        self.closely("messages-30-days", &[]);
        dashboard.open("/messages");
        dashboard.click("Send a message");
        dashboard.wait_for(POP_UP);
        dashboard.click("Send");
        dashboard.wait_for("#message-to-error");
        self.closely("messages-pop-up", &["/messages 422"]);
        dashboard.open("/messages/new");
        dashboard.find(".more__summary").click();
        self.closely("messages-new", &[]);
        dashboard.open("/messages?from=2026-11-02&to=2026-11-01");
        self.closely("messages-wrong-filter", &["/messages?from=2026-11-02&to=2026-11-01 422"]);
        dashboard.open("/messages?q=%2B420000000");
        self.closely("messages-none", &[]);
        dashboard.open("/messages?status=failed");
        dashboard.find(".message a").click();
        dashboard.wait_for(".history");
        self.closely("message", &[]);
    }

    #[track_caller]
    fn at_credits(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/credits");
        dashboard.fill_in("#credits-amount", "many");
        dashboard.fill_in("#credits-note", DESCRIPTION_OF_MONEY);
        dashboard.follow("Add Credits");
        self.closely("credits-with-error", &["/credits 422"]);
        dashboard.fill_in("#credits-amount", "5000");
        dashboard.follow("Add Credits");
        dashboard.wait_for_text(TOAST, "Success");
        self.closely("credits", &[]);
        dashboard.keyfob.execute(SPENDING);
        dashboard.open("/credits?reason=top_up");
        self.closely("credits-top-ups", &[]);
        dashboard.open("/credits");
        dashboard.find(".chart__table .more__summary").click();
        dashboard.find("#credits-correct").click();
        dashboard.fill_in("#correction-change", "-100000000");
        dashboard.fill_in("#correction-reason", DESCRIPTION_OF_MONEY);
        dashboard.follow("Correct Balance");
        self.closely("credits-spent", &["/credits/corrections 422"]);
    }

    #[track_caller]
    fn at_people(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/people");
        self.closely("people", &[]);
        dashboard.click("+ Invite");
        dashboard.wait_for(POP_UP);
        dashboard.fill_in("#invitation-email", "nobody");
        dashboard.click("Make link");
        dashboard.wait_for("#invitation-email-error");
        self.closely("people-invite-pop-up", &["/people/invitations 422"]);
        dashboard.fill_in("#invitation-email", "grace.of.the.branch.office@customers.example.com");
        dashboard.click("Make link");
        dashboard.wait_for("dialog #made-link");
        self.closely("people-invited-pop-up", &[]);
        dashboard.open("/people/invitations/new");
        self.closely("people-invite", &[]);
        dashboard.follow("Make link");
        let link = dashboard.wait_for("#made-link").text();
        self.closely("people-invited", &[]);
        dashboard.goto(&link);
        self.closely("invitation-logged-in", &[]);
        self.at_an_invitation(&link);
        let person = self.at_a_person();
        self.at_a_removal(&person);
    }

    /// What somebody sees who is not logged in; afterwards the owner is again.
    #[track_caller]
    fn at_an_invitation(&self, link: &str) {
        let dashboard = &self.dashboard;
        dashboard.open("/people");
        self.closely("people-with-invitations", &[]);
        dashboard.follow("Log out");
        dashboard.goto(link);
        self.closely("invitation", &[]);
        dashboard.follow("Join");
        self.closely("invitation-with-errors", &[&format!("{} 422", dashboard.path())]);
        dashboard.fill_in("#name", &"W".repeat(100));
        dashboard.fill_in("#email", "grace@example.com");
        dashboard.fill_in("#password", PASSWORD);
        dashboard.follow("Join");
        dashboard.wait_for_text(TOAST, "Welcome");
        dashboard.open("/people");
        self.closely("people-as-viewer", &[]);
        dashboard.goto(link);
        self.closely("invitation-ended", &[&format!("{} 404", dashboard.path())]);
        dashboard.open("/api-keys");
        dashboard.follow("Log out");
        dashboard.log_in(PASSWORD);
        dashboard.wait_for_text("h1", "API Keys");
    }

    #[track_caller]
    fn at_a_person(&self) -> String {
        let dashboard = &self.dashboard;
        dashboard.open("/people");
        dashboard.follow("Mara Lind");
        self.closely("person-oneself", &[]);
        dashboard.find("details summary").click();
        self.closely("person-known-keys", &[]);
        dashboard.open("/people");
        dashboard.follow(&"W".repeat(100));
        dashboard.find("details summary").click();
        self.closely("person", &[]);
        let person = dashboard.path();
        dashboard.click("Change…");
        dashboard.wait_for(POP_UP);
        self.closely("person-role-pop-up", &[]);
        dashboard.open(&format!("{person}/role"));
        self.closely("person-role", &[]);
        dashboard.open(&format!("{person}/password-link"));
        self.closely("person-password-link", &[]);
        dashboard.follow("Make link");
        let link = dashboard.wait_for("#made-link").text();
        self.closely("person-password-link-made", &[]);
        dashboard.goto(&link);
        self.closely("new-password", &[]);
        dashboard.follow("Save password");
        self.closely("new-password-with-error", &[&format!("{} 422", dashboard.path())]);
        dashboard.fill_in("#new-password", "a battery of correct horses");
        dashboard.follow("Save password");
        self.closely("new-password-saved", &[]);
        dashboard.goto(&link);
        self.closely("new-password-ended", &[&format!("{} 404", dashboard.path())]);
        person
    }

    #[track_caller]
    fn at_a_removal(&self, person: &str) {
        let dashboard = &self.dashboard;
        dashboard.open(&format!("{person}/status"));
        self.closely("person-disable", &[]);
        dashboard.follow("Disable");
        self.closely("person-disabled", &[]);
        dashboard.open("/people");
        self.closely("people-disabled", &[]);
        dashboard.open(&format!("{person}/removal"));
        self.closely("person-removal", &[]);
        dashboard.follow("Remove");
        self.closely("person-removed", &[]);
    }

    #[track_caller]
    fn at_audit(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/audit");
        self.closely("audit", &[]);
        dashboard.find(".event__more summary").click();
        self.closely("audit-details", &[]);
        dashboard.open("/audit?action=api_key.created");
        self.closely("audit-created", &[]);
        let target = dashboard.run("document.querySelector('.event__target').getAttribute('href')", &[]);
        let id = target.as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        dashboard.open(&format!("/audit?target={id}"));
        self.closely("audit-history", &[]);
        dashboard.open("/audit?action=callbacks");
        self.closely("audit-none-found", &[]);
        dashboard.open("/audit?from=2026-11-02&to=2026-11-01");
        self.closely("audit-wrong-filter", &["/audit?from=2026-11-02&to=2026-11-01 422"]);
    }

    #[track_caller]
    fn at_services(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/services");
        self.closely("services", &[]);
        dashboard.open("/services/new");
        self.closely("services-new", &[]);
        dashboard.open("/services/sms");
        self.closely("service", &[]);
        dashboard.find("#scopes .more__summary").click();
        dashboard.fill_in("#scope-name", "messages.*");
        dashboard.follow("Add scope");
        self.closely("service-with-error", &["/services/sms/scopes#scopes 422"]);
        dashboard.fill_in("#scope-name", &"w".repeat(64));
        dashboard.fill_in("#scope-description", &"What a scope allows ".repeat(9));
        dashboard.follow("Add scope");
        dashboard.wait_for_text(TOAST, "added");
        self.closely("service-long-scope", &[]);
        dashboard.open("/services/sms/scopes/messages.send");
        self.closely("scope", &[]);
        dashboard.open(&format!("/services/sms/scopes/{}/deletion", "w".repeat(64)));
        self.closely("scope-deletion", &[]);
        dashboard.open("/connect?service=sms");
        self.closely("connect", &[]);
        dashboard.open("/connect?service=sms&scope=messages.send");
        self.closely("connect-scopes", &[]);
        self.make_service(&"W".repeat(100));
        dashboard.open("/services");
        self.closely("services-long", &[]);
        dashboard.open("/api-keys?service=long");
        self.closely("long-empty", &[]);
        dashboard.open("/api-keys");
        dashboard.open_pop_up();
        self.closely("pop-up-services", &[]);
        dashboard.find("#api-key-service").type_text("W");
        dashboard.fill_in(NAME, "Of the long service");
        dashboard.click("Create");
        dashboard.wait_gone(POP_UP);
        dashboard.wait_for_text(FIRST_ROW, "WWWW");
        self.closely("created-long", &[]);
    }

    #[track_caller]
    fn at_many_keys(&self) {
        let dashboard = &self.dashboard;
        let many: Vec<String> = (1..=50).map(|number| format!("Branch office {number}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
        self.make_keys(&many);
        self.make_keys(&AWKWARD_KEYS);
        dashboard.open("/api-keys");
        self.closely("many-keys", &[]);
        dashboard.follow("Older keys");
        self.closely("older-keys", &[]);
        dashboard.open("/api-keys?status=enabled&mode=live&used=never&sort=name");
        self.closely("keys-filtered", &[]);
        dashboard.find(".key-filters__summary").click();
        self.closely("keys-filters-open", &[]);
        dashboard.open(&format!("/api-keys?q={}", "x".repeat(60)));
        self.closely("keys-not-found", &[]);
    }

    /// What is asked before many keys are changed, and what has come of it.
    #[track_caller]
    fn at_an_action_on_many_keys(&self) {
        let dashboard = &self.dashboard;
        let select_all = || {
            dashboard.open("/api-keys");
            dashboard.find(".key-box").click();
            dashboard.find("#bulk-form [name=scope]").click();
        };
        select_all();
        self.closely("keys-selected", &[]);
        dashboard.follow("Extend…");
        self.closely("bulk-extend", &[]);
        dashboard.follow(&dashboard.find(".bulk-question [type=submit]").label());
        self.closely("bulk-extend-with-error", &["/api-keys/bulk/confirmation 422"]);
        select_all();
        dashboard.follow("Switch off…");
        self.closely("bulk-switch-off", &[]);
        dashboard.follow(&dashboard.find(".bulk-question [type=submit]").label());
        dashboard.wait_for_text(TOAST, "switched off.");
        self.closely("keys-switched-off", &[]);
        let undo = dashboard.find("form[action^='/undo/']").attribute("action").unwrap_or_default();
        let action = undo.trim_start_matches("/undo/");
        let key = dashboard.find(FIRST_ROW).attribute("id").unwrap_or_default();
        dashboard.open(&format!("/api-keys/{key}"));
        self.closely("key-with-undo", &[]);
        dashboard.keyfob.execute("UPDATE key_action_items SET outcome = 'gone' WHERE position < 8;");
        dashboard.open(&format!("/api-keys/bulk/{action}"));
        self.closely("bulk-result", &[]);
        for (name, seconds) in [("bulk-progress", 3600), ("bulk-stopped", -60)] {
            dashboard.keyfob.execute(&format!(
                "UPDATE key_actions SET state = 'running', finished_at = NULL, \
                 updated_at = (unixepoch() + {seconds}) * 1000000 WHERE id = '{action}'; \
                 UPDATE key_action_items SET outcome = 'pending' WHERE position > 20;"
            ));
            dashboard.open(&format!("/api-keys/bulk/{action}"));
            self.closely(name, &[]);
        }
        dashboard.follow("Undo");
        dashboard.wait_for_text(TOAST, "on again.");
    }

    #[track_caller]
    fn at_settings(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/settings");
        self.closely("settings", &[]);
        dashboard.fill_in("#current-password", "a wrong password");
        dashboard.follow("Change password");
        self.closely("settings-with-error", &["/settings/password 422"]);
        dashboard.keyfob.let_logins_grow_old();
        dashboard.open("/settings/instance");
        self.closely("confirmation", &[]);
        dashboard.fill_in("#password", "a wrong password");
        dashboard.follow("Continue");
        self.closely("confirmation-with-error", &["/login/confirmation 422"]);
        dashboard.fill_in("#password", PASSWORD);
        dashboard.follow("Continue");
        self.closely("settings-instance", &[]);
        dashboard.fill_in("#default-lifetime", "91");
        dashboard.fill_in("#max-lifetime", "90");
        dashboard.follow("Save lifetimes");
        self.closely("settings-instance-with-error", &["/settings/instance 422"]);
        dashboard.fill_in("#default-lifetime", "30");
        dashboard.follow("Save lifetimes");
        self.closely("settings-instance-beyond", &[]);
        dashboard.open("/settings/instance/shortening");
        self.closely("settings-instance-shortening", &[]);
        dashboard.open("/settings/instance");
        dashboard.fill_in("#instance-name", &format!("{} <b>Keys</b>", "W".repeat(48)));
        dashboard.follow("Save name");
        self.closely("settings-instance-named", &[]);
        dashboard.fill_in("#instance-name", &"W".repeat(61));
        dashboard.follow("Save name");
        self.closely("settings-instance-name-with-error", &["/settings/instance/name 422"]);
        dashboard.keyfob.execute(SESSIONS);
        dashboard.open("/settings/sessions");
        self.closely("sessions", &[]);
        dashboard.open("/settings/limits");
        self.closely("settings-limits", &[]);
        dashboard.fill_in("#limit-recipient-day", "none");
        dashboard.follow("Save limits");
        self.closely("settings-limits-with-error", &["/settings/limits 422"]);
        dashboard.keyfob.execute(NEARLY_USED);
        dashboard.open("/credits");
        self.closely("credits-with-limits", &[]);
    }

    #[track_caller]
    fn at_the_rest(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/api-keys/new?service=sms");
        self.closely("new", &[]);
        dashboard.follow("Create");
        self.closely("new-with-error", &["/api-keys 422"]);
        dashboard.open("/nothing-here");
        self.closely("not-found", &["/nothing-here 404"]);
    }

    /// No carrier, then one that refuses the password, one that is not there, one that is slow and one that is off.
    #[track_caller]
    fn at_carriers(&mut self) {
        self.dashboard.open("/carriers");
        self.closely("carriers-none", &[]);
        self.dashboard.open("/settings");
        self.dashboard.keyfob.execute("UPDATE guards SET messages_minute = NULL, credits_day = NULL");
        let carriers = CARRIERS.replace("{port}", &provider().to_string());
        self.dashboard.keyfob.start_with_carriers(&carriers);
        let number = |beginning: &str, end: usize| format!("{beginning}{end:07}");
        let slow = (0..12).map(|end| number("+44770", end));
        let numbers: Vec<String> =
            slow.chain((0..3).flat_map(|end| [number("+1555", end), number("+42077", end)])).collect();
        let messages: Vec<_> = numbers.iter().map(|number| (&**number, "Your parcel waits.", "live")).collect();
        self.send_messages(&messages);
        let dashboard = &self.dashboard;
        for (path, sign) in [("/carriers", ".status--expired"), ("/messages", ".carrier-trouble + .carrier-trouble")] {
            dashboard.open(path);
            let began = Instant::now();
            while dashboard.find_all(sign).is_empty() {
                assert!(began.elapsed() < Duration::from_secs(60), "no {sign} at {path}");
                dashboard.open(path);
            }
        }
        self.closely("messages-waiting", &[]);
        dashboard.find(".message a").click();
        dashboard.wait_for(".history");
        self.closely("message-waiting", &[]);
        dashboard.open("/messages/new");
        dashboard.find("[name=mode][value=live]").click();
        dashboard.fill_in("#message-to", "+15550000001");
        self.closely("messages-new-with-carriers", &[]);
        dashboard.open("/api-keys");
        self.closely("api-keys-carriers", &[]);
        dashboard.open("/carriers");
        dashboard.find(".carriers__more .more__summary").click();
        self.closely("carriers", &[]);
    }

    /// Management keys: none yet, the pop-up, a new one, and its page.
    #[track_caller]
    fn at_automation(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/automate");
        self.closely("automate-empty", &[]);
        dashboard.click("+ New Management Key");
        dashboard.wait_for(POP_UP);
        self.closely("automate-pop-up", &[]);
        dashboard.find("dialog summary").click();
        dashboard.find("dialog [name=grants][value=some]").click();
        dashboard.fill_in("#management-key-max-lifetime", "a year");
        dashboard.click("Create");
        dashboard.wait_for("#management-key-name-error");
        self.closely("automate-pop-up-with-errors", &["/automate 422"]);
        dashboard.fill_in("#management-key-name", "Signup of the customer portal");
        for scope in ["keys.read", "keys.create", "keys.update", "keys.disable"] {
            dashboard.find(&format!("dialog [name=scopes][value='{scope}']")).click();
        }
        if dashboard.find_all("dialog [name=services]:checked").is_empty() {
            dashboard.find("dialog [name=services][value=sms]").click();
        }
        dashboard.fill_in("#management-key-grantable-scopes", "messages.send balance.read");
        dashboard.fill_in("#management-key-max-lifetime", "365");
        dashboard.click("Create");
        dashboard.wait_gone(POP_UP);
        dashboard.wait_for(".management-keys .reveal");
        assert!(dashboard.has_focus(".reveal [data-copy]"), "the new key is at hand");
        self.closely("automate-created", &[]);
        dashboard.open("/automate/new");
        self.closely("automate-new", &[]);
        for (name, _) in &AWKWARD_KEYS[4..] {
            dashboard.open("/automate/new");
            dashboard.fill_in("#management-key-name", name);
            dashboard.find("[name=scopes][value=introspect]").click();
            dashboard.find("[name=reach][value=all]").click();
            dashboard.follow("Create");
        }
        dashboard.open("/automate");
        self.closely("automate", &[]);
        dashboard.open("/api-keys?service=keyfob");
        self.closely("api-keys-of-management", &[]);
        dashboard.follow("Signup of the customer portal");
        self.closely("management-key", &[]);
    }

    #[track_caller]
    fn at_what_a_viewer_sees(&self) {
        let dashboard = &self.dashboard;
        dashboard.open("/api-keys/new?service=sms");
        dashboard.fill_in(NAME, "Seen by all");
        dashboard.fill_in(DESCRIPTION, AWKWARD_KEYS[5].1);
        dashboard.follow("Create");
        dashboard.open("/api-keys");
        dashboard.follow("Seen by all");
        let key = dashboard.path();
        dashboard
            .fill_in("#callback-url", "https://example.com/a/very/long/address/of/a/callback/that/needs/two/lines");
        dashboard.follow("Save callback");
        dashboard.keyfob.make_viewers();
        for (name, path) in [
            ("api-keys", "/api-keys"),
            ("key", &*key),
            ("messages", "/messages"),
            ("messages-none", "/messages?api_key=key_00000000000000000000000000"),
            ("credits", "/credits"),
            ("services", "/services"),
            ("service", "/services/sms"),
            ("audit", "/audit"),
            ("automate", "/automate"),
            ("settings", "/settings"),
        ] {
            dashboard.open(path);
            self.closely(&format!("viewer-{name}"), &[]);
        }
        dashboard.open("/api-keys/new");
        self.closely("viewer-refused", &["/api-keys/new 403"]);
    }

    /// Takes a picture and finds fault. The console may hold one line for each answer that was no success.
    #[track_caller]
    fn closely(&self, name: &str, refusals: &[&str]) {
        let dashboard = &self.dashboard;
        dashboard.wait_for_calm();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        let pictures = folder.join("screenshots");
        fs::create_dir_all(&pictures).unwrap_or_else(|error| panic!("{}: {error}", pictures.display()));
        dashboard.screenshot(&pictures.join(format!("{name}-{}.png", self.screen)));

        assert_eq!(self.cut_off(), json!([]), "{name}: wider than its place");
        let faults = dashboard.axe(&folder.join("npm/node_modules/axe-core/axe.min.js"));
        assert!(faults.is_empty(), "{name}: {faults:#?}");
        let messages: Vec<String> = dashboard.console_messages().iter().map(|line| shorten(line)).collect();
        assert_eq!(messages, refusals, "{name}: the console");
    }

    /// What is wider than the window or, in the pop-up and the table, wider than its box. Code may be: its box
    /// scrolls; and so may a tag, which has its whole text in its tooltip.
    #[track_caller]
    fn cut_off(&self) -> Value {
        const CUT_OFF: &str = "[...document.querySelectorAll('html, body, main, dialog, .card, tbody :not(.tag)')]
            .filter(box => box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 1)
            .concat([...document.querySelectorAll('main :not(thead *, pre *), dialog *, .toast')].filter(part =>
                part.getBoundingClientRect().right > innerWidth + 1))
            .map(box => `${box.tagName}#${box.id}.${box.className} ${box.textContent.trim().slice(0, 40)}`)";
        self.dashboard.run(CUT_OFF, &[])
    }

    /// Sends messages by sending the form as the page would.
    #[track_caller]
    fn send_messages(&self, messages: &[(&str, &str, &str)]) {
        const SEND: &str = "return (async messages => {
            for (const [to, text, mode] of messages) {
                const page = await (await fetch('/messages/new')).text();
                const form = new DOMParser().parseFromString(page, 'text/html').getElementById('message-form');
                const body = new URLSearchParams(new FormData(form));
                for (const [name, value] of Object.entries({ to, text, mode })) body.set(name, value);
                const answer = await fetch('/messages', { method: 'POST', body });
                if (!answer.ok) return `${to}: ${answer.status}`;
            }
            return 'sent';
        })(arguments[0])";
        assert_eq!(as_text(&self.dashboard.execute(SEND, &[json!(messages)])), "sent");
    }

    /// Makes the service `long` by sending the form as the page would.
    #[track_caller]
    fn make_service(&self, name: &str) {
        const MAKE: &str = "return (async name => {
            const body = new URLSearchParams({ name, slug: 'long', key_prefix: 'long' });
            return (await fetch('/services', { method: 'POST', body })).ok ? 'made' : 'refused';
        })(arguments[0])";
        assert_eq!(as_text(&self.dashboard.execute(MAKE, &[json!(name)])), "made");
    }

    /// Makes keys by sending the form as the page would.
    #[track_caller]
    fn make_keys(&self, keys: &[(&str, &str)]) {
        const MAKE: &str = "return (async keys => {
            for (const [name, description] of keys) {
                const page = await (await fetch('/api-keys/new?service=sms')).text();
                const form = new DOMParser().parseFromString(page, 'text/html').getElementById('api-key-form');
                const body = new URLSearchParams(new FormData(form));
                body.set('name', name);
                body.set('description', description);
                const answer = await fetch('/api-keys', { method: 'POST', body });
                if (!answer.ok) return `${name}: ${answer.status}`;
            }
            return 'made';
        })(arguments[0])";
        assert_eq!(as_text(&self.dashboard.execute(MAKE, &[json!(keys)])), "made");
    }
}

/// `/path status` for the line that Chromium writes about an answer of 400 and above; others stay as they are.
fn shorten(line: &str) -> String {
    let parts = line.split_once(" - Failed to load resource: the server responded with a status of ");
    let Some((url, status)) = parts else { return line.to_owned() };
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let code = status.split(' ').next().unwrap_or_default();
    format!("/{path} {code}")
}
