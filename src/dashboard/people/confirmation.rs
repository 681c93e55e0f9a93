//! What is asked once more before a person is changed: the pop-up's content, or a page of its own.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::paths::{SECTION, path};
use super::role_words::RoleOption;
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::{AccountId, Permission};
use crate::domain::identity::operator::{self, Member, OperatorId};
use crate::error::{Error, Result};
use crate::http::State;

const NOT_CHANGED: &str = "Nothing was changed. Try again in a moment.";

/// A question about a person.
pub(super) struct Confirmation {
    pub(super) title: String,
    /// What happens then.
    pub(super) consequence: String,
    /// Where the form is sent to.
    pub(super) action: String,
    /// A hidden field of the form.
    pub(super) field: Option<(&'static str, &'static str)>,
    /// The roles to choose from, where one is chosen.
    pub(super) roles: Vec<RoleOption>,
    /// The words of the button.
    pub(super) button: &'static str,
    pub(super) is_danger: bool,
    /// The page to go back to.
    pub(super) back: String,
    pub(super) alert: Option<String>,
}

#[derive(Template)]
#[template(path = "people/_confirmation_dialog.html")]
struct PersonQuestionDialog {
    question: Confirmation,
}

#[derive(Template)]
#[template(path = "people/confirmation.html")]
struct PersonQuestionPage {
    shell: Shell,
    question: Confirmation,
}

impl Confirmation {
    /// A question without anything to choose.
    pub(super) fn of(id: &OperatorId, title: String, consequence: String, action: String) -> Self {
        Self {
            title,
            consequence,
            action,
            field: None,
            roles: Vec::new(),
            button: "",
            is_danger: true,
            back: path(id),
            alert: None,
        }
    }

    /// Asks.
    pub(super) fn draw(self, session: &Session, who: &SignedIn, htmx: &Htmx) -> Result<HttpResponse> {
        if htmx.is_part() {
            return html(StatusCode::OK, &PersonQuestionDialog { question: self });
        }
        html(StatusCode::OK, &PersonQuestionPage { shell: Shell::new(SECTION, who, session), question: self })
    }

    /// Asks again after a refusal, and says why it was refused.
    pub(super) fn refuse(self, session: &Session, who: &SignedIn, error: Error) -> Result<HttpResponse> {
        let mut rejection = FormRejection::of(error, NOT_CHANGED)?;
        rejection.raise("operator");
        rejection.raise("role");
        let (rejected, _, alert) = rejection.into_parts();
        let question = Self { alert, ..self };
        rejected.respond(&PersonQuestionPage { shell: Shell::new(SECTION, who, session), question })
    }
}

/// Who may manage people, after a login just now.
pub(super) fn require_manager(state: &State, who: &SignedIn) -> Result<()> {
    who.may(Permission::ManagePeople)?;
    who.require_fresh_login(state.clock.now())
}

/// The same of a request whose sender may not be logged in any more.
pub(super) fn manager(state: &State, signed_in: Result<SignedIn>) -> Result<SignedIn> {
    let who = signed_in?;
    require_manager(state, &who)?;
    Ok(who)
}

/// The person in question.
pub(super) async fn find(state: &State, account: &AccountId, id: &OperatorId) -> Result<Member> {
    let (account, id) = (account.clone(), id.clone());
    state.store.read(move |conn| operator::find_member(conn, &account, &id)).await
}
