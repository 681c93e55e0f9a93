//! What every request passes before a route is looked for: its connection is
//! watched over, and the gate's questions, which come with every request of
//! other services, are answered.

use std::rc::Rc;

use actix_http::Request;
use actix_service::{IntoServiceFactory, apply_fn_factory};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Payload, Response, Service, ServiceFactory, ServiceResponse};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::http::{ConnectionType, Method};
use actix_web::web::Data;
use actix_web::{Error as HttpError, ResponseError};

use super::{auth, verify};
use crate::error::Error;
use crate::http::State;
use crate::http::problem::ApiError;
use crate::server::connection::Turn;

/// The names and values of a request's headers, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;

/// Where the gate is asked: these paths as they are, in no other spelling.
#[derive(Debug, Clone, Copy)]
pub struct Paths {
    /// Takes POST.
    pub verify: &'static str,
    /// Takes any method.
    pub auth: &'static str,
}

/// How a request goes on.
enum Way<F> {
    /// It comes after its connection's last answer.
    TooLate,
    /// Nothing but its head was needed to refuse it.
    Refused(ApiError),
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
    gate: Paths,
    state: Data<State>,
) -> impl ServiceFactory<Request, Config = AppConfig, Response = Response<BoxBody>, Error = HttpError, InitError = ()>
where
    A: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse, Error = HttpError, InitError = ()>,
    <A::Service as Service<Request>>::Future: Unpin,
{
    // Of this worker alone: threads that count one reference wait for each other.
    let state = Rc::new(state);
    apply_fn_factory(app, move |request: Request, routes: &A::Service| {
        let (state, turn) = (Rc::clone(&state), Turn::begin(&request));
        // Its client wants no more, or an upgrade, which there is none of here.
        let is_clients_last = request.head().connection_type() != ConnectionType::KeepAlive;
        let mut way = Way::of(request, gate, &turn, &state, routes);
        // Moved from place to place in the server, so everything is in it once.
        async move {
            let mut response = way.response(&turn, &state).await;
            turn.end(response.head_mut(), is_clients_last || way.is_last() || state.stopping.has_begun());
            Ok(response)
        }
    })
}

impl<F: Future<Output = Result<ServiceResponse, HttpError>> + Unpin> Way<F> {
    fn of(
        request: Request,
        gate: Paths,
        turn: &Turn,
        state: &State,
        routes: &impl Service<Request, Future = F>,
    ) -> Self {
        if turn.is_too_late() {
            return Self::TooLate;
        }
        let is_auth = request.path() == gate.auth;
        match fault(&request, is_auth) {
            Some(error) if is_auth => Self::Refused(ApiError::new(error, state).at_door()),
            Some(error) => Self::Refused(ApiError::new(error, state)),
            None if is_auth => Self::Auth(request),
            None if request.path() == gate.verify => Self::Verify(request),
            // About the whole server, of which nothing can be asked, and no path for a route.
            None if request.path() == "*" => Self::Refused(ApiError::new(Error::NotFound, state)),
            None => Self::Routes(routes.call(request)),
        }
    }

    async fn response(&mut self, turn: &Turn, state: &State) -> Response<BoxBody> {
        match self {
            Self::TooLate => turn.never_answer().await.into(),
            Self::Refused(error) => error.error_response().into(),
            Self::Verify(request) => verify::verify_api_key(state, request).await.into(),
            Self::Auth(request) => auth::authorize(state, request.head()).await.into(),
            Self::Routes(answer) => answer.await.map_or_else(Response::from, Response::from),
        }
    }

    /// Whether nothing is read behind it: there may be a body that nobody wanted.
    fn is_last(&mut self) -> bool {
        match self {
            Self::TooLate | Self::Refused(_) => true,
            Self::Verify(request) | Self::Auth(request) => !matches!(request.payload(), Payload::None),
            Self::Routes(_) => false,
        }
    }
}

/// What is wrong with a head, whatever it asks for.
fn fault(request: &Request, is_auth: bool) -> Option<Error> {
    let is_body_read = !is_auth && !matches!(*request.method(), Method::GET | Method::HEAD);
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
