//! An element of the page, as a person meets it.

use serde_json::{Value, json};

use super::protocol::Failure;
use super::{Browser, text};

/// The name under which `WebDriver` passes elements in JSON.
const REFERENCE: &str = "element-6066-11e4-a52e-4f735466cecf";

/// An element found in the page. It is of no use once the page has replaced it.
pub struct Element<'b> {
    browser: &'b Browser,
    id: String,
}

impl<'b> Element<'b> {
    /// Reads an element from an answer; `None` when the answer holds none.
    pub(super) fn from_json(browser: &'b Browser, answer: &Value) -> Option<Self> {
        let id = answer[REFERENCE].as_str()?.to_owned();
        Some(Self { browser, id })
    }

    /// The element as an argument for [`Browser::execute`].
    pub fn to_json(&self) -> Value {
        json!({ REFERENCE: self.id })
    }

    /// Clicks in the middle. Fails when something else lies on top.
    #[track_caller]
    pub fn click(&self) {
        self.post("click", &json!({}));
    }

    /// Clicks twice in quick succession.
    #[track_caller]
    pub fn double_click(&self) {
        let down = json!({ "type": "pointerDown", "button": 0 });
        let up = json!({ "type": "pointerUp", "button": 0 });
        let over = json!({ "type": "pointerMove", "origin": self.to_json(), "x": 0, "y": 0 });
        self.scroll_into_view();
        self.browser.act(&json!({
            "type": "pointer",
            "id": "mouse",
            "actions": [over, down, up, down, up],
        }));
    }

    /// Types at the end of what the field holds.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.post("value", &json!({ "text": text }));
    }

    /// Empties the field.
    #[track_caller]
    pub fn clear(&self) {
        self.post("clear", &json!({}));
    }

    /// The text as it is seen; empty when hidden.
    #[track_caller]
    pub fn text(&self) -> String {
        text(&self.get("text"))
    }

    /// The attribute as it stands in the HTML.
    #[track_caller]
    pub fn attribute(&self, name: &str) -> Option<String> {
        let value =
            self.browser.execute("return arguments[0].getAttribute(arguments[1])", &[self.to_json(), json!(name)]);
        value.as_str().map(str::to_owned)
    }

    /// The property of the DOM object, for instance `value` or `checked`.
    #[track_caller]
    pub fn property(&self, name: &str) -> Value {
        self.get(&format!("property/{name}"))
    }

    /// Whether a person can see it: not what the page has replaced since it was found.
    #[track_caller]
    pub fn is_displayed(&self) -> bool {
        match self.browser.try_get(&format!("element/{}/displayed", self.id)) {
            Ok(displayed) => displayed == true,
            Err(failure) if failure.error == "stale element reference" => false,
            Err(failure) => panic!("displayed: {failure}"),
        }
    }

    /// The role that assistive technology announces.
    #[track_caller]
    pub fn role(&self) -> String {
        text(&self.get("computedrole"))
    }

    /// The name that assistive technology announces.
    #[track_caller]
    pub fn label(&self) -> String {
        text(&self.get("computedlabel"))
    }

    /// Whether it can be seen and contains the text.
    pub(super) fn shows(&self, part: &str) -> Result<bool, Failure> {
        let seen = self.browser.try_get(&format!("element/{}/displayed", self.id))? == true;
        let said = self.browser.try_get(&format!("element/{}/text", self.id))?;
        Ok(seen && text(&said).contains(part))
    }

    #[track_caller]
    fn scroll_into_view(&self) {
        self.browser
            .execute("arguments[0].scrollIntoView({ block: 'nearest', behavior: 'instant' })", &[self.to_json()]);
    }

    #[track_caller]
    fn get(&self, command: &str) -> Value {
        self.browser.get(&format!("element/{}/{command}", self.id))
    }

    #[track_caller]
    fn post(&self, command: &str, body: &Value) -> Value {
        self.browser.post(&format!("element/{}/{command}", self.id), body)
    }
}

/// The same element of the same page.
impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
