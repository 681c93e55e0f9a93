//! `GET /v1/audit-events`: what was done to the keys within the bounds of a management key.

use std::str::FromStr;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::manager::Manager;
use crate::api::{answer_traced, list_query};
use crate::domain::audit::export::AuditObject;
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::list::{self, AuditCursor, EVENTS_PER_PAGE};
use crate::domain::audit::scope::AuditScope;
use crate::domain::management::ManagementScope;
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;

/// The most events of one page.
const MAX_LIMIT: usize = 200;
const PARAMETERS: &str = "This list takes after, limit, actor, action, target, from and to, each once.";

/// The query parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditListQuery {
    after: Option<String>,
    limit: Option<String>,
    actor: Option<String>,
    action: Option<String>,
    target: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

impl AuditListQuery {
    fn filter(&self) -> Result<AuditFilter> {
        Ok(AuditFilter {
            actor: written("actor", "the id of an operator or a key, command_line or system", self.actor.as_deref())?,
            action: written(
                "action",
                "an action, such as api_key.disabled, or as api_keys or callbacks",
                self.action.as_deref(),
            )?,
            target: written("target", "the id of a key", self.target.as_deref())?,
            from: list_query::time("from", self.from.as_deref())?,
            until: list_query::time("to", self.to.as_deref())?,
        })
    }
}

fn written<T: FromStr>(parameter: &str, form: &str, text: Option<&str>) -> Result<Option<T>> {
    let wrong = |_| Error::Malformed(format!("Write {parameter} as {form}."));
    text.map(str::parse).transpose().map_err(wrong)
}

#[derive(Serialize)]
struct AuditListView<'a> {
    audit_events: Vec<AuditObject<'a>>,
    next_cursor: Option<String>,
}

/// `GET /v1/audit-events`: one page, newest first.
pub async fn list_audit_events(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let list = async {
        let manager = Manager::of(&state, &request, ManagementScope::AuditRead).await?;
        let query: AuditListQuery = list_query::parse(request.query_string(), PARAMETERS)?;
        let filter = query.filter()?;
        let limit = list_query::limit(query.limit.as_deref(), EVENTS_PER_PAGE, MAX_LIMIT)?;
        let after: Option<AuditCursor> = list_query::place("after", query.after.as_deref())?;
        let scope = AuditScope::of_manager(manager.remit.account.clone(), manager.remit.bounds.services.clone());
        let read = move |conn: &mut _| list::list(conn, &scope, &filter, after.as_ref(), limit);
        let page = state.store.read(read).await?;
        let view = AuditListView {
            audit_events: page.rows.iter().map(AuditObject::from).collect(),
            next_cursor: page.next.map(|next| next.to_string()),
        };
        Ok(manager.answer(HttpResponse::Ok().json(view)))
    };
    answer_traced(&state, &request, list).await
}
