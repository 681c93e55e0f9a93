//! `POST /v1/key-imports`: keys of other systems, with the digests of their secrets.

use std::collections::HashSet;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::manager::Manager;
use crate::api::json_body::{announces_more_than, is_of_type, read, whole};
use crate::api::{answer_traced, list_query};
use crate::domain::key_import::{self, ImportLine, ImportMode, ImportSource, ImportTerms, LineAnswer, LineResult};
use crate::domain::management::{KeyRemit, ManagementScope};
use crate::error::{Error, Result};
use crate::format::grouped;
use crate::http::State;
use crate::http::problem::ApiError;
use crate::store::Tx;

/// The longest body.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The most lines that hold a key: they are one transaction.
const MAX_LINES: usize = 1_000;
/// JSON Lines has no registered type; programs send one of these.
const CONTENT_TYPES: [&str; 2] = ["application/jsonl", "application/x-ndjson"];
const PARAMETERS: &str = "An import takes dry_run, once, which is true or false.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    dry_run: Option<String>,
}

#[derive(Serialize)]
struct ImportView<'a> {
    dry_run: bool,
    made: usize,
    exists: usize,
    refused: usize,
    results: Vec<LineView<'a>>,
}

#[derive(Serialize)]
struct LineView<'a> {
    line: usize,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// `POST /v1/key-imports`: 200 with what became of each line.
pub async fn import_keys(state: Data<State>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, ApiError> {
    let import = async {
        // Before the key is looked at.
        if announces_more_than(request.headers(), MAX_BODY_BYTES) {
            return Err(Error::TooLarge);
        }
        let manager = Manager::of(&state, &request, ManagementScope::KeysCreate).await?;
        let is_rehearsal = is_rehearsal(request.query_string())?;
        if !is_of_type(request.headers(), &CONTENT_TYPES) {
            return Err(Error::UnsupportedMediaType);
        }
        // After the key was looked at: what takes so much memory is only for who may import.
        let lines = parse_lines(&whole(read(request.headers(), payload, MAX_BODY_BYTES).await)?)?;
        let work = move |tx: &mut Tx<'_>, remit: &KeyRemit| {
            let terms = ImportTerms { account: remit.account.clone(), bounds: Some(remit.bounds.clone()) };
            let mut seen = HashSet::new();
            let mode = if is_rehearsal { ImportMode::Rehearse(&mut seen) } else { ImportMode::Make };
            key_import::import(tx, &terms, &lines, mode)
        };
        let answers = manager.change(&state, &request, work).await?;
        Ok(manager.answer(HttpResponse::Ok().json(ImportView::new(&answers, is_rehearsal))))
    };
    answer_traced(&state, &request, import).await
}

fn is_rehearsal(query: &str) -> Result<bool> {
    let query: ImportQuery = list_query::parse(query, PARAMETERS)?;
    match query.dry_run.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::Malformed(PARAMETERS.to_owned())),
    }
}

fn parse_lines(body: &[u8]) -> Result<Vec<ImportLine>> {
    let lines: Vec<ImportLine> = key_import::lines(body, ImportSource::Api).take(MAX_LINES + 1).collect();
    if lines.len() > MAX_LINES {
        let most = grouped(i64::try_from(MAX_LINES).unwrap_or(i64::MAX));
        return Err(Error::Malformed(format!("Send at most {most} lines at once; nothing was imported.")));
    }
    Ok(lines)
}

impl<'a> ImportView<'a> {
    fn new(answers: &'a [LineAnswer], dry_run: bool) -> Self {
        let results: Vec<LineView<'_>> = answers.iter().map(LineView::from).collect();
        let count = |word: &str| results.iter().filter(|line| line.result == word).count();
        Self { dry_run, made: count("made"), exists: count("exists"), refused: count("refused"), results }
    }
}

impl<'a> From<&'a LineAnswer> for LineView<'a> {
    fn from(answer: &'a LineAnswer) -> Self {
        let (result, id, reason) = match &answer.result {
            LineResult::Made(id) => ("made", id.as_ref(), None),
            LineResult::Exists { id, is_in_trash } => {
                ("exists", id.as_ref(), is_in_trash.then_some("This key is in the trash."))
            }
            LineResult::Refused(reason) => ("refused", None, Some(reason.as_str())),
        };
        Self { line: answer.number, result, id: id.map(|id| id.as_str()), reason }
    }
}
