//! What the pages share: layout, sessions, htmx, errors as pages.

pub mod ago;
pub mod error_page;
pub mod form;
pub mod htmx;
pub mod layout;
pub mod list_query;
pub mod next_path;
pub mod position;
pub mod request_origin;
pub mod session;
pub mod toast;
pub mod trusted_browser;
