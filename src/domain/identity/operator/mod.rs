//! Operators: the people who log in to the dashboard.

mod access_end;
mod creation;
mod guard;
mod known_keys;
mod login;
mod member;
mod new_password;
mod record;
mod removal;
mod role_change;
mod second_factor_reset;
mod status;

pub use creation::{NewOperator, create, id_for, join};
pub use guard::{acting_operator, lock_people, require_no_other_account};
pub use known_keys::{KnownKey, known_keys};
pub use login::{confirmed_password, ended_other_sessions, ended_session, logged_in, logged_out};
pub use member::{Member, find_member, list_members};
pub use new_password::set_password;
pub use record::{
    Operator, OperatorId, count, exists, find, find_by_email, normalize_email, parse_email, parse_name, rename,
};
pub use removal::{remove, removed_name};
pub use role_change::change_role;
pub use second_factor_reset::reset_second_factor;
pub use status::{disable, enable};
