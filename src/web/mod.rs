//! HTTP in, HTML or JSON out: handlers translate, the domain decides. No SQL
//! and no rules here.

pub mod ago;
pub mod amount;
pub mod api;
pub mod assets;
pub mod base_url;
pub mod client_address;
pub mod connections;
pub mod errors;
pub mod front;
pub mod head;
pub mod headers;
pub mod htmx;
pub mod known_browser;
pub mod next_path;
pub mod origin;
pub mod pages;
pub mod panics;
pub mod request_id;
pub mod session;
pub mod state;
pub mod view;

pub use state::State;
