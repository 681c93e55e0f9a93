//! `GET /v1/usage`: how often a key was used in each hour or on each day.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::manager::Manager;
use crate::api::{answer_traced, list_query};
use crate::domain::api_key::usage_history::{CountedUses, UsePeriod, counted_uses};
use crate::domain::api_key::{self, ApiKeyId};
use crate::domain::management::ManagementScope;
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;
use crate::store::{Conn, UtcTime};

const PARAMETERS: &str = "Write key_id, and from, to and by if you like, each once.";

/// The query parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageQuery {
    key_id: String,
    from: Option<String>,
    to: Option<String>,
    by: Option<String>,
}

#[derive(Serialize)]
struct UsageView<'a> {
    key_id: &'a str,
    by: &'static str,
    /// From when on the counts are complete.
    counted_since: String,
    /// The sum of `periods`.
    uses: i64,
    periods: Vec<PeriodView>,
}

/// An hour or a day in which the key was used.
#[derive(Serialize)]
struct PeriodView {
    from: String,
    uses: i64,
}

impl<'a> UsageView<'a> {
    fn new(key: &'a ApiKeyId, period: UsePeriod, counted: &CountedUses) -> Self {
        let view = |(begins, uses): &(UtcTime, i64)| PeriodView { from: begins.rfc3339(), uses: *uses };
        Self {
            key_id: key.as_str(),
            by: period.as_str(),
            counted_since: counted.since.rfc3339(),
            uses: counted.uses.iter().map(|(_, uses)| uses).sum(),
            periods: counted.uses.iter().map(view).collect(),
        }
    }
}

/// `GET /v1/usage?key_id=…`
pub async fn show_usage(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let show = async {
        let manager = Manager::of(&state, &request, ManagementScope::UsageRead).await?;
        let query: UsageQuery = list_query::parse(request.query_string(), PARAMETERS)?;
        let period = read_period(query.by.as_deref())?;
        let (from, to) =
            (list_query::time("from", query.from.as_deref())?, list_query::time("to", query.to.as_deref())?);
        let key: ApiKeyId = query.key_id.parse().map_err(|()| Error::NotFound)?;
        let (account, services, now) =
            (manager.remit.account.clone(), manager.remit.bounds.services.clone(), state.clock.now());
        let read = move |conn: &mut Conn| {
            api_key::find_within(conn, &account, &services, &key)?;
            let counted = counted_uses(conn, &key, period, (from, to), now)?;
            Ok((key, counted))
        };
        let (key, counted) = state.store.read(read).await?;
        Ok(manager.answer(HttpResponse::Ok().json(UsageView::new(&key, period, &counted))))
    };
    answer_traced(&state, &request, show).await
}

fn read_period(by: Option<&str>) -> Result<UsePeriod> {
    let wrong = |()| Error::Malformed("Write by=hour or by=day.".to_owned());
    by.map_or(Ok(UsePeriod::Day), |by| by.parse().map_err(wrong))
}
