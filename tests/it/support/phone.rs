//! An authenticator app.

use totp_rs::{Builder, Secret, Totp};

use super::{App, Client};

/// It has read a secret off the page, and makes codes of it by the app's clock.
pub struct Phone(Totp);

impl Phone {
    /// Reads the secret off the page, as somebody does who can't scan.
    #[track_caller]
    pub fn set_up(client: &Client) -> Self {
        client.post("/settings/second-factor/setup", &[]).assert_status(303);
        let secret =
            client.get("/settings/second-factor").assert_ok().page().text("#second-factor-secret").replace(' ', "");
        assert_eq!(secret.len(), 32, "160 bits in base32");
        Self(Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap())
    }

    /// The code that it shows now, when its clock is this many seconds early or late.
    pub fn code_with_clock(&self, app: &App, seconds: i64) -> String {
        let now = app.clock.now().micros() / 1_000_000 + seconds;
        self.0.generate(u64::try_from(now).unwrap()).to_string()
    }

    pub fn code(&self, app: &App) -> String {
        self.code_with_clock(app, 0)
    }

    /// The next code, once the time for it has come.
    pub fn next_code(&self, app: &App) -> String {
        app.clock.advance(30);
        self.code(app)
    }
    /// A code that it shows neither now nor a moment before or after.
    pub fn wrong_code(&self, app: &App) -> String {
        let shown = [-30, 0, 30].map(|seconds| self.code_with_clock(app, seconds));
        ["000000", "111111", "222222", "333333"]
            .map(str::to_owned)
            .into_iter()
            .find(|code| !shown.contains(code))
            .unwrap()
    }

    /// The secret as it was typed into the app.
    pub fn secret(&self) -> String {
        self.0.secret().to_base32()
    }
}
