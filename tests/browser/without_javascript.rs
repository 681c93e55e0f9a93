//! The guide where scripts are off: links, forms and whole pages.

use crate::dashboard::{DESCRIPTION, Dashboard, FIRST_ROW, NAME, PASSWORD, REVEALED_KEY, SWITCH, TOAST, assert_is_key};
use crate::webdriver::Options;

#[test]
fn a_key_is_made_on_a_page_of_its_own_and_switched_with_a_form() {
    let dashboard = without_javascript();
    dashboard.follow("+ New API Key");
    assert_eq!(dashboard.path(), "/api-keys/new?service=sms");
    assert_eq!(dashboard.texts("h1"), ["New API Key for SMS Service"]);
    dashboard.follow("Cancel");
    dashboard.wait_for_text("h1", "API Keys");

    let key = create_key(&dashboard, "Project X");
    assert_is_key(&key);
    dashboard.wait_for_text(TOAST, "Success. Key “Project X” created.");
    assert!(dashboard.sees(&format!("{FIRST_ROW} + .reveal"), &key), "the reveal is not below its row");
    assert!(!dashboard.sees(".reveal [data-copy]", ""), "buttons that need a script are hidden");
    dashboard.find(REVEALED_KEY).click();
    assert_eq!(dashboard.selection(), key, "one click selects the whole key");

    dashboard.submit(SWITCH);
    dashboard.wait_for_text(TOAST, "“Project X” is disabled.");
    assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
    assert!(!dashboard.source().contains(&key));
    dashboard.submit(SWITCH);
    dashboard.wait_for_text(TOAST, "“Project X” is enabled.");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
}

#[test]
fn loading_the_answer_again_makes_no_second_key_and_shows_no_key() {
    let dashboard = without_javascript();
    let key = create_key(&dashboard, "Project X");
    dashboard.reload();
    dashboard.wait_for_text(TOAST, "This form was already sent");
    assert_eq!(dashboard.path(), "/api-keys");
    assert_eq!(dashboard.find_all(".api-key").len(), 1);
    assert!(!dashboard.source().contains(&key));
}

#[test]
fn the_form_that_was_sent_makes_no_second_key_when_it_is_sent_again() {
    let dashboard = without_javascript();
    create_key(&dashboard, "Project X");
    dashboard.back();
    dashboard.follow("Create");
    dashboard.wait_for_text(TOAST, "This form was already sent");
    assert_eq!(dashboard.find_all(".api-key").len(), 1);
}

#[test]
fn a_page_with_a_mistake_keeps_what_was_typed() {
    let dashboard = without_javascript();
    dashboard.open("/api-keys/new?service=sms");
    dashboard.fill_in(NAME, "   ");
    dashboard.fill_in(DESCRIPTION, "Sends the parcel notices");
    dashboard.follow("Create");
    dashboard.wait_for_text("#api-key-name-error", "Key Name is required.");
    assert!(dashboard.has_focus(NAME));
    assert_eq!(dashboard.value(DESCRIPTION), "Sends the parcel notices");
    dashboard.fill_in(NAME, "Project X");
    dashboard.follow("Create");
    dashboard.wait_for_text(FIRST_ROW, "Sends the parcel notices");
}

#[test]
fn more_options_open_at_a_mistake_in_them_and_each_end_says_its_day() {
    let dashboard = without_javascript();
    dashboard.open("/api-keys/new?service=sms");
    assert!(!dashboard.find("#api-key-ends").is_displayed());
    dashboard.find("summary").click();
    let ends = dashboard.texts("#api-key-ends option");
    assert!(ends.iter().filter(|end| end.contains("(until ")).count() == 5, "{ends:?}");
    assert!(!dashboard.find("#api-key-ends-day").is_displayed());
    dashboard.find("#api-key-ends option[value=date]").click();
    assert!(dashboard.find("#api-key-ends-day").is_displayed());
    dashboard.fill_in(NAME, "Project X");
    dashboard.follow("Create");

    dashboard.wait_for_text("#api-key-ends-error", "Choose the day on which the key ends.");
    assert!(dashboard.find("#api-key-ends").is_displayed());
    assert!(dashboard.has_focus("#api-key-ends"));
    dashboard.find("#api-key-ends option:nth-of-type(2)").click();
    dashboard.follow("Create");
    dashboard.wait_for_text(FIRST_ROW, "Expires in 7 days");
}

#[test]
fn what_was_typed_outlives_a_session_that_ended_meanwhile() {
    let dashboard = without_javascript();
    dashboard.open("/api-keys/new?service=sms");
    let form = dashboard.current_tab();
    dashboard.new_tab();
    dashboard.open("/api-keys");
    dashboard.follow("Log out");

    dashboard.switch_to(&form);
    dashboard.fill_in(NAME, "Project X");
    dashboard.fill_in(DESCRIPTION, "Sends the parcel notices");
    dashboard.follow("Create");
    dashboard.wait_for_text("[role=status]", "What you typed is kept.");
    dashboard.log_in("a wrong password");
    dashboard.wait_for_text("[role=alert]", "Wrong email or password.");
    dashboard.log_in(PASSWORD);
    dashboard.wait_for_text("h1", "New API Key for SMS Service");
    assert_eq!(dashboard.value(NAME), "Project X");
    assert_eq!(dashboard.value(DESCRIPTION), "Sends the parcel notices");
    dashboard.follow("Create");
    dashboard.wait_for_text(FIRST_ROW, "Project X");
}

#[test]
fn the_filter_has_a_button() {
    let dashboard = without_javascript();
    dashboard.follow("Show");
    assert_eq!(dashboard.path(), "/api-keys?service=");
    dashboard.wait_for_text("h1", "API Keys");
}

#[track_caller]
fn without_javascript() -> Dashboard {
    Dashboard::signed_in(Options { javascript: false, ..Options::default() })
}

/// Makes a key and gives the key that is shown.
#[track_caller]
fn create_key(dashboard: &Dashboard, name: &str) -> String {
    dashboard.follow("+ New API Key");
    dashboard.fill_in(NAME, name);
    dashboard.follow("Create");
    dashboard.wait_for(REVEALED_KEY).text()
}
