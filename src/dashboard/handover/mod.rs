//! The pages of a link that shows a key once. Nobody has to log in for them.

pub mod link;
