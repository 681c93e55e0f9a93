//! Actions of people on keys, one or many at once. Each remembers what the keys were
//! before, so that it can be undone for some minutes.

mod items;
mod locked_keys;
mod plan;
mod pruning;
mod record;
mod report;
mod single;
mod start;
mod step;
mod undo;

pub use plan::{Plan, Selection};
pub use pruning::{needs_pruning, prune};
pub use record::{KeyAction, KeyActionId, KeyActionKind, KeyActionState, MAX_KEYS_OF_ACTION, Outcome, UNDO_SECONDS};
pub use report::{LeftItem, OutcomeCounts, UndoableAction, counts, find, left_items, undoable_of_key};
pub use single::recorded;
pub use start::{NewKeyAction, start};
pub use step::{resume, step};
pub use undo::{UndoStart, begin_undo};
