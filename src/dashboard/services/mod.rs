//! Services: the list, and the page of one.

pub mod list;
pub mod option;
pub mod paths;
pub mod show;
