//! Handing a key over by a link that shows it once, and withdrawing the link.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::paths::{SECTION, parse_id, path};
use super::power;
use super::show::draw_with;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::{self, Htmx};
use crate::dashboard::frame::layout::{Shell, When, html, respond, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::handover::{self, NewHandover};
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::base_url::base_url;

const NOT_MADE: &str = "No link was made. Try again in a moment.";
const NOT_A_KEY: &str = "This is not a whole key. No link was made.";
const LOGGED_OUT: &str = "Your session has ended. Log in in a new tab, then press Hand over… again.";
const STALE_LOGIN: &str = "Your login is too old for this. Open Automate in a new tab, press + New Management Key, \
    give your password, then press Hand over… again.";

/// The whole key, which Keyfob has no other copy of.
#[derive(Deserialize)]
pub struct HandoverForm {
    key: Zeroizing<String>,
}

/// The link, which is shown once.
struct HandoverLink {
    id: ApiKeyId,
    name: String,
    url: Zeroizing<String>,
    ends: When,
    /// Whether it takes the place of the key in its row.
    is_in_table: bool,
}

#[derive(Template)]
#[template(path = "handover/_made.html")]
struct MadeHandover {
    link: HandoverLink,
    toast: Toast,
}

#[derive(Template)]
#[template(path = "handover/made.html")]
struct MadeHandoverPage {
    shell: Shell,
    link: HandoverLink,
}

#[derive(Template)]
#[template(path = "errors/_toast.html")]
struct RejectedHandover {
    toast: Toast,
}

/// `POST /api-keys/{id}/handover`
pub async fn hand_over(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    htmx: Htmx,
    id: Path<String>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<HandoverForm>(&body)?);
    let who = match signed_in {
        // The form is not kept for after the login: a session must not hold a key.
        Err(Error::Unauthenticated) if htmx.is_part() => return show_toast(StatusCode::UNAUTHORIZED, LOGGED_OUT),
        Err(Error::Unauthenticated) => return Ok(see_other(&NextPath::parse(&path(&id)).login_url())),
        signed_in => signed_in?,
    };
    who.may(Permission::ManageKeys)?;
    match power::require_fresh_login_for(&state, &who, &id).await {
        Err(Error::StaleLogin) if htmx.is_part() => return show_toast(StatusCode::FORBIDDEN, STALE_LOGIN),
        Err(error) => return ask_again(error, &path(&id)),
        Ok(()) => {}
    }
    let NewHandover { entry, token, ends_at } = match make(&state, &who, &id, &form).await {
        Ok(made) => made,
        Err(error) => return refuse(&state, Shell::new(SECTION, &who, &session), &who, &htmx, &id, error).await,
    };
    tracing::info!(key = %id, operator = %who.operator.id, "a link was made that shows an API key once");
    let url = Zeroizing::new(format!("{}/handover/{}", base_url(&state, &request), *token.expose()));
    let link = HandoverLink { id, name: entry.key.name, url, ends: ends_at.into(), is_in_table: htmx.is_part() };
    if htmx.is_part() {
        let toast = Toast::success(format!("Success. Link for “{}” made.", link.name));
        return html(StatusCode::OK, &MadeHandover { link, toast });
    }
    html(StatusCode::OK, &MadeHandoverPage { shell: Shell::new(SECTION, &who, &session), link })
}

async fn make(state: &State, who: &SignedIn, id: &ApiKeyId, form: &HandoverForm) -> Result<NewHandover> {
    let secret = KeySecret::parse(&form.key).ok_or_else(|| Error::invalid("key", NOT_A_KEY))?;
    let (account, id) = (who.account.clone(), id.clone());
    who.change(state, move |tx| handover::create(tx, &account, &id, &secret)).await
}

/// In a toast, beside the key that is still shown; without JavaScript on the key's page.
async fn refuse(
    state: &State,
    mut shell: Shell,
    who: &SignedIn,
    htmx: &Htmx,
    id: &ApiKeyId,
    error: Error,
) -> Result<HttpResponse> {
    let mut rejection = FormRejection::of(error, NOT_MADE)?;
    rejection.raise("key");
    let text = rejection.alert.unwrap_or_default();
    if htmx.is_part() {
        return show_toast(rejection.status, &text);
    }
    shell.toasts.push(Toast::error(text));
    draw_with(state, rejection.status, shell, who, id, |_| ()).await
}

fn show_toast(status: StatusCode, text: &str) -> Result<HttpResponse> {
    let mut response = HttpResponse::build(status);
    response.insert_header((htmx::RETARGET, "#toasts")).insert_header((htmx::RESWAP, "innerHTML"));
    respond(response, &RejectedHandover { toast: Toast::error(text) })
}

/// `POST /api-keys/{id}/handover/withdrawal`: the same again leads to the same.
pub async fn withdraw_handover(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, &path(&id)),
    };
    who.may(Permission::ManageKeys)?;
    let (account, key) = (who.account.clone(), id.clone());
    let (key, is_withdrawn) = who.change(&state, move |tx| handover::withdraw(tx, &account, &key)).await?;
    let toast = if is_withdrawn {
        tracing::info!(key = %id, operator = %who.operator.id, "the link to an API key was withdrawn");
        Toast::success(format!("Success. Link for “{}” withdrawn.", key.name))
    } else {
        Toast::notice("There was no open link any more.")
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(&path(&id)))
}
