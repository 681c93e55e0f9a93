//! A browser without a screen: keeps cookies and says where a request comes from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};

use super::{Answer, Key};

/// Clones share their cookies, as two tabs of one browser do.
#[derive(Clone)]
pub struct Client {
    base: String,
    agent: Agent,
    jar: Arc<Mutex<BTreeMap<String, String>>>,
    /// Headers that differ from what a browser sends; `None`: left out.
    changed: BTreeMap<&'static str, Option<String>>,
}

impl Client {
    pub fn new(base: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        Self { base: base.to_owned(), agent, jar: Arc::default(), changed: BTreeMap::new() }
    }

    /// The server that it speaks to.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same browser, with this header as it is given.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        self.change(name, Some(value.to_owned()))
    }

    /// The same browser, without this header.
    pub fn without(&self, name: &'static str) -> Self {
        self.change(name, None)
    }

    fn change(&self, name: &'static str, value: Option<String>) -> Self {
        let mut other = self.clone();
        other.changed.insert(name, value);
        other
    }

    /// The same browser, when htmx asks on behalf of an element such as
    /// `form#api-key-form` on the API Keys page.
    pub fn htmx(&self, source: &str) -> Self {
        self.with("hx-request", "true")
            .with("hx-request-type", "partial")
            .with("hx-source", source)
            .with("hx-current-url", &format!("{}/api-keys", self.base))
    }

    /// The same browser, on this page.
    pub fn on(&self, path: &str) -> Self {
        self.with("referer", &format!("{}{path}", self.base))
    }

    /// Another server on the same database, with a copy of the cookies.
    pub fn at(&self, base: &str) -> Self {
        let jar = Arc::new(Mutex::new(self.jar.lock().unwrap().clone()));
        Self { base: base.to_owned(), jar, ..self.clone() }
    }

    /// Another browser, without cookies.
    pub fn stranger(&self) -> Self {
        Self::new(&self.base)
    }

    /// Another browser that was given this one's cookies as they are now.
    pub fn thief(&self) -> Self {
        self.at(&self.base)
    }

    /// The cookies as a browser sends them.
    pub fn cookies(&self) -> String {
        let jar = self.jar.lock().unwrap();
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// The session's cookie, if there is a session.
    pub fn session_cookie(&self) -> Option<String> {
        self.session_cookie_pair().map(|(_, value)| value)
    }

    /// The same with its name, which carries something of the installation.
    pub fn session_cookie_pair(&self) -> Option<(String, String)> {
        let jar = self.jar.lock().unwrap();
        let is_session = |name: &str| name.starts_with("keyfob-") && !name.starts_with("keyfob-browser-");
        jar.iter().find(|(name, _)| is_session(name)).map(|(name, value)| (name.clone(), value.clone()))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// Sends a form.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, Some(("application/x-www-form-urlencoded", form(fields).as_bytes())))
    }

    pub fn post_json(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send("POST", path, Some(("application/json", body.as_ref())))
    }

    /// Sends anything: a content type with its body, or neither.
    pub fn send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Answer {
        self.try_send(method, path, body).unwrap()
    }

    /// The same, where the server may be gone before it has answered.
    pub fn try_send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Answer, ureq::Error> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut headers: BTreeMap<&str, String> = BTreeMap::new();
        if !matches!(method, Method::GET | Method::HEAD) {
            // A server may lie below a path of its host.
            let host = self.base.find("://").map_or(0, |scheme| scheme + 3);
            let path = self.base[host..].find('/').map_or(self.base.len(), |path| host + path);
            headers.insert("origin", self.base[..path].to_owned());
            headers.insert("sec-fetch-site", "same-origin".to_owned());
        }
        if !self.jar.lock().unwrap().is_empty() {
            headers.insert("cookie", self.cookies());
        }
        if let Some((kind, _)) = body {
            headers.insert("content-type", kind.to_owned());
        }
        for (name, value) in &self.changed {
            match value {
                Some(value) => headers.insert(name, value.clone()),
                None => headers.remove(name),
            };
        }
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let mut response = match body {
            Some((_, body)) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        }?;
        self.keep_cookies(response.headers());
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_string()?,
        })
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        for cookie in headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut jar = self.jar.lock().unwrap();
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    #[track_caller]
    pub fn log_in(&self, email: &str, password: &str) {
        self.post("/login", &[("email", email), ("password", password)]).assert_status(303);
    }

    /// The id in a fresh form.
    pub fn form_id(&self) -> String {
        self.get("/api-keys/new").page().field("key_id")
    }

    /// Makes a key for SMS, as somebody without JavaScript does.
    #[track_caller]
    pub fn create_key(&self, name: &str) -> Key {
        let id = self.form_id();
        let answer = self.post("/api-keys", &[("key_id", &id), ("service", "sms"), ("name", name)]).assert_ok();
        let secret = answer.page().text(".reveal .copyable__text[id^=key-secret]");
        Key { id, secret }
    }

    /// Hands a key over, as somebody without JavaScript does. Gives the path of the link.
    #[track_caller]
    pub fn hand_over(&self, key: &Key) -> String {
        let answer = self.post(&key.handover_path(), &[("key", &key.secret)]).assert_ok();
        let link = answer.page().text("[id^=handover-link]");
        link.strip_prefix(&self.base).unwrap_or_else(|| panic!("{link} is no link to {}", self.base)).to_owned()
    }

    /// Puts a key's switch to `enabled` or `disabled`.
    #[track_caller]
    pub fn switch(&self, key: &Key, status: &str) {
        self.post(&key.status_path(), &[("status", status)]).assert_status(303);
    }
}

/// `application/x-www-form-urlencoded`
pub fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}
