//! The Credits page: the balance, the ledger, and the form that adds credits.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use askama::Template;
use serde::Deserialize;

use super::ledger_row::LedgerRow;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::position::{Total, position};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::AccountId;
use crate::domain::account::Permission;
use crate::domain::credit::{self, Addition, ENTRIES_PER_PAGE, LedgerCursor, LedgerEntryId, LedgerPage, TopUp};
use crate::error::{Error, FieldErrors, Result};
use crate::format::{count, grouped};
use crate::http::State;
use crate::store::Conn;

const SECTION: &str = "credits";
pub(super) const PATH: &str = "/credits";
/// Entries are counted up to this number: the rest would take longer than the page itself.
const MAX_COUNT: usize = 10_000;
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
    position: Option<String>,
    first_page: Option<&'static str>,
    newer_page: Option<String>,
    next_page: Option<String>,
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
    /// A cursor: what is older than it.
    #[serde(default)]
    after: String,
    /// A cursor: what is newer than it.
    #[serde(default)]
    before: String,
}

/// The beginning of a page.
enum LedgerStart {
    Newest,
    After(LedgerCursor),
    Before(LedgerCursor),
}

/// What the database knows about a page.
struct LedgerView {
    balance: i64,
    page: LedgerPage,
    /// How many entries are before this page.
    newer: usize,
    total: Total,
}

/// What is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TopUpForm {
    entry_id: String,
    amount: String,
    note: String,
}

/// `GET /credits?after=…` or `?before=…`
pub async fn show_credits(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    query: Query<LedgerQuery>,
) -> Result<HttpResponse> {
    let start = match (query.after.as_str(), query.before.as_str()) {
        ("", "") => LedgerStart::Newest,
        ("", before) => LedgerStart::Before(before.parse().map_err(|()| Error::NotFound)?),
        (after, _) => LedgerStart::After(after.parse().map_err(|()| Error::NotFound)?),
    };
    let draft = session::take_draft(&session, PATH).and_then(|draft| parse_form(draft.as_bytes()).ok());
    let TopUpForm { mut entry_id, amount, note } = draft.unwrap_or_default();
    if entry_id.is_empty() {
        entry_id = LedgerEntryId::mint().to_string();
    }
    let form = TopUpFormView { entry_id, amount, note, ..TopUpFormView::default() };
    draw(&state, &session, &who, StatusCode::OK, form, start).await
}

async fn draw(
    state: &State,
    session: &Session,
    who: &SignedIn,
    status: StatusCode,
    form: TopUpFormView,
    start: LedgerStart,
) -> Result<HttpResponse> {
    let account = who.account.clone();
    let view = state.store.read(move |conn| read(conn, &account, &start)).await?;
    let LedgerView { balance, page, newer, total } = view;
    let before = page.first().filter(|_| newer > ENTRIES_PER_PAGE);
    let page = CreditsPage {
        shell: Shell::new(SECTION, who, session),
        balance: grouped(balance),
        hint: hint(balance),
        position: (newer <= MAX_COUNT)
            .then(|| position(newer, page.lines.len(), total, ["entry", "entries"]))
            .flatten(),
        first_page: (newer > 0).then_some(PATH),
        newer_page: before.map(|place| format!("{PATH}?before={place}")),
        next_page: page.next.map(|next| format!("{PATH}?after={next}")),
        rows: page.lines.into_iter().map(LedgerRow::from).collect(),
        form,
    };
    html(status, &page)
}

fn read(conn: &mut Conn, account: &AccountId, start: &LedgerStart) -> Result<LedgerView> {
    let page = match start {
        LedgerStart::Newest => credit::ledger(conn, account, None)?,
        LedgerStart::After(place) => credit::ledger(conn, account, Some(place))?,
        LedgerStart::Before(place) => credit::ledger_newer(conn, account, place)?,
    };
    let newer = match (start, page.first()) {
        (LedgerStart::Newest, _) => 0,
        // After the last entry: what there is, is newer.
        (_, first) => credit::count_entries(conn, account, first.as_ref(), MAX_COUNT)?,
    };
    let total = match page.next {
        None => Total::Exactly(newer + page.lines.len()),
        Some(_) => match credit::count_entries(conn, account, None, MAX_COUNT)? {
            count if count > MAX_COUNT => Total::MoreThan(MAX_COUNT),
            count => Total::Exactly(count),
        },
    };
    Ok(LedgerView { balance: credit::balance(conn, account)?, page, newer, total })
}

const fn hint(balance: i64) -> Option<&'static str> {
    match balance {
        ..=0 => Some("No credits left: live messages are refused until some are added. Test messages cost nothing."),
        1..LOW_BALANCE => Some("Few credits left. Without credits, live messages are refused."),
        _ => None,
    }
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
        Err(error) => refuse(&state, &session, &who, form, error).await,
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
    draw(state, session, who, status, form, LedgerStart::Newest).await
}
