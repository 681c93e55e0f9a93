//! What tests about people do again and again.

use super::{Client, Database};

/// The id of the operator with this address.
#[track_caller]
pub fn operator_id(db: &Database, email: &str) -> String {
    let found = db.ask(&format!("SELECT id AS line FROM operators WHERE email = '{email}'"));
    assert_eq!(found.len(), 1, "{email}");
    found[0].clone()
}

impl Client {
    /// Invites somebody, as one does without JavaScript. Gives the path of the link.
    #[track_caller]
    pub fn invite(&self, role: &str, email: &str) -> String {
        let answer = self.post("/people/invitations", &[("role", role), ("email", email)]).assert_ok();
        self.made_link(&answer)
    }

    /// Makes a link for a person's new password. Gives its path.
    #[track_caller]
    pub fn password_link(&self, id: &str) -> String {
        let answer = self.post(&format!("/people/{id}/password-link"), &[]).assert_ok();
        self.made_link(&answer)
    }

    #[track_caller]
    fn made_link(&self, answer: &super::Answer) -> String {
        let link = answer.page().text("#made-link");
        link.strip_prefix(self.base()).unwrap_or_else(|| panic!("{link} is no link to {}", self.base())).to_owned()
    }
}
