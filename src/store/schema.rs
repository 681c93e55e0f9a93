//! The tables as Diesel sees them, the same on both databases.

#![expect(missing_docs, reason = "the macro writes the items")]

mod actions;
mod counts;
mod handovers;
mod keys;
mod leaks;
mod limits;
mod links;
mod notices;
mod people;
mod refusals;
mod second_factor;
mod sms;

use diesel::{allow_tables_to_appear_in_same_query, joinable};

pub use actions::{key_action_items, key_actions};
pub use counts::{carrier_counts, credit_spending, message_count_changes, message_counts};
pub use handovers::key_handovers;
pub use keys::{
    api_key_changes, api_key_deletions, api_keys, key_last_uses, key_secret_usages, key_secrets, key_use_counting,
    key_uses_by_day, key_uses_by_hour, management_bounds, revisions, service_scopes, services,
};
pub use leaks::leak_reports;
pub use limits::{guard_counts, guards};
pub use links::{invitations, password_links};
pub use notices::login_notices;
pub use people::{accounts, audit_events, memberships, operator_passwords, operators, sessions, settings};
pub use refusals::{key_refusals, refusal_counts, unknown_keys};
pub use second_factor::{recovery_codes, second_factors};
pub use sms::{
    api_key_callbacks, callback_deliveries, credit_balances, idempotency_records, ledger_entries, message_events,
    message_segments, messages, previous_callback_secrets, waiting_receipts,
};

joinable!(operator_passwords -> operators (operator_id));
joinable!(memberships -> operators (operator_id));
joinable!(memberships -> accounts (account_id));
joinable!(api_keys -> accounts (account_id));
joinable!(api_keys -> services (service));
joinable!(key_secrets -> api_keys (api_key_id));
joinable!(management_bounds -> api_keys (api_key_id));
joinable!(key_secret_usages -> key_secrets (key_secret_id));
joinable!(key_last_uses -> api_keys (api_key_id));
joinable!(leak_reports -> api_keys (api_key_id));
joinable!(key_action_items -> key_actions (action_id));
joinable!(key_handovers -> api_keys (api_key_id));
joinable!(key_refusals -> api_keys (api_key_id));
joinable!(sessions -> operators (operator_id));
joinable!(invitations -> operators (created_by));
joinable!(password_links -> operators (operator_id));
joinable!(ledger_entries -> operators (created_by));
joinable!(messages -> api_keys (api_key_id));
joinable!(guards -> api_keys (api_key_id));
joinable!(guard_counts -> guards (holder));
joinable!(message_segments -> messages (message_id));
allow_tables_to_appear_in_same_query! {
    accounts, operators, operator_passwords, memberships, services,
    api_keys, key_secrets, key_secret_usages, key_handovers, key_last_uses, key_refusals, leak_reports, revisions, sessions,
    credit_balances, ledger_entries, messages, message_segments, invitations, password_links,
    audit_events, callback_deliveries, key_actions, key_action_items, guards, guard_counts,
}
