//! The rules of the whole installation: how long keys last.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};

use super::instance_page::{InstancePage, LifetimesForm, LifetimesSection, NAME_PATH, PATH, require_owner};
use crate::dashboard::frame::form::{FormRejection, RejectedForm, parse_form};
use crate::dashboard::frame::layout::{html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::dashboard::settings::instance_name::InstanceNameForm;
use crate::domain::api_key::{self, Lifetimes};
use crate::error::Result;
use crate::http::State;

/// `GET /settings/instance`
pub async fn show_instance_settings(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    require_owner(&state, &who)?;
    let mut page = InstancePage::read(&state, &who, &session).await?;
    if let Some(draft) = session::take_draft(&session, PATH) {
        page.lifetimes.form = parse_form(draft.as_bytes()).unwrap_or(page.lifetimes.form);
    }
    if let Some(draft) = session::take_draft(&session, NAME_PATH) {
        let draft = parse_form::<InstanceNameForm>(draft.as_bytes());
        page.name.typed = draft.map_or(page.name.typed, |draft| draft.instance_name);
    }
    html(StatusCode::OK, &page)
}

/// `POST /settings/instance`
pub async fn save_instance_settings(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in.and_then(|who| require_owner(&state, &who).map(|()| who)) {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(PATH), &body),
    };
    let form: LifetimesForm = parse_form(&body)?;
    let saved = match Lifetimes::parse(&form.default_lifetime_days, &form.max_lifetime_days) {
        Ok(rules) => who.change(&state, move |tx| api_key::save_lifetimes(tx, rules)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            tracing::info!(operator = %who.operator.id, "the rules about the ends of keys were saved");
            session::leave_toast(&session, &Toast::success("Success. Lifetimes saved."))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let rejection = FormRejection::of(error, "Nothing was saved. Try again in a moment.")?;
            let (rejected, errors, alert): (RejectedForm, _, _) = rejection.into_parts();
            let lifetimes = LifetimesSection { form, errors, alert };
            rejected.respond(&InstancePage { lifetimes, ..InstancePage::read(&state, &who, &session).await? })
        }
    }
}
