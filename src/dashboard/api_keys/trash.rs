//! The trash: the keys that can be restored, and the page of one of them.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::paths::SECTION;
use super::rules::key_end::KeyEnd;
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::{Shell, When, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::trash::{self, TRASH_DAYS, TrashedKey};
use crate::domain::api_key::{ApiKeyEntry, ApiKeyId, KeyStatus};
use crate::error::Result;
use crate::format::grouped;
use crate::http::State;
use crate::store::UtcTime;

/// The most keys on the page.
const MAX_ROWS: usize = 200;

/// `api_keys/trash.html`
#[derive(Template)]
#[template(path = "api_keys/trash.html")]
struct TrashPage {
    shell: Shell,
    rows: Vec<TrashRow>,
    /// How many there are, where the page does not show all of them.
    total: Option<String>,
    days: i64,
}

/// `api_key/trashed.html`
#[derive(Template)]
#[template(path = "api_key/trashed.html")]
struct TrashedKeyPage {
    shell: Shell,
    row: TrashRow,
}

/// What is shown of a key in the trash.
pub(super) struct TrashRow {
    pub(super) id: ApiKeyId,
    pub(super) name: String,
    pub(super) mask: String,
    service_name: String,
    is_test: bool,
    enabled: bool,
    created: When,
    deleted: When,
    deleted_ago: String,
    deleted_by: Option<String>,
    gone: KeyEnd,
}

impl TrashRow {
    pub(super) fn new(trashed: TrashedKey, now: UtcTime) -> Self {
        let gone = KeyEnd::new(trashed.gone_at(), now);
        let TrashedKey { entry: ApiKeyEntry { key, secret, service, .. }, deleted_at, deleted_by } = trashed;
        Self {
            id: key.id,
            name: key.name,
            mask: secret.mask,
            service_name: service.name,
            is_test: key.mode == Mode::Test,
            enabled: key.status == KeyStatus::Enabled,
            created: key.created_at.into(),
            deleted: deleted_at.into(),
            deleted_ago: ago(deleted_at, now),
            deleted_by,
            gone,
        }
    }
}

/// `GET /api-keys/trash`
pub async fn list_trash(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let read = move |conn: &mut _| {
        let keys = trash::list(conn, &account, MAX_ROWS, now)?;
        let is_all = keys.len() < MAX_ROWS;
        let total = if is_all { None } else { Some(trash::count(conn, &account, now)?) };
        Ok((keys, total))
    };
    let (keys, total) = state.store.read(read).await?;
    let rows = keys.into_iter().map(|key| TrashRow::new(key, now)).collect();
    let total = total.filter(|total| *total > MAX_ROWS as i64).map(grouped);
    html(StatusCode::OK, &TrashPage { shell: Shell::new(SECTION, &who, &session), rows, total, days: TRASH_DAYS })
}

/// The page of a key that is in the trash.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for a key that is not.
pub(super) async fn show_trashed(
    state: &State,
    session: &Session,
    who: &SignedIn,
    id: ApiKeyId,
) -> Result<HttpResponse> {
    let row = read_row(state, who, id).await?;
    html(StatusCode::OK, &TrashedKeyPage { shell: Shell::new(SECTION, who, session), row })
}

/// A key in the trash.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for a key that is not there.
pub(super) async fn read_row(state: &State, who: &SignedIn, id: ApiKeyId) -> Result<TrashRow> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let trashed = state.store.read(move |conn| trash::find(conn, &account, &id, now)).await?;
    Ok(TrashRow::new(trashed, now))
}
