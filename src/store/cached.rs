//! Changes whose SQL is always the same. Diesel keeps prepared statements of
//! queries only: it can't know how many texts an INSERT or an UPDATE will have,
//! and parses each anew, which takes longer than doing it.

use diesel::connection::LoadConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;

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

impl<Q: QueryFragment<MultiBackend>> Steady<Q> {
    /// Executes a change that returns nothing. Diesel's own way would ask about
    /// a reference to the change, which forgets that it is steady.
    ///
    /// # Errors
    /// When the database fails.
    pub fn execute(self, conn: &mut Conn) -> QueryResult<()> {
        conn.load(Silent(self))?.try_for_each(|row| row.map(drop))
    }
}

/// A steady change that returns no rows.
struct Silent<Q>(Steady<Q>);

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Silent<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &MultiBackend) -> QueryResult<bool> {
        self.0.is_safe_to_cache_prepared(backend)
    }
}

impl<Q> QueryId for Silent<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Silent<Q> {
    type SqlType = Untyped;
}
