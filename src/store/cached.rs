//! Cached prepared statements for changes. Diesel caches those of queries only,
//! since it can't know how many texts an `INSERT` or `UPDATE` may have. Preparing a
//! small change every time takes longer than executing it.

use diesel::connection::LoadConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;

use super::{Conn, MultiBackend};

/// A change whose statement is prepared once for each connection.
#[derive(Debug, Clone, Copy)]
pub struct Cached<Q>(Q);

/// Turns on the statement cache for a change.
pub trait PrepareCached: Sized {
    /// The same change, with its statement cached. Only for SQL that does not
    /// depend on the data: every other text would stay in the cache for ever.
    fn prepare_cached(self) -> Cached<Self> {
        Cached(self)
    }
}

impl<Q: QueryFragment<MultiBackend>> PrepareCached for Q {}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Cached<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    /// The cache's key is the whole text, so that this decides on its size, and
    /// never on which statement is found.
    fn is_safe_to_cache_prepared(&self, _: &MultiBackend) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Cached<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Cached<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<Conn> for Cached<Q> {}

impl<Q: QueryFragment<MultiBackend>> Cached<Q> {
    /// Executes a change that returns no rows. Diesel's `execute` would take a
    /// reference to the inner change, which is not marked as cacheable.
    ///
    /// # Errors
    /// When the database fails.
    pub fn execute(self, conn: &mut Conn) -> QueryResult<()> {
        conn.load(WithoutRows(self))?.try_for_each(|row| row.map(drop))
    }
}

/// A cached change that returns no rows.
struct WithoutRows<Q>(Cached<Q>);

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for WithoutRows<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &MultiBackend) -> QueryResult<bool> {
        self.0.is_safe_to_cache_prepared(backend)
    }
}

impl<Q> QueryId for WithoutRows<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for WithoutRows<Q> {
    type SqlType = Untyped;
}
