//! The sending limits of a key, which are changed on the key's own page.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};

use super::key_details::KeyDetails;
use super::paths::{SECTION, limits_form, parse_id, path};
use super::show::draw_with;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::guards::limits_view::{LimitsForm, LimitsView};
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::ApiKeyId;
use crate::domain::guard;
use crate::error::Result;
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// `POST /api-keys/{id}/limits`
pub async fn save_key_limits(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<LimitsForm>(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &limits_form(&id), &body),
    };
    who.may(Permission::ManageKeys)?;
    match save(&state, &who, &id, &form).await {
        Ok(()) => {
            tracing::info!(key = %id, operator = %who.operator.id, "the sending limits of an API key were changed");
            session::leave_toast(&session, &Toast::success("Success. Sending limits saved."))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_SAVED)?;
            let shell = Shell::new(SECTION, &who, &session);
            let fill_in = |page: &mut KeyDetails| {
                page.limits = page.limits.take().map(|limits| LimitsView { form, errors, alert, ..limits });
            };
            draw_with(&state, status, shell, &who, &id, fill_in).await
        }
    }
}

async fn save(state: &State, who: &SignedIn, id: &ApiKeyId, form: &LimitsForm) -> Result<()> {
    let (limits, account, id) = (form.typed().parse()?, who.account.clone(), id.clone());
    who.change(state, move |tx| guard::save_key_limits(tx, &account, &id, limits)).await
}
