//! By which carrier a message from the form would go, and at which price.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use crate::dashboard::frame::layout::html;
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::api_key::secret::Mode;
use crate::domain::carrier::CarrierName;
use crate::domain::message::MessageDraft;
use crate::error::{Error, Result};
use crate::format::count;
use crate::http::State;
use crate::sms::Sms;
use crate::sms::carriers::Carriers;

/// A text that is short enough to ask about a recipient alone.
const ANY_TEXT: &str = "Hello";

/// The part of the form, for when the recipient has changed.
#[derive(Template)]
#[template(path = "messages/_route.html")]
struct RoutePart {
    route: RouteView,
}

/// What the form says about the route of its recipient.
pub(super) struct RouteView {
    /// Whether it depends on the number, so that the form asks again.
    pub(super) asks: bool,
    /// By which carrier the message goes, or why by none.
    pub(super) sentence: Option<String>,
    pub(super) is_wrong: bool,
    /// The price of a segment, if it is known.
    pub(super) credits: Option<i64>,
}

/// What is filled in so far.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RouteQuery {
    to: String,
    mode: String,
}

/// `GET /messages/new/route?to=…&mode=…`
pub async fn show_route(state: Data<State>, who: SignedIn, query: Query<RouteQuery>) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    html(StatusCode::OK, &RoutePart { route: RouteView::new(&state.sms, &query.to, &query.mode) })
}

impl RouteView {
    /// What is known about a recipient, which may not be typed to its end.
    pub(super) fn new(sms: &Sms, to: &str, mode: &str) -> Self {
        let asks = sms.carriers().is_some_and(has_choice);
        let unknown = Self { asks, sentence: None, is_wrong: false, credits: only_price(sms) };
        if !asks || mode != Mode::Live.as_str() {
            return unknown;
        }
        let Ok(draft) = MessageDraft::with_text(&[to.to_owned()], ANY_TEXT) else { return unknown };
        match sms.assign(&draft, Mode::Live).map(|assignments| assignments.into_iter().next()) {
            Ok(Some(assignment)) => {
                let price = count(assignment.credits_per_segment, "credit");
                let sentence = format!("Goes by {}, {price} a segment.", assignment.carrier);
                Self { sentence: Some(sentence), credits: Some(assignment.credits_per_segment), ..unknown }
            }
            Err(Error::Invalid(errors)) => {
                Self { sentence: errors.get("to").map(ToString::to_string), is_wrong: true, credits: None, ..unknown }
            }
            Ok(None) | Err(_) => unknown,
        }
    }
}

/// Whether it says something to name the carrier: whether the settings name it.
fn has_choice(carriers: &Carriers) -> bool {
    !carriers.rehearse_all() && !carriers.names().eq([&CarrierName::default_carrier()])
}

/// The price of a segment by every route, if it is the same.
pub(super) fn only_price(sms: &Sms) -> Option<i64> {
    let mut prices = sms.carriers()?.routes().iter().map(|(_, route)| route.credits);
    let first = prices.next()?;
    prices.all(|price| price == first).then_some(first)
}
