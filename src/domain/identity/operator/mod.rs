//! Operators: the people who log in to the dashboard.

mod creation;
mod new_password;
mod record;

pub use creation::{NewOperator, create};
pub use new_password::set_password;
pub use record::{
    Operator, OperatorId, exists, find, find_by_email, logged_in, logged_out, normalize_email, parse_email, parse_name,
    rename,
};
