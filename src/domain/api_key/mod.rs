//! API keys. An [`ApiKey`] is the record that operators manage; the string that
//! programs authenticate with is a [`KeySecret`](secret::KeySecret), of which the
//! database stores a digest.

mod allowed_ips;
mod creation;
mod default_sender;
pub mod deletion;
mod ending;
mod entry;
mod expiry;
mod identification;
mod label;
mod last_use;
mod lifetime_settings;
mod list;
mod listing;
mod record;
mod replaced_secret;
pub mod rotation;
mod rules;
mod scope_removal;
mod scopes;
pub mod secret;
pub mod secret_scan;
mod status;
mod stored_secret;
pub mod usage;
mod usage_batch;
pub mod usage_history;
mod view;

pub use allowed_ips::AllowedIps;
pub use creation::{Creation, NewApiKey, create};
pub use default_sender::{default_sender, set_default_sender};
pub use ending::{EndingKeys, MAX_SHORTENED_AT_ONCE, Shortening, ending, shorten};
pub use entry::ApiKeyEntry;
pub use expiry::{Expiry, Lifetimes, days_after};
pub use identification::{IdentifiedSecret, identified, identify};
pub use label::{Label, relabel};
pub use lifetime_settings::save_lifetimes;
pub use list::{
    ApiKeyName, KEYS_PER_PAGE, KeyCursor, KeyPage, account_of, count, find, find_by_digest, find_locked, list,
    list_newer, names,
};
pub use listing::{KeyFilter, list_filtered};
pub use record::{ApiKey, ApiKeyId, KeyStatus, StatusReason};
pub use replaced_secret::ReplacedSecret;
pub use rules::{AllowedIpsChange, KeyRules, change_allowed_ips, set_expiry, set_scopes};
pub use scope_removal::count_with_scope;
pub(super) use scope_removal::{lock_with_scope, take_scope_from_all};
pub use scopes::{MAX_SCOPES, Scopes, is_scope};
pub use status::{StatusRequest, count_enabled, disable_all, set_status};
pub use stored_secret::{KeySecretId, SecretOrigin, StoredSecret};
pub use view::{KeyView, NewSecretView};
