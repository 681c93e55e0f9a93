//! The Automate page: the management keys, and ready lines for programs that use one.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::paths::SECTION;
use super::row::ManagementKeyRow;
use crate::dashboard::api_keys::reveal::Reveal;
use crate::dashboard::api_keys::rules::bounds_view::BoundsView;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::AccountId;
use crate::domain::api_key::{self, KeyFilter};
use crate::domain::{management, service, service_scope};
use crate::error::Result;
use crate::http::State;
use crate::http::base_url::base_url;
use crate::store::{Conn, UtcTime};

/// The page; its block `list` is what htmx gets after a key was created.
#[derive(Template)]
#[template(path = "automate/page.html", blocks = ["list"])]
pub(super) struct AutomatePage {
    pub(super) shell: Shell,
    keys: ManagementKeys,
    reveal: Option<Reveal>,
    /// Where programs reach the management API.
    url: String,
    /// Where servers reach Keyfob to ask about keys.
    internal_url: String,
    /// Whether the list brings its messages along: where it takes the place of another one.
    with_toasts: bool,
}

impl AutomatePage {
    /// The list for the place of the one that is open.
    pub(super) fn into_part(self) -> Self {
        Self { with_toasts: true, ..self }
    }
}

/// What the page shows of the database, read in one go.
struct ManagementKeys {
    rows: Vec<ManagementKeyRow>,
    /// Whether there are more than the page lists.
    has_more: bool,
    /// A service, and one of its scopes, for the examples.
    service: String,
    scope: Option<String>,
}

impl ManagementKeys {
    fn read(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Self> {
        let filter = KeyFilter { service: Some(management::SERVICE.to_owned()), ..KeyFilter::default() };
        let page = api_key::list_filtered(conn, account, &filter, None, now)?;
        let ids: Vec<_> = page.rows.iter().map(|entry| entry.key.id.clone()).collect();
        let (bounds, services) = (api_key::bounds_of(conn, &ids)?, service::list(conn)?);
        let mut rows = Vec::with_capacity(page.rows.len());
        for entry in page.rows {
            // A key without bounds manages nothing.
            if let Some(bounds) = bounds.get(&entry.key.id) {
                rows.push(ManagementKeyRow::new(entry, BoundsView::new(bounds, &services), now));
            }
        }
        let service = services.into_iter().next().map(|service| service.slug).unwrap_or_default();
        let scope = service_scope::list(conn, &service)?.pop().map(|scope| scope.name);
        Ok(Self { rows, has_more: page.next.is_some(), service, scope })
    }
}

/// `GET /automate`
pub async fn show_automate(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let page = draw(&state, &request, Shell::new(SECTION, &who, &session), &who, None).await?;
    html(StatusCode::OK, &page)
}

/// The page, with the key that was just created when there is one.
///
/// # Errors
/// When the database fails.
pub(super) async fn draw(
    state: &State,
    request: &HttpRequest,
    shell: Shell,
    who: &SignedIn,
    reveal: Option<Reveal>,
) -> Result<AutomatePage> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let keys = state.store.read(move |conn| ManagementKeys::read(conn, &account, now)).await?;
    let url = base_url(state, request);
    let internal_url = state.internal_url.clone().unwrap_or_else(|| url.clone());
    Ok(AutomatePage { shell, keys, reveal, url, internal_url, with_toasts: false })
}
