//! Tabs, each with the size and the colour scheme of the options.

use serde_json::{Value, json};

use super::protocol::call;
use super::{Browser, Options, list, text};

/// A tab of the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab(String);

impl Browser {
    /// The tab that takes the commands.
    #[track_caller]
    pub fn current_tab(&self) -> Tab {
        Tab(text(&self.get("window")))
    }

    /// All tabs, also those a link has opened.
    #[track_caller]
    pub fn tabs(&self) -> Vec<Tab> {
        let handles = self.get("window/handles");
        list(&handles).iter().map(text).map(Tab).collect()
    }

    /// Opens an empty tab and turns to it.
    #[track_caller]
    pub fn new_tab(&self) -> Tab {
        let tab = self.post("window/new", &json!({ "type": "tab" }));
        let tab = Tab(text(&tab["handle"]));
        self.switch_to(&tab);
        tab
    }

    /// Leaves one empty tab, no cookies, and nothing in the console.
    #[track_caller]
    pub fn forget_everything(&self) {
        let old = self.tabs();
        let fresh = self.new_tab();
        for tab in old {
            self.post("window", &json!({ "handle": tab.0 }));
            self.close();
        }
        self.switch_to(&fresh);
        self.devtools("Network.clearBrowserCookies", &json!({}));
        self.console_messages();
        self.requested_hosts();
    }

    #[track_caller]
    fn close(&self) {
        let path = format!("{}/window", self.session);
        if let Err(failure) = call(self.driver.port, "DELETE", &path, &Value::Null) {
            panic!("the tab does not close: {failure}");
        }
    }

    /// Turns to another tab.
    #[track_caller]
    pub fn switch_to(&self, tab: &Tab) {
        self.post("window", &json!({ "handle": tab.0 }));
        self.emulate();
    }

    /// Gives the tab the size and the colour scheme of the options.
    #[track_caller]
    pub(super) fn emulate(&self) {
        let Options { width, height, dark, .. } = self.options;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        );
        let scheme = if dark { "dark" } else { "light" };
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }
}
