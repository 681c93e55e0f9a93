//! An authenticator app beside the browser.

use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::{Builder, Secret, Totp};

use crate::dashboard::Dashboard;

pub const SECRET: &str = "#second-factor-secret";

/// It has been given the secret that the page shows.
pub struct Phone(Totp);

impl Phone {
    #[track_caller]
    pub fn reads(dashboard: &Dashboard) -> Self {
        let secret = dashboard.find(SECRET).property("textContent").as_str().unwrap_or_default().replace(' ', "");
        let secret = Secret::try_from_base32(&secret).unwrap_or_else(|error| panic!("{secret}: {error}"));
        let codes = Builder::new().with_secret(secret).build();
        Self(codes.unwrap_or_else(|error| panic!("{error}")))
    }

    pub fn code(&self) -> String {
        self.code_in(0)
    }

    /// The code after the one that it shows, which is taken already.
    pub fn next_code(&self) -> String {
        self.code_in(30)
    }

    fn code_in(&self, seconds: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|now| now.as_secs()).unwrap_or_default();
        self.0.generate(now + seconds).to_string()
    }
}
