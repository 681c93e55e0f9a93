//! Changes whose SQL is always the same. Diesel keeps prepared statements of
//! queries only: it can't know how many texts an INSERT or an UPDATE will have,
//! and parses each anew, which takes longer than doing it.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

use super::{Conn, MultiBackend};

/// A change that is prepared once for each connection.
#[derive(Debug, Clone, Copy)]
pub struct Steady<Q>(Q);

/// Says of a change that its SQL is always the same.
pub trait Steadily: Sized {
    /// The same change, prepared once for each connection. Only where the text
    /// does not depend on the data, as a list of ids would make it.
    fn steadily(self) -> Steady<Self> {
        Steady(self)
    }
}

impl<Q: QueryFragment<MultiBackend>> Steadily for Q {}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Steady<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    /// Statements are kept by their text, so that this is a matter of how many
    /// there are, and never of which one is found.
    fn is_safe_to_cache_prepared(&self, _: &MultiBackend) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Steady<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Steady<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<Conn> for Steady<Q> {}
