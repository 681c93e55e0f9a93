//! Keyfob by its name in a local network, on plain http, where browsers give pages no clipboard.

use crate::dashboard::{Dashboard, NAME, PASSWORD, POP_UP, REVEALED_KEY, SWITCH};

const HOST: &str = "keyfob.lan";

#[test]
fn an_operator_can_log_out_and_in_on_plain_http() {
    let dashboard = Dashboard::in_the_local_network(HOST);
    dashboard.follow("Log out");
    dashboard.wait_for_text("[role=status]", "You are logged out.");
    dashboard.log_in(PASSWORD);
    dashboard.wait_for_text("h1", "API Keys");

    let ignored = |message: &String| message.contains("Cross-Origin-Opener-Policy");
    assert_eq!(dashboard.console_messages().into_iter().find(ignored), None, "a header that browsers ignore is sent");
}

#[test]
fn the_key_can_be_copied_where_pages_have_no_clipboard() {
    let dashboard = Dashboard::in_the_local_network(HOST);
    assert!(dashboard.url().starts_with("http://keyfob.lan:"));
    assert_eq!(dashboard.run("typeof navigator.clipboard", &[]), "undefined");
    let key = dashboard.create_key("Project X");
    dashboard.click("Copy key");
    dashboard.wait_for_text(".reveal button", "Copied");

    dashboard.open_pop_up();
    dashboard.find(NAME).click();
    dashboard.press("Ctrl+V");
    assert_eq!(dashboard.value(NAME), key);
    dashboard.press("Escape");
    dashboard.wait_gone(POP_UP);
    dashboard.find(SWITCH).click();
    dashboard.wait_for_text(".api-key", "Disabled");
}

#[test]
fn a_key_that_cannot_be_copied_is_selected_and_the_page_says_so() {
    let dashboard = Dashboard::in_the_local_network(HOST);
    let key = dashboard.create_key("Project X");
    dashboard.execute("document.execCommand = () => false", &[]);
    dashboard.click("Copy key");
    dashboard.wait_for_text(".reveal [role=alert]", "Could not copy. The key is selected: press Ctrl+C");
    assert!(!dashboard.sees(".reveal button", "Copied"));
    assert_eq!(dashboard.selection(), key);
    assert_eq!(dashboard.find(REVEALED_KEY).text(), key);
}
