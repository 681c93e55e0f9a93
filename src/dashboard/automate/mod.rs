//! Automate: management keys, and what a program does with one.

mod form;
pub mod new;
pub mod page;
pub mod paths;
mod row;
