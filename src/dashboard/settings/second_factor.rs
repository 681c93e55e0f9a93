//! One's own second factor: setting it up, new recovery codes, turning it off.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use serde::Deserialize;

use super::second_factor_view::{FactorView, RecoveryCodesPage, SecondFactorSettings};
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::identity::operator::OperatorId;
use crate::domain::identity::second_factor::{self, RecoveryCode};
use crate::domain::identity::throttle::{LoginAttempt, Permit};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::store::{Conn, Tx};

const PATH: &str = "/settings/second-factor";

/// What is typed.
#[derive(Deserialize)]
pub struct CodeForm {
    code: String,
}

/// `GET /settings/second-factor`
pub async fn show_second_factor(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    who.require_fresh_login(state.clock.now())?;
    html(StatusCode::OK, &draw(&state, &session, &who).await?)
}

/// `POST /settings/second-factor/setup`: a new secret, for an app to scan.
pub async fn begin_setup(state: Data<State>, who: SignedIn) -> Result<HttpResponse> {
    who.require_fresh_login(state.clock.now())?;
    let id = who.operator.id.clone();
    match who.change(&state, move |tx| second_factor::begin_setup(tx, &id)).await {
        // Set up in another tab meanwhile, which the page shows.
        Ok(()) | Err(Error::ChangedMeanwhile) => Ok(see_other(PATH)),
        Err(error) => Err(error),
    }
}

/// `POST /settings/second-factor/activation`: the app's first code turns it on. The response
/// alone holds the recovery codes.
pub async fn activate(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    attempt: LoginAttempt,
    form: Form<CodeForm>,
) -> Result<HttpResponse> {
    match with_code(&state, &who, attempt, form, second_factor::activate).await {
        Ok(codes) => {
            tracing::info!(operator = %who.operator.id, "a second factor was set up");
            show_codes(&session, &who, codes, true)
        }
        Err(error) => refuse(&state, &session, &who, "activation", error).await,
    }
}

/// `POST /settings/second-factor/recovery-codes`: new ones instead of the old ones.
pub async fn renew_codes(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    attempt: LoginAttempt,
    form: Form<CodeForm>,
) -> Result<HttpResponse> {
    match with_code(&state, &who, attempt, form, second_factor::renew_recovery_codes).await {
        Ok(codes) => {
            tracing::info!(operator = %who.operator.id, "recovery codes were renewed");
            show_codes(&session, &who, codes, false)
        }
        Err(error) => refuse(&state, &session, &who, "recovery-codes", error).await,
    }
}

/// `POST /settings/second-factor/removal`
pub async fn turn_off(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    attempt: LoginAttempt,
    form: Form<CodeForm>,
) -> Result<HttpResponse> {
    match with_code(&state, &who, attempt, form, second_factor::turn_off).await {
        Ok(()) => {
            tracing::info!(operator = %who.operator.id, "a second factor was turned off");
            session::leave_toast(&session, &Toast::success("Success. Second factor turned off."))?;
            Ok(see_other(PATH))
        }
        Err(error) => refuse(&state, &session, &who, "removal", error).await,
    }
}

/// Makes a change that a code allows, with the tries that the operator's password has too.
async fn with_code<T: Send + 'static>(
    state: &State,
    who: &SignedIn,
    attempt: LoginAttempt,
    form: Form<CodeForm>,
    change: impl FnOnce(&mut Tx<'_>, &OperatorId, &str, Permit) -> Result<T> + Send + 'static,
) -> Result<T> {
    who.require_fresh_login(state.clock.now())?;
    // A logged-in operator has a quota of their own.
    let attempt = LoginAttempt { trusted_operator: Some(who.operator.id.to_string()), ..attempt };
    let permit = state.throttle.admit(&who.operator.email, &attempt)?;
    let (id, CodeForm { code }) = (who.operator.id.clone(), form.into_inner());
    who.change(state, move |tx| change(tx, &id, &code, permit)).await
}

fn show_codes(session: &Session, who: &SignedIn, codes: Vec<RecoveryCode>, is_new: bool) -> Result<HttpResponse> {
    html(StatusCode::OK, &RecoveryCodesPage { shell: Shell::new("settings", who, session), codes, is_new })
}

async fn refuse(
    state: &State,
    session: &Session,
    who: &SignedIn,
    form: &'static str,
    error: Error,
) -> Result<HttpResponse> {
    let mut rejection = FormRejection::of(error, "Nothing was changed.")?;
    let page = draw(state, session, who).await?;
    // The form may be gone, with its field.
    let has_form = match page.factor {
        FactorView::Off => false,
        FactorView::Pending { .. } => form == "activation",
        FactorView::On { .. } => form != "activation",
    };
    if !has_form {
        rejection.raise("code");
    }
    let (rejected, errors, alert) = rejection.into_parts();
    rejected.respond(&SecondFactorSettings { errors, alert, form, ..page })
}

async fn draw(state: &State, session: &Session, who: &SignedIn) -> Result<SecondFactorSettings> {
    let (id, role, now) = (who.operator.id.clone(), who.access.role, state.clock.now());
    let read =
        move |conn: &mut Conn| Ok((second_factor::find(conn, &id, now)?, second_factor::is_missing(conn, &id, role)?));
    let (factor, is_missing) = state.store.read(read).await?;
    Ok(SecondFactorSettings {
        shell: Shell::new("settings", who, session),
        factor: FactorView::new(factor, &who.operator.email)?,
        is_missing,
        alert: None,
        errors: FieldErrors::default(),
        form: "",
    })
}
