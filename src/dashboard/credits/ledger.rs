//! The Credits page, and its form that adds credits.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use serde::Deserialize;

use super::forms::{Drawn, Forms, TopUpForm};
use super::page::{LedgerPart, LedgerStart, PATH, draw};
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::list_query::written;
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::credit::{self, Addition, TopUp};
use crate::error::Result;
use crate::format::count;
use crate::http::State;

const ALREADY_ADDED: &str = "These credits were already added.";

/// Which part of the ledger.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct LedgerQuery {
    reason: String,
    /// A cursor: what is older than it.
    after: String,
    /// A cursor: what is newer than it.
    before: String,
}

/// `GET /credits?reason=…&after=…` or `&before=…`
pub async fn show_credits(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    query: Query<LedgerQuery>,
) -> Result<HttpResponse> {
    let start = match (written(&query.after)?, written(&query.before)?) {
        (Some(after), _) => LedgerStart::After(after),
        (None, Some(before)) => LedgerStart::Before(before),
        (None, None) => LedgerStart::Newest,
    };
    let part = LedgerPart { reason: written(&query.reason)?, start };
    let draft = session::take_draft(&session, PATH).unwrap_or_default();
    // A draft is of one of the forms, and has no field of the other.
    let forms = Forms {
        top_up: Drawn { form: parse_form(draft.as_bytes()).unwrap_or_default(), ..Drawn::default() },
        correction: Drawn { form: parse_form(draft.as_bytes()).unwrap_or_default(), ..Drawn::default() },
    };
    draw(&state, &session, &who, StatusCode::OK, forms, part).await
}

/// `POST /credits`
pub async fn add_credits(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(PATH), &body),
    };
    who.may(Permission::ManageCredits)?;
    let form: TopUpForm = parse_form(&body)?;
    match add(&state, &who, &form).await {
        Ok((amount, addition)) => {
            let toast = match addition {
                Addition::Made(balance) => {
                    tracing::info!(amount, balance, operator = %who.operator.id, "credits were added");
                    Toast::success(format!("Success. {} added.", count(amount, "credit")))
                }
                Addition::Repeated => Toast::error(ALREADY_ADDED),
            };
            session::leave_toast(&session, &toast)?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let consequence = "No credits were added. Try again in a moment.";
            let id = ("entry_id", (|form| &mut form.entry_id) as fn(&mut TopUpForm) -> &mut String);
            let (status, top_up) = Drawn::refused(form, error, consequence, id)?;
            draw(&state, &session, &who, status, Forms { top_up, ..Forms::default() }, LedgerPart::default()).await
        }
    }
}

async fn add(state: &State, who: &SignedIn, form: &TopUpForm) -> Result<(i64, Addition)> {
    let top_up = TopUp::parse(&form.entry_id, &form.amount, &form.note)?;
    let (amount, account, by) = (top_up.amount(), who.account.clone(), who.operator.id.clone());
    let addition = who.change(state, move |tx| credit::add(tx, &account, Some(&by), top_up)).await?;
    Ok((amount, addition))
}
