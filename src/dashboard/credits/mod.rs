//! Credits: the balance, what was spent, and the ledger.

pub mod correction;
mod forms;
pub mod ledger;
mod ledger_row;
mod outlook;
mod page;
