//! `GET /v1/keys`: the list of keys and what it can be narrowed to.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::manager::Manager;
use crate::api::{answer_traced, list_query};
use crate::domain::api_key::{ExternalId, KeyFilter, KeyPlace, KeySearch, KeySort, KeyStatus, KeyView, SortedKeys};
use crate::domain::management::ManagementScope;
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;

/// The most keys of one page.
const MAX_LIMIT: usize = 200;
/// Where it is not said.
const DEFAULT_LIMIT: usize = 50;
const PARAMETERS: &str = "This list takes service, status, external_id, q, sort, limit and after, each once.";

/// The query parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyListParameters {
    service: Option<String>,
    status: Option<String>,
    external_id: Option<String>,
    q: Option<String>,
    sort: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct KeyListView<'a> {
    keys: Vec<KeyView<'a>>,
    next_cursor: Option<String>,
}

/// `GET /v1/keys`: one page.
pub async fn list_keys(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let list = async {
        let manager = Manager::of(&state, &request, ManagementScope::KeysRead).await?;
        let query: KeyListParameters = list_query::parse(request.query_string(), PARAMETERS)?;
        let sort = read_sort(query.sort.as_deref())?;
        let limit = list_query::limit(query.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
        let after = query.after.as_deref().map(|text| read_place(text, sort)).transpose()?;
        let (remit, now) = (manager.remit.clone(), state.clock.now());
        let filter = remit.narrowed(filter(query)?);
        let read = move |conn: &mut _| {
            let keys = SortedKeys { account: &remit.account, filter: &filter, sort, now };
            keys.in_turn(conn, after.as_ref(), limit)
        };
        let page = state.store.read(read).await?;
        let view = KeyListView {
            keys: page.rows.iter().map(KeyView::from).collect(),
            next_cursor: page.last.as_ref().map(|place| place.to_text(sort)),
        };
        Ok(manager.answer(HttpResponse::Ok().json(view)))
    };
    answer_traced(&state, &request, list).await
}

fn filter(query: KeyListParameters) -> Result<KeyFilter> {
    let wrong = |()| Error::Malformed("Write status as enabled or disabled.".to_owned());
    let status: Option<KeyStatus> = query.status.as_deref().map(str::parse).transpose().map_err(wrong)?;
    let external_id = query.external_id.as_deref().map(ExternalId::parse).transpose();
    let search = query.q.as_deref().map(KeySearch::parse).transpose();
    Ok(KeyFilter {
        // PostgreSQL has no NUL in texts.
        service: query.service.map(|slug| slug.replace('\0', "")),
        status,
        external_id: external_id.map_err(|error| list_query::of_field("external_id", error))?,
        search: search.map_err(|error| list_query::of_field("q", error))?.flatten(),
        ..KeyFilter::default()
    })
}

fn read_sort(sort: Option<&str>) -> Result<KeySort> {
    let Some(sort) = sort else { return Ok(KeySort::Newest) };
    let known: Vec<&str> = KeySort::VARIANTS.iter().map(|sort| sort.as_str()).collect();
    sort.parse().map_err(|()| Error::Malformed(format!("Write sort as one of {}.", known.join(", "))))
}

fn read_place(text: &str, sort: KeySort) -> Result<KeyPlace> {
    let wrong = || Error::Malformed("Take after from next_cursor of the page before, of the same sort.".to_owned());
    KeyPlace::parse(text, sort).ok_or_else(wrong)
}
