//! The gate's two questions as they most often come, answered as soon as they
//! are read: the way through the HTTP library takes longer than a verdict does.
//! Whatever is not plain (another method, a header that changes how a request
//! is read, a key that has to be looked up, anything malformed) is left to the
//! library, and to `front` behind it.

mod question;
mod wire;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::web::{Bytes, Data};

use question::{Question, Read};
use wire::Wire;

use super::State;
use super::api::{auth, verify};
use super::connections::{Outcome, Shortcut};
use super::front::Paths;

/// For all connections of a worker.
pub struct Express {
    gate: Paths,
    state: Data<State>,
}

impl Express {
    /// Answers what is asked of the gate.
    #[must_use]
    pub fn new(gate: Paths, state: &Data<State>) -> Self {
        Self { gate, state: state.clone() }
    }

    /// Writes the headers, and gives the body.
    fn answer_question(
        &self,
        question: &Question<'_>,
        client: Option<SocketAddr>,
        wire: &mut Wire<'_>,
    ) -> Option<Bytes> {
        if question.path == self.gate.auth {
            auth::authorize_at_once(&self.state, question.query, question.headers, client, wire)?;
            return Some(Bytes::new());
        }
        verify::verify_at_once(&self.state, question.headers, question.body, wire)
    }
}

impl Shortcut for Express {
    fn answer(&self, sent: &[u8], client: Option<SocketAddr>, answer: &mut Vec<u8>) -> Outcome {
        let mut headers = question::room_for_headers();
        let question = match question::read(sent, self.gate, &mut headers) {
            // The library says with every answer that it is the last one.
            Read::Plain(_) if self.state.stopping.has_begun() => return Outcome::Lent,
            Read::Plain(question) => question,
            Read::Odd => return Outcome::Lent,
            Read::Begun => return Outcome::Begun,
            Read::Foreign => return Outcome::Foreign,
        };
        let mut wire = Wire::new(answer);
        // A panic ends one request, and not the worker: the library answers it.
        match catch_unwind(AssertUnwindSafe(|| self.answer_question(&question, client, &mut wire))) {
            Ok(Some(body)) => {
                wire.end(&body);
                Outcome::Answered
            }
            _ => {
                answer.clear();
                Outcome::Lent
            }
        }
    }
}
