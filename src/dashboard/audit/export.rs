//! The events that a filter shows, as a file.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, Form};
use futures_util::stream::{self, StreamExt};

use super::filter::{AuditFilterQuery, WantedEvents};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::audit::export::{AuditFormat, exported};
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::list::{self, AuditCursor, AuditList};
use crate::domain::audit::scope::AuditScope;
use crate::error::{Error, Result};
use crate::http::State;

/// Events that are read at a time, each time within the limit of a read.
const BATCH_ROWS: usize = 1_000;

/// What is still to be sent of a file.
struct EventExport {
    state: Data<State>,
    scope: AuditScope,
    filter: AuditFilter,
    format: AuditFormat,
    after: Option<AuditCursor>,
}

/// `POST /audit.csv`, with the fields of the list's address. It is no GET, since an export
/// is recorded.
pub async fn export_csv(state: Data<State>, who: SignedIn, query: Form<AuditFilterQuery>) -> Result<HttpResponse> {
    export(state, who, &query, AuditFormat::Csv).await
}

/// `POST /audit.jsonl`, the same as JSON Lines.
pub async fn export_jsonl(state: Data<State>, who: SignedIn, query: Form<AuditFilterQuery>) -> Result<HttpResponse> {
    export(state, who, &query, AuditFormat::Jsonl).await
}

async fn export(
    state: Data<State>,
    who: SignedIn,
    query: &AuditFilterQuery,
    format: AuditFormat,
) -> Result<HttpResponse> {
    let wanted = WantedEvents::parse(query)?;
    if !wanted.errors.is_empty() {
        return Err(Error::Invalid(wanted.errors));
    }
    let day = state.clock.now().to_datetime().date();
    let (account, chosen) = (who.account.clone(), wanted.as_text());
    who.change(&state, move |tx| exported(tx, &account, format, &chosen)).await?;
    let export = EventExport {
        state,
        scope: AuditScope::of(who.account, who.access),
        filter: wanted.filter,
        format,
        after: None,
    };
    // The first part is read before the answer begins, so that an error is still a page.
    let (first, rest) = export.next().await?;
    let rest = stream::try_unfold(rest, |rest| async {
        let Some(rest) = rest else { return Ok::<_, Error>(None) };
        rest.next().await.map(Some)
    });
    let parts = stream::iter([Ok(Bytes::from(format.header())), Ok(first)]).chain(rest);
    let kind = match format {
        AuditFormat::Csv => "text/csv; charset=utf-8; header=present",
        AuditFormat::Jsonl => "application/jsonl; charset=utf-8",
    };
    let name = format!("attachment; filename=\"audit-{day}.{}\"", format.as_str());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(parts))
}

impl EventExport {
    /// The next lines, and what is left after them.
    async fn next(mut self) -> Result<(Bytes, Option<Self>)> {
        let (scope, filter, after) = (self.scope.clone(), self.filter.clone(), self.after.clone());
        let read = move |conn: &mut _| list::list(conn, &scope, &filter, after.as_ref(), BATCH_ROWS);
        let AuditList { rows, next, .. } = self.state.store.read(read).await?;
        let mut text = String::new();
        rows.iter().for_each(|row| self.format.push(&mut text, row));
        self.after = next;
        Ok((Bytes::from(text), self.after.is_some().then_some(self)))
    }
}
