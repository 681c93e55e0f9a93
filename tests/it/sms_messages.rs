//! `/v1/sms/messages`, `/v1/balance`: what applications send with.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{App, Client, Key, on_both_databases};

const PATH: &str = "/v1/sms/messages";
const TO: &str = "+420777123456";

fn with_key(app: &App, key: &Key) -> Client {
    app.anonymous().with("authorization", &format!("Bearer {}", key.secret))
}

fn text_to(to: &str) -> String {
    json!({"to": to, "text": "Hello"}).to_string()
}

fn credits(client: &Client) -> i64 {
    client.get("/v1/balance").assert_ok().json()["credits"].as_i64().unwrap()
}

/// The message, once it has come to its end.
#[track_caller]
fn wait_for_end(client: &Client, message: &Value) -> Value {
    let (path, began) = (format!("{PATH}/{}", message["id"].as_str().unwrap()), Instant::now());
    loop {
        let message = client.get(&path).assert_ok().json();
        if !["queued", "sending", "sent"].contains(&message["status"].as_str().unwrap()) {
            return message;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{message}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

on_both_databases! {
    fn a_message_is_accepted_charged_and_delivered(db: &Database) {
        let app = db.app();
        let client = with_key(&app, &app.make_key("Project X"));

        let answer = client.post_json(PATH, text_to(TO)).assert_status(202).json();

        assert_eq!(answer["credits_left"], 99, "{answer}");
        let message = &answer["messages"][0];
        assert_eq!(
            (&message["status"], &message["segments"], &message["to"]),
            (&json!("queued"), &json!(1), &json!(TO))
        );
        let end = wait_for_end(&client, message);
        assert_eq!(end["status"], "delivered", "{end}");
        assert_eq!(credits(&client), 99);
    }
}
