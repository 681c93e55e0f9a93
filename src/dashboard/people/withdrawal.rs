//! Withdrawing an invitation.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::paths::PATH;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::identity::invitation::{self, InvitationId};
use crate::error::{Error, Result};
use crate::http::State;

/// `POST /people/invitations/{invitation}/withdrawal`: the same again leads to the same.
pub async fn withdraw_invitation(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, PATH),
    };
    who.may(Permission::InvitePeople)?;
    let id: InvitationId = id.parse().map_err(|()| Error::NotFound)?;
    let account = who.account.clone();
    let toast = if who.change(&state, move |tx| invitation::withdraw(tx, &account, &id)).await? {
        tracing::info!(operator = %who.operator.id, "an invitation was withdrawn");
        Toast::success("Success. Invitation withdrawn.")
    } else {
        Toast::notice("This invitation was not open any more.")
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(PATH))
}
