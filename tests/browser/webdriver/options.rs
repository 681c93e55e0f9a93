//! What kind of browser a test wants.

use serde_json::{Value, json};

/// Flags every browser starts with: no window, no sandbox (containers), no talk of its own.
const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    // Chromium drops clicks while it holds back the first paint of a page that has loaded, and
    // tries https first with every name.
    "--disable-features=PaintHolding,DropInputEventsWhilePaintHolding,HttpsUpgrades",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--lang=en-US",
];

/// What kind of browser to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether pages may run scripts.
    pub javascript: bool,
    /// Whether the person prefers a dark page.
    pub dark: bool,
    /// Width of the viewport in CSS pixels.
    pub width: u32,
    /// Height of the viewport in CSS pixels.
    pub height: u32,
    /// Further flags for Chromium.
    pub arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { javascript: true, dark: false, width: 1440, height: 900, arguments: Vec::new() }
    }
}

impl Options {
    /// The size of a small phone.
    pub fn phone() -> Self {
        Self { width: 360, height: 740, ..Self::default() }
    }

    /// What to ask chromedriver for.
    pub(super) fn capabilities(&self) -> Value {
        let arguments: Vec<&str> = FLAGS.into_iter().chain(self.arguments.iter().map(String::as_str)).collect();
        let scripts = if self.javascript { 1 } else { 2 };
        json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": { "profile.managed_default_content_settings.javascript": scripts },
                "perfLoggingPrefs": { "enableNetwork": true, "enablePage": false },
            },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "timeouts": { "pageLoad": 30_000, "script": 20_000 },
        }}})
    }
}
