//! What every request passes before a route is looked for: its connection is
//! watched over, and the gate's questions, which come with every request of
//! other services, are answered.

use std::rc::Rc;

use actix_http::Request;
use actix_service::{IntoServiceFactory, apply_fn_factory};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Response, Service, ServiceFactory, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::Data;
use actix_web::{Error as HttpError, HttpResponse, ResponseError};

use super::State;
use super::api::{auth, verify};
use super::connections::Turn;
use super::errors::ApiError;
use crate::error::Error;

/// The names and values of a request's headers, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;

/// The paths of the gate.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Takes POST.
    pub verify: &'static str,
    /// Takes any method.
    pub auth: &'static str,
}

/// How a request goes on.
enum Way<F> {
    /// It comes after its connection's last answer.
    TooLate,
    /// Its head alone is too much.
    Refused(HttpResponse),
    /// An application or service asks about a key.
    Verify(Request),
    /// A proxy asks about a request.
    Auth(Request),
    /// To the routes.
    Routes(F),
}

/// The routes of `app`, and before them those of the gate.
pub fn before<A>(
    app: impl IntoServiceFactory<A, Request>,
    gate: Gate,
    state: Data<State>,
) -> impl ServiceFactory<Request, Config = AppConfig, Response = Response<BoxBody>, Error = HttpError, InitError = ()>
where
    A: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse, Error = HttpError, InitError = ()>,
{
    // Of this worker alone: threads that count one reference wait for each other.
    let state = Rc::new(state);
    apply_fn_factory(app, move |request: Request, routes: &A::Service| {
        let (state, turn) = (Rc::clone(&state), Turn::begin(&request));
        let is_door = request.path() == gate.auth;
        let way = if turn.is_too_late() {
            Way::TooLate
        } else if let Some(error) = fault(&request, is_door) {
            let error = ApiError::new(error, &state);
            Way::Refused(if is_door { error.at_door() } else { error }.error_response())
        } else if is_door {
            Way::Auth(request)
        } else if request.path() == gate.verify {
            Way::Verify(request)
        } else {
            Way::Routes(routes.call(request))
        };
        go(way, turn, state)
    })
}

async fn go<F>(way: Way<F>, turn: Turn, state: Rc<Data<State>>) -> Result<Response<BoxBody>, HttpError>
where
    F: Future<Output = Result<ServiceResponse, HttpError>>,
{
    let is_last = matches!(way, Way::TooLate | Way::Refused(_));
    let mut response = match way {
        Way::TooLate => turn.never_answer().await.into(),
        Way::Refused(refusal) => refusal.into(),
        Way::Verify(request) => verify::verify_api_key(&state, request).await.into(),
        Way::Auth(request) => auth::authorize(&state, request.head()).await.into(),
        Way::Routes(answer) => answer.await.map_or_else(Response::from, Response::from),
    };
    turn.end(response.head_mut(), is_last || state.stopping.has_begun());
    Ok(response)
}

/// What is wrong with a head, whatever it asks for.
fn fault(request: &Request, is_door: bool) -> Option<Error> {
    let is_body_read = !is_door && !matches!(*request.method(), Method::GET | Method::HEAD);
    let mut length = 0;
    for (name, value) in request.head().headers() {
        // A packed body may be a thousand times as long as it looks, so none is
        // taken. At a proxy's door the header is the client's, and its body
        // stays with the proxy.
        if name == CONTENT_ENCODING && is_body_read {
            return Some(Error::UnsupportedMediaType);
        }
        length += name.as_str().len() + value.len();
    }
    (length > LONGEST_HEAD).then_some(Error::HeadTooLarge)
}
