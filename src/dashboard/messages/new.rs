//! Sending a message from the dashboard: the form, and what becomes of it.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::paths::{self, PATH, SECTION};
use super::price::{RouteView, only_price};
use crate::dashboard::api_keys::first_request::{REHEARSED, SMS};
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::htmx::{self, Htmx};
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::secret::Mode;
use crate::domain::idempotency::{IdempotencyKey, IdempotentRequest};
use crate::domain::message::sms_text::SmsText;
use crate::domain::message::{Accepted, MessageDraft, MessageId, MessageOrigin};
use crate::domain::service;
use crate::error::{Error, FieldErrors, GuardRefusal, Result};
use crate::format::count;
use crate::http::State;
use crate::sms::transport::sandbox::FIXED_NUMBERS;
use crate::store::Digest;

const SAMPLE_TEXT: &str = "Hello from Keyfob";
const NOT_SENT: &str = "The message was not sent. Try again in a moment.";
const FORM_EXPIRED: &str = "This form has expired. Check it and press Send again.";
const ALREADY_SENT: &str = "You already sent a message with this form. Press Send to send this one as well.";
const STILL_RUNNING: &str = "This message is already being sent. Look at Messages in a moment.";

/// The form, empty or as it was filled in.
struct MessageFormView {
    /// Whether live messages are really sent.
    has_carrier: bool,
    filled: MessageForm,
    errors: FieldErrors,
    alert: Option<String>,
    /// Whether the alert is mended on the Credits page.
    needs_credits: bool,
    is_live: bool,
    /// What it would take as it is filled in.
    cost: Option<String>,
    /// By which carrier it would go.
    route: RouteView,
    /// The price of a segment to any number, in words, if it is the same.
    price: Option<String>,
    placeholder: &'static str,
    fixed_numbers: &'static [(&'static str, &'static str)],
}

#[derive(Template)]
#[template(path = "messages/_dialog.html")]
struct MessageDialog {
    form: MessageFormView,
}

#[derive(Template)]
#[template(path = "messages/_form.html")]
struct MessageFormPart {
    form: MessageFormView,
}

#[derive(Template)]
#[template(path = "messages/new.html")]
struct NewMessagePage {
    shell: Shell,
    form: MessageFormView,
}

/// What is filled in.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MessageForm {
    form_id: String,
    to: String,
    text: String,
    mode: String,
}

impl MessageForm {
    fn fresh() -> Self {
        let (form_id, text) = (MessageId::mint().to_string(), SAMPLE_TEXT.to_owned());
        Self { form_id, to: String::new(), text, mode: Mode::Test.as_str().to_owned() }
    }
}

/// `GET /messages/new`: the pop-up's content, or a page of its own.
pub async fn new_message(state: Data<State>, session: Session, who: SignedIn, htmx: Htmx) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let draft = session::take_draft(&session, paths::NEW).and_then(|draft| parse_form(&draft).ok());
    let form = MessageFormView::new(&state, draft.unwrap_or_else(MessageForm::fresh));
    if htmx.is_part() {
        return html(StatusCode::OK, &MessageDialog { form });
    }
    html(StatusCode::OK, &NewMessagePage { shell: Shell::new(SECTION, &who, &session), form })
}

fn parse_form(body: &str) -> Result<MessageForm> {
    let form = Query::<MessageForm>::from_query(body);
    let form = form.map(Query::into_inner);
    let mut form = form.map_err(|error| Error::Malformed(format!("The form can't be read: {error}.")))?;
    // Browsers send a line break as two characters (HTML §4.10.22.4), which would both be paid for.
    form.text = form.text.replace("\r\n", "\n");
    Ok(form)
}

/// The segments and credits of a text that can be sent, as in `2 segments, 2 credits`; the
/// segments alone while the price is not known.
fn cost(state: &State, filled: &MessageForm, route: &RouteView) -> Option<String> {
    let mode: Mode = filled.mode.parse().ok()?;
    let segments = i64::try_from(SmsText::parse("text", &filled.text).ok()?.segment_count()).ok()?;
    let price = if state.sms.rehearses(mode) { Some(0) } else { route.credits };
    let credits = match price.map(|price| price.saturating_mul(segments)) {
        None => return Some(count(segments, "segment")),
        Some(0) => "no credits".to_owned(),
        Some(credits) => count(credits, "credit"),
    };
    Some(format!("{}, {credits}", count(segments, "segment")))
}

/// `POST /messages`
pub async fn send_message(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    htmx: Htmx,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Err(error) if !htmx.is_part() => return keep_form(error, &NextPath::parse(paths::NEW), &body),
        signed_in => signed_in?,
    };
    who.may(Permission::ManageKeys)?;
    let filled = parse_form(&String::from_utf8_lossy(&body))?;
    match send(&state, &who, &filled).await {
        Ok(message) => {
            tracing::info!(message_id = message, operator = %who.operator.id, "a message was sent from the dashboard");
            let kind = if filled.mode == Mode::Test.as_str() { "test message" } else { "message" };
            let route = RouteView::new(&state.sms, &filled.to, &filled.mode);
            let cost = cost(&state, &filled, &route).map(|cost| format!(" {cost}.")).unwrap_or_default();
            let toast = Toast::success(format!("Success. The {kind} to {} is on its way.{cost}", filled.to.trim()));
            session::leave_toast(&session, &toast)?;
            if htmx.is_part() {
                return Ok(HttpResponse::Ok().insert_header((htmx::REDIRECT, PATH)).finish());
            }
            Ok(see_other(PATH))
        }
        Err(error) => refuse(&state, &session, &who, &htmx, filled, error),
    }
}

/// Sends it, once for each form; gives the message's id.
async fn send(state: &State, who: &SignedIn, filled: &MessageForm) -> Result<String> {
    let mut errors = FieldErrors::default();
    let form_id: Result<MessageId> = filled.form_id.parse().map_err(|()| Error::invalid("form_id", FORM_EXPIRED));
    let form_id = errors.collect(form_id)?;
    let mode: Result<Mode> = filled.mode.parse().map_err(|()| Error::invalid("mode", "Choose Test or Live."));
    let mode = errors.collect(mode)?;
    let draft = errors.collect(MessageDraft::with_text(std::slice::from_ref(&filled.to), &filled.text))?;
    let (Some(form_id), Some(mode), Some(draft)) = (form_id, mode, draft) else { return Err(Error::Invalid(errors)) };
    match state.store.read(|conn| service::find(conn, SMS)).await {
        Ok(sms) if sms.is_off() => {
            return Err(Error::invalid("form_id", format!("{} is switched off. Nothing was sent.", sms.name)));
        }
        Ok(_) | Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    let digest = Digest::of(&serde_json::to_vec(filled).map_err(Error::internal)?);
    let key = IdempotencyKey::parse(&who.account, mode, "dashboard", form_id.as_str())?;
    let origin = MessageOrigin { account_id: who.account.clone(), api_key_id: None, mode };
    state.sms.send(origin, draft, Some(IdempotentRequest { key, digest }), first_id).await
}

fn first_id(accepted: &Accepted) -> Result<String> {
    Ok(accepted.messages.first().map(|message| message.id.to_string()).unwrap_or_default())
}

/// The form again, as it was filled in, with what is wrong.
fn refuse(
    state: &State,
    session: &Session,
    who: &SignedIn,
    htmx: &Htmx,
    mut filled: MessageForm,
    error: Error,
) -> Result<HttpResponse> {
    let mut rejection = rejection(error)?;
    if rejection.raise("form_id") {
        filled.form_id = MessageId::mint().to_string();
    }
    let needs_credits = rejection.status == StatusCode::PAYMENT_REQUIRED;
    let (rejected, errors, alert) = rejection.into_parts();
    let form = MessageFormView { errors, alert, needs_credits, ..MessageFormView::new(state, filled) };
    if htmx.is_part() {
        return rejected.respond(&MessageFormPart { form });
    }
    rejected.respond(&NewMessagePage { shell: Shell::new(SECTION, who, session), form })
}

/// The errors of sending that only this form explains, and those of every form.
fn rejection(error: Error) -> Result<FormRejection> {
    match error {
        Error::NotEnoughCredits { needed, left } => {
            let alert = format!(
                "This costs {} and you have {}. Nothing was sent or charged.",
                count(needed, "credit"),
                count(left, "credit")
            );
            Ok(FormRejection::alert(StatusCode::PAYMENT_REQUIRED, alert))
        }
        Error::GuardRefused(refusal) => {
            let GuardRefusal { rule, index, retry_after, detail, .. } = *refusal;
            let mut rejection = FormRejection { retry_after, ..FormRejection::alert(rule.status(), detail) };
            if index.is_some() {
                rejection.errors.add("to", rejection.alert.take().unwrap_or_default());
            }
            Ok(rejection)
        }
        Error::DifferentRequest => FormRejection::of(Error::invalid("form_id", ALREADY_SENT), NOT_SENT),
        Error::StillRunning => Ok(FormRejection::alert(StatusCode::CONFLICT, STILL_RUNNING)),
        error => FormRejection::of(error, NOT_SENT),
    }
}

impl MessageFormView {
    fn new(state: &State, filled: MessageForm) -> Self {
        let route = RouteView::new(&state.sms, &filled.to, &filled.mode);
        Self {
            has_carrier: !state.sms.rehearses(Mode::Live),
            is_live: filled.mode == Mode::Live.as_str(),
            cost: cost(state, &filled, &route),
            route,
            price: only_price(&state.sms).map(|price| count(price, "credit")),
            filled,
            errors: FieldErrors::default(),
            alert: None,
            needs_credits: false,
            placeholder: REHEARSED,
            fixed_numbers: &FIXED_NUMBERS,
        }
    }
}
