//! Credits: the price of messages, one per segment. Every change of a balance
//! is an entry of the ledger, so the balance is the sum of the ledger.

mod balance;
mod correction;
mod entry;
mod forecast;
mod ledger;
mod spending;
mod top_up;

pub use balance::{DEFAULT_OPENING_CREDITS, balance, balances, charge, lock, open_accounts, refund, refunded};
pub use correction::{Correction, correct};
pub use entry::{LedgerEntry, LedgerEntryId, Reason};
pub use forecast::{Forecast, forecast};
pub use ledger::{ENTRIES_PER_PAGE, LedgerCursor, LedgerLine, LedgerPage, count_entries, ledger, ledger_newer};
pub use spending::{Spender, Spending, spending, spent_today, top_ups};
pub use top_up::{Addition, MAX_TOP_UP, TopUp, add};
