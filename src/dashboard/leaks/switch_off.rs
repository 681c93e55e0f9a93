//! Switching off the keys of an answer. The answer is drawn again from the ids of its
//! secrets, since the text is gone.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};

use super::PATH;
use super::view::{Answer, LeaksPage};
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::{AccountId, Permission};
use crate::domain::api_key::secret_scan::MAX_FOUND_SECRETS;
use crate::domain::api_key::{self, ApiKeyId, IdentifiedSecret, KeySecretId, KeyStatus, StatusReason, StatusRequest};
use crate::error::{Error, Result};
use crate::format::count;
use crate::http::State;
use crate::store::Tx;

/// The secrets of the answer, and the keys that are to be switched off.
#[derive(Default)]
struct SwitchOffForm {
    secrets: Vec<KeySecretId>,
    keys: Vec<ApiKeyId>,
}

impl SwitchOffForm {
    fn parse(body: &[u8]) -> Result<Self> {
        let mut form = Self::default();
        for (name, value) in parse_form::<Vec<(String, String)>>(body)? {
            match name.as_str() {
                "secret" => form.secrets.extend(value.parse::<KeySecretId>().ok()),
                // One button, or the one for all of them.
                "key" => form.keys.extend(value.split(' ').filter_map(|id| id.parse::<ApiKeyId>().ok())),
                _ => {}
            }
        }
        form.secrets.truncate(MAX_FOUND_SECRETS);
        form.keys.truncate(MAX_FOUND_SECRETS);
        Ok(form)
    }
}

/// `POST /leaks/switch-off`
pub async fn switch_off_keys(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, PATH),
    };
    who.may(Permission::ManageKeys)?;
    let SwitchOffForm { secrets, keys } = SwitchOffForm::parse(&body)?;
    let (account, now) = (who.account.clone(), state.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        let switched = switch_off(tx, &account, &keys)?;
        Ok((switched, api_key::identified(tx, &account, &secrets)?))
    };
    let (switched, found): (usize, Vec<IdentifiedSecret>) = who.change(&state, work).await?;
    tracing::info!(operator = %who.operator.id, keys = switched, "keys that were found were switched off");
    let mut page = LeaksPage::new(Shell::new("api-keys", &who, &session));
    page.answer = Some(Answer::of_known(found, now));
    page.shell.toasts.push(Toast::success(format!("{} switched off.", count(switched as i64, "key"))));
    html(StatusCode::OK, &page)
}

/// A key that is gone is off.
fn switch_off(tx: &mut Tx<'_>, account: &AccountId, keys: &[ApiKeyId]) -> Result<usize> {
    let mut switched = 0;
    for id in keys {
        let reason = Some(StatusReason::Compromised);
        let request = StatusRequest { status: KeyStatus::Disabled, reason, note: None };
        match api_key::set_status(tx, account, id, request) {
            Ok(_) => switched += 1,
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(switched)
}
