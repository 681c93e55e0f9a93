//! Refuses a database that another tool has filled with digests which are not what Keyfob
//! looks for: no key would be found in it.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::Conn;

#[derive(QueryableByName)]
struct WrongDigests {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Two rows, found by the index however many keys there are. A tool that gets digests wrong
/// gets them all wrong; and on SQLite those that became text sort before all others.
const ENDS: &str = "SELECT count(*) AS number FROM ( \
    SELECT digest FROM (SELECT digest FROM key_secrets ORDER BY digest LIMIT 1) lowest UNION ALL \
    SELECT digest FROM (SELECT digest FROM key_secrets ORDER BY digest DESC LIMIT 1) highest \
    ) ends WHERE length(digest) <> 32";

/// Looks at the digests of keys.
///
/// # Errors
/// One sentence when they are wrong.
pub(super) fn check(conn: &mut Conn) -> anyhow::Result<()> {
    let wrong: WrongDigests = diesel::sql_query(ENDS).get_result(conn)?;
    anyhow::ensure!(
        wrong.number == 0,
        "the digests of its keys are not 32 bytes long, as if another tool had filled it, and no key would be found; \
         make it again from the database that it was filled from, with `keyfob copy --to`"
    );
    Ok(())
}
