//! The search box of the list. It is sent as a form, so that a whole key that is pasted into
//! it is in no address, no log and no history; what is searched for otherwise is.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::filter::KeyFilterQuery;
use super::list::draw_list;
use super::paths::{PATH, SECTION, path};
use super::wanted::WantedKeys;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::api_key::secret_scan::{FoundSecrets, find_secrets};
use crate::domain::api_key::{self, KeyFilter, KeyOfSecret, KeySearch, digest_of_any};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::{Conn, Digest};

/// What is typed or pasted.
#[derive(Deserialize)]
pub struct SearchForm {
    q: Zeroizing<String>,
    /// The other filters and the order of the list, as the query of its address.
    #[serde(default)]
    list: String,
}

/// `POST /api-keys/search`, which takes as much as the page for leaked keys, so that what is
/// far too long for a search gets an answer that says so.
pub async fn search_api_keys(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        // The text is no draft to be kept: it may hold a secret, and sessions are stored.
        Ok(who) => who,
        Err(error) => return ask_again(error, PATH),
    };
    let SearchForm { q, list } = parse_form(&body)?;
    let wanted = WantedKeys::parse(&list)?;
    let FoundSecrets { secrets, mistyped, .. } = find_secrets(&q);
    let mut secrets: Vec<Digest> = secrets.iter().map(KeySecret::digest).collect();
    if secrets.is_empty() {
        secrets.extend(imported_secret(&state, &who, &q).await?);
    }
    if !secrets.is_empty() {
        let account = who.account.clone();
        let found = who.change(&state, move |tx| api_key::find_by_secret(tx, &account, &secrets)).await?;
        tracing::info!(operator = %who.operator.id, found = found.is_some(), "a key was looked up by its secret");
        return lead_to_key(&session, &wanted, found);
    }
    if mistyped > 0 {
        let toast = Toast::notice("This looks like a key, but some of it is missing or mistyped. Copy it again.");
        session::leave_toast(&session, &toast)?;
        return Ok(see_other(&wanted.own_url()));
    }
    lead_to_list(&state, session, who, wanted, &q).await
}

/// The digest of a text that is a key of another system, and was imported.
async fn imported_secret(state: &State, who: &SignedIn, typed: &str) -> Result<Option<Digest>> {
    let Some(digest) = digest_of_any(typed.trim()) else { return Ok(None) };
    let account = who.account.clone();
    let is_secret = state.store.read(move |conn: &mut Conn| api_key::is_secret(conn, &account, digest)).await?;
    Ok(Some(digest).filter(|_| is_secret))
}

fn lead_to_key(session: &Session, wanted: &WantedKeys, found: Option<KeyOfSecret>) -> Result<HttpResponse> {
    let (toast, to) = match found {
        None => (Toast::notice("No key of yours has this secret."), wanted.own_url()),
        Some(KeyOfSecret { id, is_in_trash: true, .. }) => {
            let search = KeySearch::parse(id.as_str())?;
            let filter = KeyFilter { search, in_trash: true, ..KeyFilter::default() };
            let trash = WantedKeys::filtered(KeyFilterQuery { filter, ..KeyFilterQuery::default() });
            (Toast::notice("The key that you pasted is in the trash."), trash.own_url())
        }
        Some(KeyOfSecret { id, is_current: true, .. }) => {
            (Toast::notice("This is the key that you pasted."), path(&id))
        }
        Some(KeyOfSecret { id, .. }) => {
            (Toast::notice("You pasted an earlier secret of this key. It was rotated since."), path(&id))
        }
    };
    session::leave_toast(session, &toast)?;
    Ok(see_other(&to))
}

/// Leads to what has this text, or shows the list with what is wrong with it.
async fn lead_to_list(
    state: &State,
    session: Session,
    who: SignedIn,
    mut wanted: WantedKeys,
    typed: &str,
) -> Result<HttpResponse> {
    wanted.keys.filter.search = None;
    wanted.keys.take("q", typed)?;
    if !wanted.keys.errors.is_empty() {
        let page = draw_list(state, Shell::new(SECTION, &who, &session), who, wanted, None).await?;
        return html(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    if let Some(id) = wanted.keys.filter.search.as_ref().and_then(KeySearch::id).cloned() {
        let account = who.account.clone();
        let found = state.store.read(move |conn: &mut Conn| api_key::find(conn, &account, &id)).await;
        match found {
            Ok(entry) => return Ok(see_other(&path(&entry.key.id))),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(see_other(&wanted.own_url()))
}
