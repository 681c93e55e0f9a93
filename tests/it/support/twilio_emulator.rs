//! Twilio, as npm's `emulate` plays it in another process.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use super::{Client, form, free_address};

pub const ACCOUNT: &str = "AC00000000000000000000000000000000";
pub const TOKEN: &str = "twilio_test_auth_token";

/// Killed when the test ends.
pub struct TwilioEmulator {
    child: Child,
    port: u16,
}

impl TwilioEmulator {
    pub fn start() -> Self {
        Self::start_at(free_address().rsplit_once(':').unwrap().1.parse().unwrap())
    }

    /// One at this port, which knows nothing of another one there before.
    pub fn start_at(port: u16) -> Self {
        let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/target/npm/node_modules");
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let child = Command::new(format!("{modules}/node-linux-{arch}/bin/node"))
            .args([format!("{modules}/emulate/dist/index.js"), "start".to_owned()])
            .args(["--service", "twilio", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let emulator = Self { child, port };
        let began = Instant::now();
        while emulator.client().try_send("GET", "/", None).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "the emulator does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is, as a setting, with this token.
    pub fn url(&self, token: &str) -> String {
        format!("twilio+http://{ACCOUNT}:{token}@127.0.0.1:{}?from=%2B15551234567", self.port)
    }

    fn client(&self) -> Client {
        let login = BASE64_STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
        Client::new(&format!("http://127.0.0.1:{}", self.port)).with("authorization", &format!("Basic {login}"))
    }

    /// All messages that it took.
    pub fn messages(&self) -> Vec<Value> {
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageSize=1000");
        self.client().get(&path).assert_ok().json()["messages"].as_array().unwrap().clone()
    }

    /// Lets it report what became of a message.
    #[track_caller]
    pub fn report(&self, sid: &str, status: &str) {
        let body = form(&[("MessageSid", sid), ("Status", status)]);
        let body = ("application/x-www-form-urlencoded", body.as_bytes());
        self.client().send("POST", "/_twilio/simulate/message-status", Some(body)).assert_ok();
    }

    /// Ends at once, as with `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for TwilioEmulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
