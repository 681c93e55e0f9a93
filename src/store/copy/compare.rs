//! What is compared before a copy is kept: the rows of each table, and the ledger of each account.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::super::Conn;
use super::super::catalog;
use super::source::Source;
use super::tables::CopiedTable;

/// What was put into an account, less what was taken from it, and what it has.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct AccountLedger {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = BigInt)]
    entered: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
}

/// An account whose ledger does not add up to its balance.
#[derive(Debug)]
pub struct UnbalancedAccount {
    /// The account's id.
    pub account: String,
    /// The sum of its ledger.
    pub entered: i64,
    /// Its balance.
    pub credits: i64,
}

const LEDGERS: &str = "SELECT id AS account, \
    CAST(coalesce((SELECT sum(amount) FROM ledger_entries WHERE account_id = accounts.id), 0) AS BIGINT) AS entered, \
    coalesce((SELECT credits FROM credit_balances WHERE account_id = accounts.id), 0) AS credits \
    FROM accounts ORDER BY id";

fn ledgers(conn: &mut Conn) -> QueryResult<Vec<AccountLedger>> {
    diesel::sql_query(LEDGERS).load(conn)
}

/// Compares both databases. Returns the rows of each table in the order of `tables`, and the
/// accounts whose ledger adds up in neither.
///
/// # Errors
/// What differs, in one sentence.
pub(super) fn compare(
    source: &mut Source,
    target: &mut Conn,
    tables: &[CopiedTable],
) -> anyhow::Result<(Vec<i64>, Vec<UnbalancedAccount>)> {
    let mut counts = Vec::new();
    for table in tables {
        let (there, here) = (source.count(table)?, catalog::count(target, &table.name)?);
        anyhow::ensure!(there == here, "of {there} rows of {} only {here} were copied", table.name);
        counts.push(here);
    }
    let ledgers_here = ledgers(target)?;
    for (there, here) in ledgers(&mut source.conn)?.iter().zip(&ledgers_here) {
        anyhow::ensure!(there == here, "the ledger of the account {} is another one in the copy", there.account);
    }
    let unbalanced = ledgers_here.into_iter().filter(|ledger| ledger.entered != ledger.credits);
    let unbalanced =
        unbalanced.map(|AccountLedger { account, entered, credits }| UnbalancedAccount { account, entered, credits });
    Ok((counts, unbalanced.collect()))
}
