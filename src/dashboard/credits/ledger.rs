//! The Credits page: the balance, the ledger, and the form that adds credits.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Query};
use askama::Template;
use serde::Deserialize;

use super::ledger_row::LedgerRow;
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::credit::{self, Addition, LedgerEntryId, TopUp};
use crate::domain::cursor::Cursor;
use crate::error::{Error, FieldErrors, Result};
use crate::format::{count, grouped};
use crate::http::State;

const SECTION: &str = "credits";
pub(super) const PATH: &str = "/credits";
/// Below this balance the page warns.
const LOW_BALANCE: i64 = 10;
const ALREADY_ADDED: &str = "These credits were already added.";

/// `credits/page.html`
#[derive(Template)]
#[template(path = "credits/page.html")]
struct CreditsPage {
    shell: Shell,
    balance: String,
    hint: Option<&'static str>,
    rows: Vec<LedgerRow>,
    form: TopUpFormView,
    next_page: Option<String>,
    first_page: Option<&'static str>,
}

/// The form, empty or as it was filled in.
#[derive(Default)]
struct TopUpFormView {
    entry_id: String,
    amount: String,
    note: String,
    errors: FieldErrors,
    alert: Option<String>,
}

/// Which part of the ledger.
#[derive(Deserialize)]
pub struct LedgerQuery {
    /// A cursor.
    #[serde(default)]
    after: String,
}

/// What is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TopUpForm {
    entry_id: String,
    amount: String,
    note: String,
}

/// `GET /credits?after=…`
pub async fn show_credits(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    query: Query<LedgerQuery>,
) -> Result<HttpResponse> {
    let after = match query.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|()| Error::NotFound)?),
    };
    let form = TopUpFormView { entry_id: LedgerEntryId::mint().to_string(), ..TopUpFormView::default() };
    draw(&state, &session, &who, StatusCode::OK, form, after).await
}

async fn draw(
    state: &State,
    session: &Session,
    who: &SignedIn,
    status: StatusCode,
    form: TopUpFormView,
    after: Option<Cursor<LedgerEntryId>>,
) -> Result<HttpResponse> {
    let account = who.account.clone();
    let on_first_page = after.is_none();
    let read =
        move |conn: &mut _| Ok((credit::balance(conn, &account)?, credit::ledger(conn, &account, after.as_ref())?));
    let (balance, ledger) = state.store.read(read).await?;
    let page = CreditsPage {
        shell: Shell::new(SECTION, who, session),
        balance: grouped(balance),
        hint: hint(balance),
        next_page: ledger.next.map(|next| format!("{PATH}?after={next}")),
        first_page: (!on_first_page).then_some(PATH),
        rows: ledger.lines.into_iter().map(LedgerRow::from).collect(),
        form,
    };
    html(status, &page)
}

const fn hint(balance: i64) -> Option<&'static str> {
    match balance {
        ..=0 => Some("No credits left: live messages are refused until you add some. Test messages cost nothing."),
        1..LOW_BALANCE => Some("Few credits left. Without credits, live messages are refused."),
        _ => None,
    }
}

/// `POST /credits`
pub async fn add_credits(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    form: Form<TopUpForm>,
) -> Result<HttpResponse> {
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
        Err(error) => refuse(&state, &session, &who, form.into_inner(), error).await,
    }
}

async fn add(state: &State, who: &SignedIn, form: &TopUpForm) -> Result<(i64, Addition)> {
    let top_up = TopUp::parse(&form.entry_id, &form.amount, &form.note)?;
    let (amount, account, by) = (top_up.amount(), who.account.clone(), who.operator.id.clone());
    let addition = who.change(state, move |tx| credit::add(tx, &account, Some(&by), top_up)).await?;
    Ok((amount, addition))
}

/// The form again, as it was filled in, with what is wrong.
async fn refuse(
    state: &State,
    session: &Session,
    who: &SignedIn,
    TopUpForm { mut entry_id, amount, note }: TopUpForm,
    error: Error,
) -> Result<HttpResponse> {
    let mut rejection = FormRejection::of(error, "No credits were added. Try again in a moment.")?;
    if rejection.raise("entry_id") {
        entry_id = LedgerEntryId::mint().to_string();
    }
    let FormRejection { status, errors, alert, .. } = rejection;
    let form = TopUpFormView { entry_id, amount, note, errors, alert };
    draw(state, session, who, status, form, None).await
}
