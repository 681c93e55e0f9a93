//! Keyfob in a real browser: every test starts the real program and drives Chromium.
#![expect(clippy::panic, reason = "what does not do as expected fails the test")]

mod base_path;
mod browsers;
mod bulk;
mod dashboard;
mod guide;
mod handover;
mod keyboard;
mod keyfob;
mod local_network;
mod looks;
mod messages;
mod more_options;
mod people;
mod phone;
mod roles;
mod rotation;
mod rules;
mod second_factor;
mod sessions;
mod trash;
mod trouble;
mod webdriver;
mod without_javascript;
