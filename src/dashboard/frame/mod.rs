//! What the pages share: layout, sessions, htmx, errors as pages.

pub mod addresses;
pub mod ago;
pub mod chart;
mod chart_axis;
mod chart_series;
pub mod chart_time;
pub mod error_page;
pub mod form;
pub mod htmx;
pub mod installation;
pub mod layout;
pub mod list_query;
pub mod login_notice;
pub mod next_path;
pub mod position;
pub mod program;
pub mod request_origin;
pub mod session;
pub mod session_cookie;
pub mod session_store;
pub mod sparkline;
pub mod toast;
pub mod trusted_browser;
mod when;
