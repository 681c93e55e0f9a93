//! Where a dashboard's request comes from, as audit events record it.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::domain::identity::operator::OperatorId;
use crate::http::State;
use crate::http::request_id::RequestId;
use crate::store::{Actor, ActorKind, Via};

/// What is kept of a `User-Agent`, in characters.
const MAX_USER_AGENT_CHARS: usize = 200;

/// The client's address and program, and the request's id.
#[derive(Debug, Clone)]
pub struct RequestOrigin {
    pub(super) address: Option<String>,
    pub(super) user_agent: Option<String>,
    request_id: Option<String>,
}

impl RequestOrigin {
    /// Reads the request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let client = |state: &Data<State>| state.trusted_proxies.client(request.peer_addr(), request.headers());
        // One letter that is not ASCII does not hide the rest.
        let user_agent = request.headers().get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Self {
            address: request.app_data().map(|state| client(state).to_string()),
            user_agent: user_agent.map(|text| text.chars().take(MAX_USER_AGENT_CHARS).collect()),
            request_id: request.extensions().get::<RequestId>().map(ToString::to_string),
        }
    }

    /// The operator who sent this request.
    #[must_use]
    pub fn actor(self, id: &OperatorId, name: &str) -> Actor {
        Actor { kind: ActorKind::Operator, id: Some(id.to_string()), ..self.stranger(name) }
    }

    /// Somebody who is not logged in, by what is known of them.
    #[must_use]
    pub fn stranger(self, name: &str) -> Actor {
        Actor {
            kind: ActorKind::System,
            id: None,
            name: name.to_owned(),
            via: Via::Dashboard,
            address: self.address,
            user_agent: self.user_agent,
            request_id: self.request_id,
        }
    }
}

impl FromRequest for RequestOrigin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}
