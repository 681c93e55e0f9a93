//! From where a key may be used is changed on the key's own page.

use std::net::IpAddr;

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};

use super::super::key_details::KeyDetails;
use super::super::paths::{SECTION, allowed_ips_form, parse_id, path};
use super::super::show::draw_with;
use super::allowed_ips_view::{AllowedIpsForm, in_words};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, AllowedIps, AllowedIpsChange, ApiKey, ApiKeyId};
use crate::error::{Error, Result};
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// `POST /api-keys/{id}/allowed-ips`
pub async fn change_allowed_ips(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<AllowedIpsForm>(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &allowed_ips_form(&id), &body),
    };
    who.may(Permission::ManageKeys)?;
    match change(&state, &who, &id, &form).await {
        Ok(key) => {
            tracing::info!(key = %id, operator = %who.operator.id, "the addresses of an API key were changed");
            let words = format!("Success. “{}” may be used from {}.", key.name, in_words(&key.allowed_ips));
            session::leave_toast(&session, &Toast::success(words))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_SAVED)?;
            let shell = Shell::new(SECTION, &who, &session);
            let fill_in = |page: &mut KeyDetails| {
                page.allowed_ips.fill_in(form);
                (page.allowed_ips.errors, page.allowed_ips.alert) = (errors, alert);
            };
            draw_with(&state, status, shell, &who, &id, fill_in).await
        }
    }
}

fn parse(form: &AllowedIpsForm) -> Result<AllowedIpsChange> {
    match (&form.add, &form.only) {
        (Some(add), _) => Ok(AllowedIpsChange::Add(parse_address(add)?)),
        (None, Some(only)) => Ok(AllowedIpsChange::Limit(parse_address(only)?)),
        (None, None) => {
            Ok(AllowedIpsChange::Replace { list: AllowedIps::parse(&form.allowed_ips)?, was: form.was.clone() })
        }
    }
}

fn parse_address(text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| Error::Malformed("Name one IP address.".to_owned()))
}

async fn change(state: &State, who: &SignedIn, id: &ApiKeyId, form: &AllowedIpsForm) -> Result<ApiKey> {
    let change = parse(form)?;
    let (account, id) = (who.account.clone(), id.clone());
    let entry = who.change(state, move |tx| api_key::change_allowed_ips(tx, &account, &id, change)).await?;
    Ok(entry.key)
}
