//! Finding elements, and waiting for them.

use serde_json::json;

use super::{Browser, Element, list};

impl Browser {
    /// The first element that fits the CSS selector. Fails when there is none.
    #[track_caller]
    pub fn find(&self, css: &str) -> Element<'_> {
        match self.maybe_find(css) {
            Some(element) => element,
            None => panic!("no {css} on {}", self.url()),
        }
    }

    /// The first element that fits the CSS selector, if there is one.
    #[track_caller]
    pub fn maybe_find(&self, css: &str) -> Option<Element<'_>> {
        self.find_all(css).into_iter().next()
    }

    /// Every element that fits the CSS selector, in the order of the page.
    #[track_caller]
    pub fn find_all(&self, css: &str) -> Vec<Element<'_>> {
        let found = self.post("elements", &json!({ "using": "css selector", "value": css }));
        list(&found).iter().filter_map(|element| Element::from_json(self, element)).collect()
    }

    /// The element with the keyboard focus; the body when nothing has it.
    #[track_caller]
    pub fn active_element(&self) -> Element<'_> {
        match Element::from_json(self, &self.get("element/active")) {
            Some(element) => element,
            None => panic!("nothing has the focus on {}", self.url()),
        }
    }

    /// Waits until the element is there and visible.
    #[track_caller]
    pub fn wait_for(&self, css: &str) -> Element<'_> {
        self.wait_until(css, || self.sees(css, ""));
        self.find(css)
    }

    /// Waits until an element is visible that contains the text.
    #[track_caller]
    pub fn wait_for_text(&self, css: &str, text: &str) {
        self.wait_until(&format!("{text:?} in {css}"), || self.sees(css, text));
    }

    /// Waits until no such element is visible.
    #[track_caller]
    pub fn wait_gone(&self, css: &str) {
        self.wait_until(&format!("{css} to go"), || !self.sees(css, ""));
    }

    /// Whether such an element is visible and contains the text. An element that the page
    /// replaces in the middle of the look counts as not seen.
    #[track_caller]
    pub fn sees(&self, css: &str, text: &str) -> bool {
        self.find_all(css).iter().any(|element| element.shows(text).unwrap_or(false))
    }
}
