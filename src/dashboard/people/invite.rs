//! Inviting a person: the form, and the link that it makes.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::made_link::{MadeLink, MadeLinkPage, MadeLinkPart};
use super::paths::{INVITE, SECTION};
use super::role_words::{RoleOption, role_options};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::account::membership::Role;
use crate::domain::identity::invitation::{self, Invitation, NewInvitation};
use crate::domain::identity::link_token::LinkToken;
use crate::domain::identity::operator;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::http::base_url::base_url;

const NOT_MADE: &str = "No link was made. Try again in a moment.";

/// The form, empty or as it was filled in.
struct InvitationFormView {
    email: String,
    roles: Vec<RoleOption>,
    errors: FieldErrors,
    alert: Option<String>,
}

#[derive(Template)]
#[template(path = "people/_invite_dialog.html")]
struct InvitationDialog {
    form: InvitationFormView,
}

#[derive(Template)]
#[template(path = "people/_invite_form.html")]
struct InvitationFormPart {
    form: InvitationFormView,
}

#[derive(Template)]
#[template(path = "people/invite.html")]
struct NewInvitationPage {
    shell: Shell,
    form: InvitationFormView,
}

/// What is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct InvitationForm {
    role: String,
    email: String,
}

impl InvitationForm {
    fn parse(&self) -> Result<NewInvitation> {
        let mut errors = FieldErrors::default();
        let role = self.role.parse::<Role>().map_err(|()| Error::invalid("role", "Choose a role."));
        let role = errors.collect(role)?;
        let email = Some(&*self.email).filter(|email| !email.trim().is_empty());
        let email = errors.collect(email.map(operator::parse_email).transpose())?;
        match (role, email) {
            (Some(role), Some(email)) => Ok(NewInvitation { role, email }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// `GET /people/invitations/new`: the pop-up's content, or a page of its own.
pub async fn new_invitation(state: Data<State>, session: Session, who: SignedIn, htmx: Htmx) -> Result<HttpResponse> {
    require_inviter(&state, &who)?;
    let draft = session::take_draft(&session, INVITE).and_then(|draft| parse_form(draft.as_bytes()).ok());
    let InvitationForm { role, email } = draft.unwrap_or_default();
    let chosen = if role.is_empty() { Role::Viewer.as_str() } else { &role };
    let roles = role_options(who.access, chosen);
    let form = InvitationFormView { email, roles, errors: FieldErrors::default(), alert: None };
    if htmx.is_part() {
        return html(StatusCode::OK, &InvitationDialog { form });
    }
    html(StatusCode::OK, &NewInvitationPage { shell: Shell::new(SECTION, &who, &session), form })
}

/// `POST /people/invitations`
pub async fn invite(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    htmx: Htmx,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in.and_then(|who| require_inviter(&state, &who).map(|()| who)) {
        Ok(who) => who,
        Err(error) if htmx.is_part() => return Err(error),
        Err(error) => return keep_form(error, &NextPath::parse(INVITE), &body),
    };
    let form: InvitationForm = parse_form(&body)?;
    let (invitation, token) = match make(&state, &who, &form).await {
        Ok(made) => made,
        Err(error) => return refuse(&session, &who, &htmx, form, error),
    };
    tracing::info!(invitation = %invitation.id, operator = %who.operator.id, "somebody was invited");
    let url = Zeroizing::new(format!("{}/invitations/{}", base_url(&state, &request), *token.expose()));
    let link = MadeLink::of_invitation(invitation.email.as_deref(), url, invitation.expires_at.into());
    if htmx.is_part() {
        return html(StatusCode::OK, &MadeLinkPart { link });
    }
    html(StatusCode::OK, &MadeLinkPage { shell: Shell::new(SECTION, &who, &session), link })
}

fn require_inviter(state: &State, who: &SignedIn) -> Result<()> {
    who.may(Permission::InvitePeople)?;
    who.require_fresh_login(state.clock.now())
}

async fn make(state: &State, who: &SignedIn, form: &InvitationForm) -> Result<(Invitation, LinkToken)> {
    let (new, account) = (form.parse()?, who.account.clone());
    who.may(new.role.invitation_permission())?;
    who.change(state, move |tx| invitation::create(tx, &account, new)).await
}

/// The form again, as it was filled in, with what is wrong.
fn refuse(
    session: &Session,
    who: &SignedIn,
    htmx: &Htmx,
    InvitationForm { role, email }: InvitationForm,
    error: Error,
) -> Result<HttpResponse> {
    let (rejected, errors, alert) = FormRejection::of(error, NOT_MADE)?.into_parts();
    let form = InvitationFormView { email, roles: role_options(who.access, &role), errors, alert };
    if htmx.is_part() {
        return rejected.respond(&InvitationFormPart { form });
    }
    rejected.respond(&NewInvitationPage { shell: Shell::new(SECTION, who, session), form })
}
