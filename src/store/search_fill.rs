//! Writes the columns by which keys are searched and sorted, of keys that were made before
//! there were such columns. Part of a migration, so that it has tables of its own: later
//! changes of the schema don't change what an old database gets.

use diesel::prelude::*;

use super::Conn;
use crate::folded_text::search_columns;

/// So many keys are in memory at once.
const BATCH: i64 = 1_000;

mod before {
    diesel::table! {
        api_keys (id) {
            id -> Text,
            name -> Text,
            description -> Text,
            sort_name -> Text,
            search -> Text,
        }
    }
}
use before::api_keys;

/// Fills what is empty.
pub(super) fn fill(conn: &mut Conn) -> QueryResult<()> {
    let mut last = String::new();
    loop {
        let batch: Vec<(String, String, String)> = api_keys::table
            .filter(api_keys::id.gt(&last))
            .filter(api_keys::search.eq(""))
            .order(api_keys::id)
            .limit(BATCH)
            .select((api_keys::id, api_keys::name, api_keys::description))
            .load(conn)?;
        let Some((id, ..)) = batch.last() else { return Ok(()) };
        last.clone_from(id);
        for (id, name, description) in batch {
            let (sort_name, search) = search_columns(&name, &description, None);
            let set = (api_keys::sort_name.eq(sort_name), api_keys::search.eq(search));
            diesel::update(api_keys::table.find(id)).set(set).execute(conn)?;
        }
    }
}
