//! Taking a key out of the trash.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::paths::{parse_id, path};
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKeyEntry, KeyStatus, deletion};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::UtcTime;

/// `POST /api-keys/{id}/restoration`: the same again leads to the same.
pub async fn restore_api_key(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match signed_in {
        Ok(who) => who,
        // The page of a deleted key has the button again.
        Err(error) => return ask_again(error, &path(&id)),
    };
    who.may(Permission::ManageKeys)?;
    let (account, key) = (who.account.clone(), id.clone());
    let toast = match who.change(&state, move |tx| deletion::restore(tx, &account, &key)).await {
        Ok(entry) => {
            tracing::info!(key = %id, operator = %who.operator.id, "an API key was restored");
            restored(&entry, state.clock.now())
        }
        Err(Error::NotFound) => {
            let (account, key) = (who.account.clone(), id.clone());
            state.store.read(move |conn| api_key::find(conn, &account, &key)).await?;
            Toast::notice("This key was already restored.")
        }
        Err(error) => return Err(error),
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(&path(&id)))
}

/// That it is back, and why it is refused all the same, if it is.
fn restored(ApiKeyEntry { key, service, .. }: &ApiKeyEntry, now: UtcTime) -> Toast {
    let name = &key.name;
    let is_over = key.expires_at.is_some_and(|end| end <= now);
    match key.status {
        KeyStatus::Disabled => Toast::notice(format!("“{name}” is restored. It is switched off, as it was.")),
        KeyStatus::Enabled if service.is_off() => {
            Toast::notice(format!("“{name}” is restored, but {} is switched off.", service.name))
        }
        KeyStatus::Enabled if is_over => Toast::notice(format!("“{name}” is restored, but it has expired.")),
        KeyStatus::Enabled => Toast::success(format!("Success. Key “{name}” restored.")),
    }
}
