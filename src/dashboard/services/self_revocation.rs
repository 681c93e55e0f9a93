//! Whether the holders of a service's keys may switch them off.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Path};
use serde::Deserialize;

use super::paths::path;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::account::Permission;
use crate::domain::service::{self, SelfRevocation};
use crate::error::{Error, Result};
use crate::http::State;

/// What is chosen.
#[derive(Deserialize)]
pub struct SelfRevocationForm {
    self_revocation: String,
}

/// `POST /services/{slug}/self-revocation`
pub async fn set_self_revocation(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    slug: Path<String>,
    form: Form<SelfRevocationForm>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageServices)?;
    let rule: SelfRevocation = form
        .self_revocation
        .parse()
        .map_err(|()| Error::Malformed("Write self_revocation=allowed or self_revocation=refused.".to_owned()))?;
    let slug = slug.into_inner();
    let service = slug.clone();
    who.change(&state, move |tx| service::set_self_revocation(tx, &service, rule)).await?;
    session::leave_toast(&session, &Toast::success("Success. Rule for holders saved."))?;
    Ok(see_other(&path(&slug)))
}
