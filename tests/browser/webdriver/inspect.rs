//! What a test wants to know beyond the elements: the clipboard, the console, the network,
//! accessibility, and a picture.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Browser, list, text};

/// Runs axe and reports each violation with the elements it concerns.
const AXE: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'] }).then(
        ({ violations }) => done(violations.map(({ id, impact, help, nodes }) =>
            `${id} (${impact}): ${help}: ${nodes.map(node => node.target.join(' ')).join(', ')}`)),
        error => done([`axe failed: ${error}`]),
    );
";

impl Browser {
    /// Lets the page read and write the clipboard. The page must be open already.
    #[track_caller]
    pub fn grant_clipboard(&self) {
        for name in ["clipboard-read", "clipboard-write"] {
            self.post("permissions", &json!({ "descriptor": { "name": name }, "state": "granted" }));
        }
    }

    /// The text in the clipboard. The page must be on a secure origin and may read the clipboard.
    #[track_caller]
    pub fn clipboard_text(&self) -> String {
        text(&self.execute("return navigator.clipboard.readText()", &[]))
    }

    /// Errors and warnings in the console since the last call.
    #[track_caller]
    pub fn console_messages(&self) -> Vec<String> {
        list(&self.log("browser"))
            .iter()
            .filter(|entry| matches!(text(&entry["level"]).as_str(), "SEVERE" | "WARNING"))
            .map(|entry| text(&entry["message"]))
            .collect()
    }

    /// The hosts, without port, that the tabs asked for anything since the last call.
    #[track_caller]
    pub fn requested_hosts(&self) -> BTreeSet<String> {
        list(&self.log("performance"))
            .iter()
            .filter_map(|entry| serde_json::from_str(entry["message"].as_str()?).ok())
            .filter_map(|event: Value| host(requested_url(&event["message"])?))
            .collect()
    }

    #[track_caller]
    fn log(&self, kind: &str) -> Value {
        self.post("se/log", &json!({ "type": kind }))
    }

    /// Checks the page with axe-core, whose script is at the given path. Empty when all is well.
    #[track_caller]
    pub fn axe(&self, script: &Path) -> Vec<String> {
        let source =
            fs::read_to_string(script).unwrap_or_else(|error| panic!("{} (run tests/run): {error}", script.display()));
        self.execute(&source, &[]);
        list(&self.execute_async(AXE, &[])).iter().map(text).collect()
    }

    /// Writes a PNG of the whole page, also of what lies below the fold.
    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        let size = &self.devtools("Page.getLayoutMetrics", &json!({}))["cssContentSize"];
        let clip = json!({
            "x": 0, "y": 0, "scale": 1, "width": size["width"], "height": size["height"],
        });
        let picture = self.devtools(
            "Page.captureScreenshot",
            &json!({ "format": "png", "captureBeyondViewport": true, "clip": clip }),
        );
        let picture = from_base64(&text(&picture["data"]));
        fs::write(path, picture).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// The address in a `DevTools` event about a request that is about to leave.
fn requested_url(event: &Value) -> Option<&str> {
    match event["method"].as_str()? {
        "Network.requestWillBeSent" => event["params"]["request"]["url"].as_str(),
        "Network.webSocketCreated" => event["params"]["url"].as_str(),
        _ => None,
    }
}

/// The host of an address of the web; `None` for `data:` and other addresses without one.
fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "http" | "https" | "ws" | "wss") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let name = authority.rsplit('@').next()?;
    let port = name.rfind(':').filter(|colon| !name[*colon..].contains(']'));
    Some(name[..port.unwrap_or(name.len())].to_owned())
}

/// Decodes standard base64; characters outside the alphabet, such as the padding, are skipped.
fn from_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut buffer, mut bits) = (0_u32, 0);
    for character in text.bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        buffer = buffer << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    bytes
}
