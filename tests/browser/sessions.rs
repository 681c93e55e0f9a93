//! The password once more, where the login is too long ago: asked for from a pop-up, from a link and
//! from a form, and back again with what was typed.

use crate::dashboard::{Dashboard, PASSWORD, POP_UP, TOAST};
use crate::webdriver::Options;

const CONFIRMATION: &str = "/login/confirmation?next=/settings/instance";

/// The settings of an installation with a key that lasts longer than the maximum, by somebody who
/// logged in long ago.
fn late(options: Options) -> Dashboard {
    let dashboard = Dashboard::signed_in(options);
    dashboard.open("/api-keys/new?service=sms");
    dashboard.fill_in(crate::dashboard::NAME, "Project X");
    dashboard.follow("Create");
    dashboard.open("/settings/instance");
    dashboard.fill_in("#max-lifetime", "30");
    dashboard.follow("Save lifetimes");
    dashboard.wait_for_text("#shortening", "1 key ends later");
    dashboard.keyfob.let_logins_grow_old();
    dashboard
}

fn confirm(dashboard: &Dashboard) {
    dashboard.wait_for_text("h1", "Confirm that it is you");
    assert!(dashboard.has_focus("#password"));
    dashboard.fill_in("#password", PASSWORD);
    dashboard.follow("Continue");
}

#[test]
fn a_pop_up_leads_to_the_confirmation_and_back_to_its_page() {
    let dashboard = late(Options::default());

    dashboard.click("Shorten 1 key…");
    dashboard.wait_for_text("h1", "Confirm that it is you");
    assert_eq!(dashboard.path(), CONFIRMATION);
    confirm(&dashboard);

    assert_eq!(dashboard.path(), "/settings/instance");
    dashboard.wait_for_calm();
    dashboard.click("Shorten 1 key…");
    dashboard.wait_for_text(POP_UP, "Shorten 1 key?");
}

#[test]
fn without_scripts_a_link_leads_to_the_confirmation_and_back() {
    let dashboard = late(Options { javascript: false, ..Options::default() });

    dashboard.follow("Shorten 1 key…");
    confirm(&dashboard);

    assert_eq!(dashboard.path(), "/settings/instance/shortening");
    dashboard.follow("Shorten 1 key");
    dashboard.wait_for_text(TOAST, "Success. 1 key shortened.");
}

#[test]
fn a_form_that_is_sent_too_late_keeps_what_was_typed() {
    for javascript in [true, false] {
        let dashboard = late(Options { javascript, ..Options::default() });

        dashboard.open("/login/confirmation?next=/settings/instance");
        confirm(&dashboard);
        dashboard.keyfob.let_logins_grow_old();
        dashboard.fill_in("#instance-name", "Acme & Sons");
        dashboard.follow("Save name");
        dashboard.wait_for_text(".lead", "What you typed is kept.");
        dashboard.fill_in("#password", "a wrong password");
        dashboard.follow("Continue");
        dashboard.wait_for_text("#password-error", "This is not your password.");
        confirm(&dashboard);

        assert_eq!(dashboard.value("#instance-name"), "Acme & Sons");
        dashboard.follow("Save name");
        dashboard.wait_for_text(".sidebar .brand", "Acme & Sons");
    }
}
