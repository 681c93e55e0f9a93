//! The page of the account's sending limits.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use askama::Template;

use super::PATH;
use super::limits_view::{LimitsForm, LimitsView};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::guard;
use crate::error::Result;
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

#[derive(Template)]
#[template(path = "guards/page.html")]
struct AccountLimitsPage {
    shell: Shell,
    limits: LimitsView,
}

/// `GET /settings/limits`
pub async fn show_limits(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let mut limits = read(&state, &who).await?;
    limits.fill_in_draft(session::take_draft(&session, PATH));
    html(StatusCode::OK, &AccountLimitsPage { shell: Shell::new("settings", &who, &session), limits })
}

/// `POST /settings/limits`
pub async fn save_limits(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(PATH), &body),
    };
    who.may(Permission::ManageKeys)?;
    let form: LimitsForm = parse_form(&body)?;
    match save(&state, &who, &form).await {
        Ok(()) => {
            tracing::info!(account = %who.account, operator = %who.operator.id, "sending limits were saved");
            session::leave_toast(&session, &Toast::success("Success. Sending limits saved."))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let (rejected, errors, alert) = FormRejection::of(error, NOT_SAVED)?.into_parts();
            let limits = LimitsView { form, errors, alert, ..read(&state, &who).await? };
            rejected.respond(&AccountLimitsPage { shell: Shell::new("settings", &who, &session), limits })
        }
    }
}

async fn read(state: &State, who: &SignedIn) -> Result<LimitsView> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let read = state.store.read(move |conn| {
        let limits = guard::find(conn, &account, None)?;
        Ok(LimitsView::new(&limits, guard::usage_of(conn, account.as_str(), now)?))
    });
    read.await
}

async fn save(state: &State, who: &SignedIn, form: &LimitsForm) -> Result<()> {
    let (limits, account) = (form.typed().parse()?, who.account.clone());
    who.change(state, move |tx| guard::save_account_limits(tx, &account, limits)).await
}
