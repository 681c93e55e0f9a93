//! A program that manages keys over the API.

use serde_json::{Value, json};

use super::{Answer, App, Client, Key};

/// A client with a management key.
pub struct Program {
    pub client: Client,
}

impl Program {
    pub fn with(app: &App, key: &Key) -> Self {
        Self { client: app.anonymous().with("x-api-key", &key.secret) }
    }

    /// One that may do everything with the keys of every service.
    #[track_caller]
    pub fn of(app: &App) -> Self {
        Self::with(app, &app.make_management_key("*", "*"))
    }

    /// The same with one more header.
    pub fn and(&self, name: &'static str, value: &str) -> Self {
        Self { client: self.client.with(name, value) }
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let text = body.to_string();
        let body = (!body.is_null()).then_some(("application/json", text.as_bytes()));
        self.client.send(method, path, body)
    }

    pub fn create(&self, body: &Value) -> Answer {
        self.send("POST", "/v1/keys", body)
    }

    /// A new key of SMS.
    #[track_caller]
    pub fn created(&self, name: &str) -> Key {
        key_of(&self.create(&json!({"service": "sms", "name": name})).assert_status(201))
    }

    pub fn key(&self, key: &Key) -> Answer {
        self.client.get(&path_of(key))
    }

    /// Changes a key if it has this version.
    pub fn patch(&self, key: &Key, version: i64, changes: &Value) -> Answer {
        self.and("if-match", &format!("\"{version}\"")).send("PATCH", &path_of(key), changes)
    }
}

pub fn path_of(key: &Key) -> String {
    format!("/v1/keys/{}", key.id)
}

/// The key that an answer tells, with its secret.
#[track_caller]
pub fn key_of(answer: &Answer) -> Key {
    let told = answer.json();
    let text = |name: &str| told[name].as_str().unwrap_or_else(|| panic!("{name}: {told}")).to_owned();
    Key { id: text("key_id"), secret: text("key") }
}
