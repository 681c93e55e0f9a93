//! HTTP in, HTML or JSON out: handlers translate, the domain decides. No SQL
//! and no rules here.

pub mod api;
pub mod assets;
pub mod errors;
pub mod headers;
pub mod htmx;
pub mod next_path;
pub mod origin;
pub mod pages;
pub mod request_id;
pub mod session;
pub mod state;
pub mod view;

pub use state::State;
