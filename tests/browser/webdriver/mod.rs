//! A small `WebDriver` client: it starts its own chromedriver and headless Chromium and drives them
//! over HTTP. Every call panics with a readable sentence when it fails, at the line of the test.
//!
//! ```ignore
//! let browser = Browser::start(Options::default());
//! browser.goto("http://127.0.0.1:8080/");
//! browser.find("button.copy").click();
//! browser.wait_for("dialog[open]");
//! ```
#![expect(clippy::panic, reason = "a browser that does not do as told fails the test")]

mod driver;
mod element;
mod inspect;
mod keys;
mod options;
mod page;
mod protocol;
mod tabs;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use driver::Driver;
pub use element::Element;
pub use options::Options;
use protocol::{Failure, call};

/// How long a wait lasts before it fails the test.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks at the page.
const PAUSE: Duration = Duration::from_millis(25);

/// A running browser with a profile of its own. It is gone when dropped.
pub struct Browser {
    driver: Driver,
    session: String,
    options: Options,
}

impl Browser {
    /// Starts chromedriver and Chromium, with one empty tab.
    #[track_caller]
    pub fn start(options: Options) -> Self {
        let driver = Driver::start();
        let answer = call(driver.port, "POST", "/session", &options.capabilities())
            .unwrap_or_else(|failure| panic!("Chromium did not start: {failure}"));
        let session = format!("/session/{}", text(&answer["sessionId"]));
        let browser = Self { driver, session, options };
        browser.emulate();
        browser
    }

    /// What kind of browser it is.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Opens a page and waits until it has loaded.
    #[track_caller]
    pub fn goto(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Whether a page's name can be resolved; opens it then.
    #[track_caller]
    pub fn resolves(&self, url: &str) -> bool {
        match self.try_post("url", &json!({ "url": url })) {
            Ok(_) => true,
            Err(failure) if failure.to_string().contains("ERR_NAME_NOT_RESOLVED") => false,
            Err(failure) => panic!("{url}: {failure}"),
        }
    }

    /// The address of the page.
    #[track_caller]
    pub fn url(&self) -> String {
        text(&self.get("url"))
    }

    /// Goes one page back in the history.
    #[track_caller]
    pub fn back(&self) {
        self.post("back", &json!({}));
    }

    /// Loads the page again.
    #[track_caller]
    pub fn reload(&self) {
        self.post("refresh", &json!({}));
    }

    /// Looks again and again until the condition holds; `what` completes "waited in vain for …".
    #[track_caller]
    pub fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            if start.elapsed() > PATIENCE {
                panic!("waited in vain for {what} on {}", self.url());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Runs the body of a function in the page and gives what it returns. A promise is awaited.
    #[track_caller]
    pub fn execute(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Like [`Browser::execute`], but the result is what the script hands to its last argument.
    #[track_caller]
    pub fn execute_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("execute/async", &json!({ "script": script, "args": arguments }))
    }

    /// Sends a command of the Chrome `DevTools` protocol to the tab.
    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    #[track_caller]
    fn get(&self, command: &str) -> Value {
        self.try_get(command).unwrap_or_else(|failure| panic!("{command}: {failure}"))
    }

    #[track_caller]
    fn post(&self, command: &str, body: &Value) -> Value {
        self.try_post(command, body).unwrap_or_else(|failure| panic!("{command}: {failure}"))
    }

    fn try_get(&self, command: &str) -> Result<Value, Failure> {
        let path = format!("{}/{command}", self.session);
        call(self.driver.port, "GET", &path, &Value::Null)
    }

    fn try_post(&self, command: &str, body: &Value) -> Result<Value, Failure> {
        let path = format!("{}/{command}", self.session);
        call(self.driver.port, "POST", &path, body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium that does not leave in peace is ended together with its driver.
        let _ = call(self.driver.port, "DELETE", &self.session, &Value::Null);
    }
}

/// A JSON string without its quotes; empty when it is none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The items of a JSON array; none when it is no array.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
