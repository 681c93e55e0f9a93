//! An operator at a browser: a Keyfob of their own, and what they do again and again.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browsers;
use crate::keyfob::Keyfob;
use crate::webdriver::{Browser, Element, Options};

pub const EMAIL: &str = "mara@example.com";
pub const PASSWORD: &str = "correct horse battery staple";

/// The first row of the table, the newest key.
pub const FIRST_ROW: &str = "#api-keys-rows > .api-key:first-child";
pub const SWITCH: &str = "[role=switch]";
pub const TOAST: &str = "#toasts .toast";
pub const REVEAL: &str = "#api-keys-rows > .reveal";
pub const REVEALED_KEY: &str = ".reveal [id^=key-secret-]";
pub const POP_UP: &str = "dialog[open]";
pub const NAME: &str = "#api-key-name";
pub const DESCRIPTION: &str = "#api-key-description";
pub const CREATE: &str = "#api-key-form [type=submit]";

/// A browser at a Keyfob.
pub struct Dashboard {
    browser: Arc<Browser>,
    pub keyfob: Keyfob,
    /// The host by which the browser knows Keyfob.
    host: &'static str,
}

impl Deref for Dashboard {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Dashboard {
    /// Nobody has set up this Keyfob yet.
    #[track_caller]
    pub fn new(options: Options) -> Self {
        Self { keyfob: Keyfob::start(), browser: browsers::borrow(options), host: "127.0.0.1" }
    }

    /// The same, where Keyfob lies below this path of its host.
    #[track_caller]
    pub fn below(path: &'static str, options: Options) -> Self {
        Self { keyfob: Keyfob::start_below(path), browser: browsers::borrow(options), host: "127.0.0.1" }
    }

    /// The first operator is logged in and sees the empty list.
    #[track_caller]
    pub fn signed_in(options: Options) -> Self {
        Self::new(options).set_up()
    }

    /// The same, where Keyfob has a name in the local network. Now and then a Chromium that
    /// starts on a busy machine never knows the names that its flags map to addresses; another
    /// one does.
    #[track_caller]
    pub fn in_the_local_network(host: &'static str) -> Self {
        const TRIES: u32 = 4;
        for _ in 0..TRIES {
            let arguments = vec![format!("--host-resolver-rules=MAP {host} 127.0.0.1")];
            let dashboard = Self { host, ..Self::new(Options { arguments, ..Options::default() }) };
            if dashboard.resolves(&dashboard.url_of("/setup")) {
                return dashboard.set_up();
            }
            browsers::retire(&dashboard.browser);
        }
        panic!("{TRIES} browsers did not find {host}");
    }

    /// In one go: how a person does it is a test of its own.
    #[track_caller]
    fn set_up(self) -> Self {
        const FILL_IN: &str = "const form = document.querySelector('form');
            for (const [name, value] of Object.entries(arguments[0])) form.elements[name].value = value;
            form.requestSubmit();";
        self.open("/setup");
        let code = &self.keyfob.setup_code;
        self.execute(FILL_IN, &[json!({ "code": code, "name": "Mara Lind", "email": EMAIL, "password": PASSWORD })]);
        self.wait_for_text(TOAST, "Welcome");
        self.open("/api-keys");
        self
    }

    #[track_caller]
    pub fn fill_in_setup(&self, code: &str) {
        self.fill_in("#code", code);
        self.fill_in("#name", "Mara Lind");
        self.fill_in("#email", EMAIL);
        self.fill_in("#password", PASSWORD);
    }

    /// Opens a page by its path, below that of Keyfob.
    #[track_caller]
    pub fn open(&self, path: &str) {
        self.goto(&self.url_of(path));
    }

    fn url_of(&self, path: &str) -> String {
        let (_, port) = self.keyfob.address.split_once(':').unwrap_or_default();
        format!("http://{}:{port}{}{path}", self.host, self.keyfob.below)
    }

    /// The path of the page, with its query.
    #[track_caller]
    pub fn path(&self) -> String {
        let url = self.url();
        url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default()
    }

    #[track_caller]
    pub fn log_in(&self, password: &str) {
        self.fill_in("#email", EMAIL);
        self.fill_in("#password", password);
        self.follow("Log in");
    }

    /// Replaces what the field holds.
    #[track_caller]
    pub fn fill_in(&self, css: &str, text: &str) {
        let field = self.find(css);
        field.clear();
        field.type_text(text);
    }

    /// Clicks the link or button with this name.
    #[track_caller]
    pub fn click(&self, name: &str) {
        self.named("a, button", name).click();
    }

    /// Waits until the page can be clicked on: Chromium drops clicks on what it has not
    /// painted yet, though it has loaded.
    #[track_caller]
    pub fn wait_for_paint(&self) {
        const PAINTED: &str = "performance.getEntriesByType('paint').length > 0";
        self.wait_until("the page to be painted", || self.run(PAINTED, &[]) == true);
    }

    /// Clicks the link or button with this name and waits for the page it leads to.
    #[track_caller]
    pub fn follow(&self, name: &str) {
        self.leave_by(|| self.click(name));
    }

    /// Clicks what leads to another page and waits for that page: for forms without JavaScript.
    #[track_caller]
    pub fn submit(&self, css: &str) {
        self.leave_by(|| self.find(css).click());
    }

    /// A busy Chromium may drop a click even after the first paint. As a person would, this
    /// clicks again when the page is still there after a while.
    #[track_caller]
    fn leave_by(&self, click: impl Fn()) {
        const ARRIVED: &str = "!document.documentElement.dataset.left && document.readyState === 'complete'";
        const STILL_HERE: &str = "document.documentElement.dataset.left === 'yes'";
        const AGAIN_AFTER: Duration = Duration::from_secs(5);
        self.wait_for_paint();
        self.execute("document.documentElement.dataset.left = 'yes'", &[]);
        click();
        let clicked = Cell::new(Instant::now());
        self.wait_until("the next page", || {
            if clicked.get().elapsed() > AGAIN_AFTER && self.run(STILL_HERE, &[]) == true {
                click();
                clicked.set(Instant::now());
            }
            self.run(ARRIVED, &[]) == true
        });
    }

    /// The visible element with this name, as assistive technology says it.
    #[track_caller]
    pub fn named(&self, css: &str, name: &str) -> Element<'_> {
        let found = self.find_all(css).into_iter().find(|element| element.is_displayed() && element.label() == name);
        match found {
            Some(element) => element,
            None => panic!("no {css} is called {name:?} on {}", self.url()),
        }
    }

    #[track_caller]
    pub fn open_pop_up(&self) {
        self.click("+ New API Key");
        self.wait_for(POP_UP);
        self.wait_for_calm();
    }

    /// Makes a key in the pop-up and gives the key that is shown.
    #[track_caller]
    pub fn create_key(&self, name: &str) -> String {
        self.open_pop_up();
        self.fill_in(NAME, name);
        self.click("Create");
        self.wait_gone(POP_UP);
        self.wait_for_text(&format!("{FIRST_ROW} .api-key__name"), name);
        self.revealed_key()
    }

    /// The newest key that is shown in full.
    #[track_caller]
    pub fn revealed_key(&self) -> String {
        self.wait_for_calm();
        self.find(REVEALED_KEY).text()
    }

    /// Uses the switch of the first row and waits for what it then says.
    #[track_caller]
    pub fn switch(&self, word: &str) {
        self.find(&format!("{FIRST_ROW} {SWITCH}")).click();
        self.wait_for_text(FIRST_ROW, word);
    }

    /// Waits for fonts and for everything that moves, except toasts, which stay for seconds.
    #[track_caller]
    pub fn wait_for_calm(&self) {
        const CALM: &str = "document.readyState === 'complete' && document.fonts.status === 'loaded' &&
            document.getAnimations().every(({ animationName }) => animationName === 'toast-out')";
        self.wait_until("everything to come to rest", || self.run(CALM, &[]) == true);
    }

    /// The texts of all elements that fit, in the order of the page.
    #[track_caller]
    pub fn texts(&self, css: &str) -> Vec<String> {
        self.find_all(css).iter().map(Element::text).collect()
    }

    /// What the field holds.
    #[track_caller]
    pub fn value(&self, css: &str) -> String {
        as_text(&self.find(css).property("value"))
    }

    #[track_caller]
    pub fn has_focus(&self, css: &str) -> bool {
        self.run("document.activeElement.matches(arguments[0])", &[json!(css)]) == true
    }

    /// The text a person has selected.
    #[track_caller]
    pub fn selection(&self) -> String {
        as_text(&self.run("getSelection().toString()", &[]))
    }

    /// Everything in the page, seen or not.
    #[track_caller]
    pub fn source(&self) -> String {
        as_text(&self.run("document.documentElement.outerHTML", &[]))
    }

    /// Where an element is in the window, from 0 to 1: its middle from the left, its top from above.
    #[track_caller]
    pub fn position(&self, element: &Element) -> (f64, f64) {
        const PLACE: &str = "(({ left, width, top }) =>
            [(left + width / 2) / innerWidth, top / innerHeight])(arguments[0].getBoundingClientRect())";
        let place = self.run(PLACE, &[element.to_json()]);
        let number = |index: usize| place[index].as_f64().unwrap_or(f64::NAN);
        (number(0), number(1))
    }

    /// The value of a JavaScript expression.
    #[track_caller]
    pub fn run(&self, expression: &str, arguments: &[Value]) -> Value {
        self.execute(&format!("return {expression}"), arguments)
    }
}

pub fn as_text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `sms_live_` and 38 letters or digits.
#[track_caller]
pub fn assert_is_key(text: &str) {
    let random = text.strip_prefix("sms_live_").unwrap_or_default();
    let is_key = random.len() == 38 && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    assert!(is_key, "{text:?} is no key");
}
