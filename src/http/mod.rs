//! What `api` and `dashboard` have in common: the state of the process, errors
//! as HTTP responses, headers, and the address of the client.

pub mod assets;
pub mod base_path;
pub mod base_url;
pub mod client_address;
pub mod early_refusal;
pub mod enter_base_path;
pub mod error_description;
pub mod head;
pub mod link_token;
pub mod own_cookies;
pub mod panics;
pub mod problem;
pub mod public_url;
pub mod request_id;
pub mod same_origin;
pub mod security_headers;
pub mod state;
pub mod whole_body;

pub use state::State;
