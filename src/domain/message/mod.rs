//! Messages: an SMS to one recipient, from its acceptance to its final status.
//! The table `messages` is the queue too.

mod acceptance;
mod carrier_message_id;
mod count;
mod error;
mod filter;
pub mod gsm7;
mod history;
pub mod idempotency;
mod lifecycle;
mod list;
mod outcome;
pub mod phone_number;
mod queue;
mod receipt;
mod record;
mod retention;
mod search;
mod segment;
pub mod sender;
pub mod sms_text;
mod sweep;
mod view;

pub use acceptance::{Accepted, MAX_RECIPIENTS, MessageDraft, MessageOrigin, accept, cost};
pub use carrier_message_id::CarrierMessageId;
pub use count::{MAX_COUNT, causes, count, waiting_for_carrier};
pub use error::MessageError;
pub use filter::MessageFilter;
pub use history::{MessageEvent, MessageEventId, history};
pub use lifecycle::StatusChange;
pub use list::{MESSAGES_PER_PAGE, MessageEntry, MessageList, find, list, list_many, list_newer};
pub use outcome::{CarrierRejection, SegmentOutcome, settle, settle_late};
pub use queue::{LEASE_SECONDS, Lease, QueueFigures, is_due, lease, queue_figures};
pub use receipt::{DeliveryReceipt, ReceiptState, delete_unmatched_receipts, match_receipts, receive};
pub use record::{Message, MessageId, MessageStatus, VALIDITY_SECONDS};
pub use retention::{RetentionStep, remove_contents};
pub use search::{MAX_SEARCH_CHARS, MessageSearch};
pub use segment::{MessageSegment, SegmentStatus, carrier_ids_awaiting_receipt, segments};
pub use sweep::{correct_due_times, end_overdue, needs_sweep, settle_expired_leases};
pub use view::MessageView;
