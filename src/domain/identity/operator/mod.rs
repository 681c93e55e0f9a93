//! Operators: the people who log in to the dashboard.

mod creation;
mod login;
mod new_password;
mod record;

pub use creation::{NewOperator, create};
pub use login::{confirmed_password, ended_other_sessions, ended_session, logged_in, logged_out};
pub use new_password::set_password;
pub use record::{Operator, OperatorId, exists, find, find_by_email, normalize_email, parse_email, parse_name, rename};
