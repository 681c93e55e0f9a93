//! Keyfob below a path of its host: the first minutes, with scripts and without.

use crate::dashboard::{Dashboard, FIRST_ROW, NAME, PASSWORD, REVEALED_KEY, SWITCH, TOAST};
use crate::webdriver::Options;

#[track_caller]
fn set_up(options: Options) -> Dashboard {
    let dashboard = Dashboard::below("/keyfob", options);
    dashboard.open("");
    assert_eq!(dashboard.path(), "/keyfob/setup");
    dashboard.fill_in_setup(&dashboard.keyfob.setup_code);
    dashboard.follow("Create operator");
    assert_eq!(dashboard.path(), "/keyfob/api-keys");
    dashboard
}

#[track_caller]
fn leave_and_come_back(dashboard: &Dashboard) {
    dashboard.follow("Log out");
    dashboard.wait_for_text("[role=status]", "You are logged out.");
    dashboard.open("/settings");
    assert_eq!(dashboard.path(), "/keyfob/login?next=/settings");
    dashboard.log_in(PASSWORD);
    dashboard.wait_for_text("h1", "Settings");
    assert_eq!(dashboard.path(), "/keyfob/settings");
}

#[test]
fn a_key_is_made_in_the_pop_up_and_switched_below_a_path() {
    let dashboard = set_up(Options::default());
    let key = dashboard.create_key("Project X");
    assert_eq!(dashboard.path(), "/keyfob/api-keys");
    dashboard.switch("Disabled");
    assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
    dashboard.wait_for_text(TOAST, "“Project X” is disabled.");
    dashboard.find(&format!("{TOAST} button")).click();
    dashboard.wait_for_text(FIRST_ROW, "Enabled");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");

    dashboard.open("/api-keys?service=sms");
    dashboard.follow("Project X");
    dashboard.find("[data-back]").click();
    dashboard.wait_until("the list", || dashboard.path() == "/keyfob/api-keys?service=sms");
    leave_and_come_back(&dashboard);
    let messages = dashboard.console_messages();
    assert!(messages.is_empty(), "{messages:?}");
}

#[test]
fn a_key_is_made_on_a_page_and_switched_with_a_form_below_a_path() {
    let dashboard = set_up(Options { javascript: false, ..Options::default() });
    dashboard.follow("+ New API Key");
    assert_eq!(dashboard.path(), "/keyfob/api-keys/new?service=sms");
    dashboard.fill_in(NAME, "Project X");
    dashboard.follow("Create");
    let key = dashboard.wait_for(REVEALED_KEY).text();
    dashboard.submit(SWITCH);
    dashboard.wait_for_text(TOAST, "“Project X” is disabled.");
    assert_eq!(dashboard.path(), "/keyfob/api-keys");
    assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
    dashboard.submit(SWITCH);
    dashboard.wait_for_text(TOAST, "“Project X” is enabled.");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
    leave_and_come_back(&dashboard);
}
