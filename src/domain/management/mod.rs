//! Management keys: keys of the service `keyfob`, by which programs manage the keys of
//! other services. Each has scopes, and bounds that no scope widens.

mod change;
mod creation;
mod remit;
mod scope;
mod work;

pub use change::{KeyChanges, VersionCondition, change};
pub use creation::{ManagedCreation, MintedKey, create};
pub use remit::KeyRemit;
pub use scope::ManagementScope;
pub use work::{delete, end_previous_secret, extend_previous_secret, restore, rotate, set_status};

/// The slug of the service of management keys, and the prefix of their secrets. Nobody
/// else's service has it.
pub const SERVICE: &str = "keyfob";
/// The service's name on screen.
pub const SERVICE_NAME: &str = "Management";
/// How long a new management key works when nobody chose, in days; the installation's maximum wins.
pub const DEFAULT_LIFETIME_DAYS: i64 = 90;
