//! What came back, with assertions of one line.

use serde_json::Value;
use ureq::http::HeaderMap;

use super::Page;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// The header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// What it wants kept: the cookie with this name, and its attributes.
    #[track_caller]
    pub fn set_cookie(&self, name: &str) -> Vec<String> {
        let mut cookies = self.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        // On plain http the name goes on with something of the installation.
        let is_rest = |rest: &str| rest.is_empty() || rest.len() == 9 && rest.starts_with('-');
        let has_name = |cookie: &&str| cookie.split('=').next().unwrap().strip_prefix(name).is_some_and(is_rest);
        let cookie = cookies.find(has_name);
        cookie.unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).split("; ").map(str::to_owned).collect()
    }

    pub fn page(&self) -> Page {
        Page::parse(&self.body)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.body))
    }

    /// Where it leads, when it leads anywhere.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}\n{}", self.headers, self.body);
        self
    }

    #[track_caller]
    pub fn assert_ok(self) -> Self {
        self.assert_status(200)
    }

    #[track_caller]
    pub fn assert_leads_to(self, path: &str) -> Self {
        let answer = self.assert_status(303);
        assert_eq!(answer.location(), path);
        answer
    }

    /// Problem details with this code.
    #[track_caller]
    pub fn assert_problem(self, status: u16, code: &str) -> Self {
        let answer = self.assert_status(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["request_id"], answer.header("x-request-id"), "{problem}");
        answer
    }

    #[track_caller]
    pub fn assert_header(self, name: &str, value: &str) -> Self {
        assert_eq!(self.header(name), value, "{name}");
        self
    }
}
