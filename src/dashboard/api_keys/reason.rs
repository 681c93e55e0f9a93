//! Switching a key off with a reason, and giving another one later.

use actix_session::Session;
use actix_web::HttpResponse;

use super::key_details::KeyDetails;
use super::paths::{SECTION, path, reason_form};
use super::reason_view::ReasonForm;
use super::show::draw_with;
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId, KeyStatus, StatusReason, StatusRequest};
use crate::domain::key_action::{self, KeyActionId, KeyActionKind};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::Tx;

const NOT_SAVED: &str = "Nothing was changed. Try again in a moment.";

/// The form of the key's page, which was sent to the address of the switch.
pub(super) async fn disable_with_reason(
    state: &State,
    session: &Session,
    signed_in: Result<SignedIn>,
    id: &ApiKeyId,
    filled: ReasonForm,
    body: &[u8],
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &reason_form(id), body),
    };
    who.may(Permission::ManageKeys)?;
    match disable(state, &who, id, &filled).await {
        Ok((ApiKeyEntry { key, .. }, undo)) => {
            tracing::info!(key = %id, operator = %who.operator.id, "an API key was switched off with a reason");
            let toast = Toast::success(format!("“{}” is disabled.", key.name)).with_undo(undo);
            session::leave_toast(session, &toast)?;
            Ok(see_other(&path(id)))
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_SAVED)?;
            let shell = Shell::new(SECTION, &who, session);
            let fill_in = |page: &mut KeyDetails| {
                page.reason.fill_in(filled);
                (page.reason.errors, page.reason.alert) = (errors, alert);
            };
            draw_with(state, status, shell, &who, id, fill_in).await
        }
    }
}

/// Also returns the action by which it can be undone, if the key was enabled before.
async fn disable(
    state: &State,
    who: &SignedIn,
    id: &ApiKeyId,
    filled: &ReasonForm,
) -> Result<(ApiKeyEntry, Option<KeyActionId>)> {
    let reason = match filled.reason.as_str() {
        "" => None,
        reason => Some(chosen(reason)?),
    };
    let (account, id, note) = (who.account.clone(), id.clone(), filled.note.clone());
    let work = move |tx: &mut Tx<'_>| {
        let before = api_key::find(tx, &account, &id)?.key;
        // The form has the note of before: the same is no news.
        let known = api_key::disabling(tx, &before)?.and_then(|disabling| disabling.note);
        let note = Some(note).filter(|note| known.as_deref() != Some(note.trim()));
        let request = StatusRequest { status: KeyStatus::Disabled, reason, note };
        if before.status == KeyStatus::Disabled {
            return Ok((api_key::set_status(tx, &account, &id, request)?, None));
        }
        let disable = |tx: &mut Tx<'_>| api_key::set_status(tx, &account, &id, request);
        key_action::recorded(tx, &account, &id, KeyActionKind::Disable, disable)
    };
    who.change(state, work).await
}

/// A reason that people may give; some are Keyfob's own, which a key that has one keeps.
fn chosen(text: &str) -> Result<StatusReason> {
    match text.parse() {
        Ok(StatusReason::Holder | StatusReason::LeakReport) | Err(()) => {
            Err(Error::invalid("reason", "Choose one of the reasons in the list."))
        }
        Ok(reason) => Ok(reason),
    }
}
