//! Credits: the balance and its ledger.

pub mod ledger;
pub mod ledger_row;
