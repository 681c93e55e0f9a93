//! Shortening the keys that end later than the maximum allows: asked for with their
//! number and the day, then done.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use askama::Template;
use serde::Deserialize;

use super::instance_page::{PATH, require_owner};
use super::shortening_view::ShorteningView;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::api_key::{self, Shortening};
use crate::error::{Error, Result};
use crate::format::count;
use crate::http::State;
use crate::store::UtcTime;

/// The question.
const QUESTION: &str = "/settings/instance/shortening";

#[derive(Template)]
#[template(path = "settings/shortening.html")]
struct ShorteningPage {
    shell: Shell,
    question: ShorteningView,
    is_changed: bool,
}

#[derive(Template)]
#[template(path = "settings/_shortening_dialog.html")]
struct ShorteningDialog {
    question: ShorteningView,
    is_changed: bool,
}

/// What was confirmed: the number of keys and the end that the question named.
#[derive(Deserialize)]
pub struct ShorteningForm {
    total: i64,
    end: i64,
}

/// `GET /settings/instance/shortening`: the pop-up's content, or a page of its own.
pub async fn ask_to_shorten(state: Data<State>, session: Session, who: SignedIn, htmx: Htmx) -> Result<HttpResponse> {
    require_owner(&state, &who)?;
    let question = ShorteningView::new(find(&state).await?.ok_or(Error::NotFound)?);
    if htmx.is_part() {
        return html(StatusCode::OK, &ShorteningDialog { question, is_changed: false });
    }
    let shell = Shell::new("settings", &who, &session);
    html(StatusCode::OK, &ShorteningPage { shell, question, is_changed: false })
}

/// `POST /settings/instance/shortening`: asks again where the keys have changed since.
pub async fn shorten_keys(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let form: ShorteningForm = parse_form(&body)?;
    let who = match signed_in.and_then(|who| require_owner(&state, &who).map(|()| who)) {
        Ok(who) => who,
        // After the login the question is asked again.
        Err(error) => return ask_again(error, QUESTION),
    };
    let confirmed = Shortening { total: form.total, end: UtcTime::from_micros(form.end) };
    let toast = match who.change(&state, move |tx| api_key::shorten(tx, confirmed)).await {
        Ok(shortened) => {
            tracing::info!(operator = %who.operator.id, keys = shortened, "keys were shortened to the maximum");
            Toast::success(format!("Success. {} shortened.", count(shortened, "key")))
        }
        Err(Error::ChangedMeanwhile) => match find(&state).await? {
            Some(now) => {
                let (shell, question) = (Shell::new("settings", &who, &session), ShorteningView::new(now));
                return html(StatusCode::CONFLICT, &ShorteningPage { shell, question, is_changed: true });
            }
            None => Toast::notice("There is no key to shorten any more."),
        },
        Err(error) => return Err(error),
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(PATH))
}

async fn find(state: &State) -> Result<Option<Shortening>> {
    let now = state.clock.now();
    state.store.read(move |conn| Shortening::find(conn, now)).await
}
