//! An application that sends messages.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use keyfob::domain::account;
use keyfob::domain::api_key::secret::Mode;
use keyfob::domain::carrier::Assignment;
use keyfob::domain::credit::{self, LedgerEntryId, TopUp};
use keyfob::domain::message::{self, MessageDraft, MessageFields, MessageId, MessageOrigin};
use keyfob::networks::Networks;
use serde_json::{Value, json};

use super::{Answer, App, Client, Database, Key, change};

/// Where messages are sent, and told about.
pub const MESSAGES: &str = "/v1/sms/messages";
/// A phone that the sandbox reaches.
pub const PHONE: &str = "+420777123456";

/// Holds a key, and is not logged in.
pub struct Application {
    pub client: Client,
}

impl Application {
    pub fn with(app: &App, key: &Key) -> Self {
        Self { client: app.anonymous().with("authorization", &format!("Bearer {}", key.secret)) }
    }

    /// Sends a request again and again under the same name.
    pub fn named(&self, name: &str) -> Self {
        Self { client: self.client.with("idempotency-key", name) }
    }

    pub fn post(&self, body: &Value) -> Answer {
        self.client.post_json(MESSAGES, body.to_string())
    }

    pub fn send(&self, to: &str, text: &str) -> Answer {
        self.post(&json!({"to": to, "text": text}))
    }

    /// The one message of a request that was accepted.
    #[track_caller]
    pub fn sent(&self, to: &str, text: &str) -> Value {
        self.send(to, text).assert_status(202).json()["messages"][0].clone()
    }

    #[track_caller]
    pub fn credits(&self) -> i64 {
        self.client.get("/v1/balance").assert_ok().json()["credits"].as_i64().unwrap()
    }

    #[track_caller]
    pub fn list(&self, query: &str) -> Vec<Value> {
        self.client.get(&format!("{MESSAGES}{query}")).assert_ok().json()["messages"].as_array().unwrap().clone()
    }

    #[track_caller]
    pub fn show(&self, message: &Value) -> Value {
        self.client.get(&format!("{MESSAGES}/{}", message["id"].as_str().unwrap())).assert_ok().json()
    }

    /// The message, once its status is one of these.
    #[track_caller]
    pub fn wait_for(&self, message: &Value, statuses: &[&str]) -> Value {
        let began = Instant::now();
        loop {
            let message = self.show(message);
            if statuses.contains(&message["status"].as_str().unwrap()) {
                return message;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{message}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The message, once it has come to its end.
    #[track_caller]
    pub fn wait_for_end(&self, message: &Value) -> Value {
        self.wait_for(message, &["delivered", "undelivered", "expired", "failed"])
    }
}

impl App<'_> {
    /// Makes the first account's balance what it should be.
    #[track_caller]
    pub fn set_credits(&self, credits: i64) {
        let conn = &mut self.db.conn();
        let account = account::first(conn).unwrap();
        let now = credit::balance(conn, &account).unwrap();
        if credits > now {
            let id = LedgerEntryId::mint();
            let top_up = TopUp::parse(id.as_str(), &(credits - now).to_string(), "for a test").unwrap();
            change(conn, self.clock.now(), |tx| credit::add(tx, &account, None, top_up));
        } else if credits < now {
            let message = keyfob::domain::message::MessageId::mint();
            credit::charge(conn, &account, &[(message, now - credits)], self.clock.now()).unwrap();
        }
    }

    /// A message of a key that waits for a retry in an hour, and so for no worker.
    #[track_caller]
    pub fn waiting(&self, key: &Key, fields: &MessageFields<'_>) -> MessageId {
        let (conn, now) = (&mut self.db.conn(), self.clock.now());
        let (api_key_id, account_id) = (Some(key.id.parse().unwrap()), account::first(conn).unwrap());
        let origin = MessageOrigin { account_id, api_key_id, mode: Mode::Live };
        let draft = MessageDraft::parse(fields, &Networks::parse("127.0.0.0/8").unwrap()).unwrap();
        let assignments = vec![Assignment { carrier: "default".parse().unwrap(), credits_per_segment: 1 }];
        conn.transaction(|conn| {
            // SQLite refuses to write after a read, if somebody else wrote in between.
            diesel::sql_query("UPDATE accounts SET name = name").execute(conn)?;
            let accepted = message::accept(conn, &origin, &draft, &assignments, now)?.messages.remove(0);
            let retry = now.plus_seconds(3_000).micros();
            let wait = format!("UPDATE messages SET due_at = {retry} WHERE id = '{}'", accepted.id);
            diesel::sql_query(wait).execute(conn)?;
            Ok::<_, keyfob::error::Error>(accepted.id)
        })
        .unwrap()
    }

    /// The balance of every account is the sum of its ledger.
    #[track_caller]
    pub fn assert_ledger_adds_up(&self) {
        let wrong = self.db.ask(
            "SELECT b.account_id AS line FROM credit_balances b WHERE b.credits <> \
             (SELECT COALESCE(SUM(e.amount), 0) FROM ledger_entries e WHERE e.account_id = b.account_id)",
        );
        assert!(wrong.is_empty(), "{wrong:?}");
        self.db.assert_messages_are_counted();
    }
}

impl Database {
    /// The counts of messages and of what they cost are those of the messages themselves.
    #[track_caller]
    pub fn assert_messages_are_counted(&self) {
        let group = "CASE WHEN status IN ('queued', 'sending') THEN 'waiting' \
                     WHEN status IN ('sent', 'delivered') THEN status ELSE 'not_delivered' END";
        let counts = format!(
            "SELECT account_id, hour, status_group, error, messages AS n FROM message_counts UNION ALL \
             SELECT account_id, hour, status_group, error, messages FROM message_count_changes UNION ALL \
             SELECT account_id, hour, old_group, old_error, -messages FROM message_count_changes WHERE old_group <> '' \
             UNION ALL SELECT account_id, created_at / 3600000000 * 3600000000, {group}, COALESCE(error, ''), -1 FROM messages"
        );
        let wrong = self.ask(&format!(
            "SELECT status_group || ' ' || error || ' ' || SUM(n) AS line FROM ({counts}) AS counts \
             GROUP BY account_id, hour, status_group, error HAVING SUM(n) <> 0"
        ));
        assert!(wrong.is_empty(), "{wrong:?}");
        let day = |time: &str| format!("{time} / 86400000000 * 86400000000");
        let by_carrier = format!(
            "SELECT carrier, day, status_group, messages AS n FROM carrier_counts UNION ALL \
             SELECT carrier, {0}, status_group, messages FROM message_count_changes UNION ALL \
             SELECT carrier, {0}, old_group, -messages FROM message_count_changes WHERE old_group <> '' \
             UNION ALL SELECT carrier, {1}, {group}, -1 FROM messages",
            day("hour"),
            day("created_at"),
        );
        let wrong = self.ask(&format!(
            "SELECT carrier || ' ' || status_group || ' ' || SUM(n) AS line FROM ({by_carrier}) AS counts \
             GROUP BY carrier, day, status_group HAVING SUM(n) <> 0"
        ));
        assert!(wrong.is_empty(), "{wrong:?}");
        let spending = format!(
            "SELECT account_id, day, api_key_id, credits AS n FROM credit_spending UNION ALL \
             SELECT account_id, {}, api_key_id, credits FROM message_count_changes UNION ALL \
             SELECT messages.account_id, {}, COALESCE(api_key_id, ''), amount FROM ledger_entries \
             JOIN messages ON messages.id = message_id WHERE reason IN ('message', 'refund')",
            day("hour"),
            day("messages.created_at"),
        );
        let wrong = self.ask(&format!(
            "SELECT account_id || ' ' || api_key_id || ' ' || SUM(n) AS line FROM ({spending}) AS spending \
             GROUP BY account_id, day, api_key_id HAVING SUM(n) <> 0"
        ));
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
