//! Settling a report about a key.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use crate::dashboard::api_keys::paths::{parse_id, path};
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::account::Permission;
use crate::domain::leak_report;
use crate::error::Result;
use crate::http::State;

/// `POST /api-keys/{id}/leak-report/dismissal`
pub async fn dismiss_leak_report(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let id = parse_id(&id)?;
    let (account, key) = (who.account.clone(), id.clone());
    who.change(&state, move |tx| leak_report::dismiss(tx, &account, &key)).await?;
    session::leave_toast(&session, &Toast::success("Success. Report dismissed."))?;
    Ok(see_other(&path(&id)))
}
