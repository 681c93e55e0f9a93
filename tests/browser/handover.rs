//! A key that is handed over by a link, from the click of the operator to the screen of whoever opens it.

use crate::dashboard::{Dashboard, FIRST_ROW, NAME, REVEAL, REVEALED_KEY, TOAST};
use crate::webdriver::Options;

const LINK: &str = "[id^=handover-link-]";
const KEY: &str = "#key-secret";

#[test]
fn a_link_takes_the_place_of_the_key_and_shows_it_once() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.grant_clipboard();
    let key = dashboard.create_key("Project X");

    dashboard.click("Hand over…");
    let link = dashboard.wait_for(&format!("{REVEAL} {LINK}")).text();

    assert!(!dashboard.source().contains(&key), "the key is still in the page");
    dashboard.wait_for_text(TOAST, "Success. Link for “Project X” made.");
    assert!(dashboard.has_focus(".reveal [data-copy]"), "the next step is to copy the link");
    dashboard.press("Enter");
    dashboard.wait_for_text(".reveal button", "Copied");
    assert_eq!(dashboard.clipboard_text(), link);
    dashboard.click("Done");
    dashboard.wait_gone(REVEAL);
    assert!(!dashboard.source().contains(&link));
    assert_shows_once(&dashboard, &link, &key);

    dashboard.open("/api-keys");
    dashboard.follow("Project X");
    dashboard.wait_for_text("[aria-labelledby=key-handover]", "Opened just now from 127.0.0.1 with Mozilla");
}

#[test]
fn without_scripts_the_link_is_on_a_page_of_its_own_and_can_be_withdrawn() {
    let dashboard = Dashboard::signed_in(Options { javascript: false, ..Options::default() });
    dashboard.follow("+ New API Key");
    dashboard.fill_in(NAME, "Project X");
    dashboard.follow("Create");
    let key = dashboard.wait_for(REVEALED_KEY).text();

    dashboard.follow("Hand over…");
    dashboard.wait_for_text("h1", "Link for Project X");
    let first = dashboard.find(LINK).text();
    // The same form once more, as an impatient click sends it.
    dashboard.reload();
    let link = dashboard.wait_for(LINK).text();

    dashboard.goto(&first);
    dashboard.wait_for_text("h1", "This link has ended");
    assert_shows_once(&dashboard, &link, &key);

    dashboard.open("/api-keys");
    dashboard.follow("+ New API Key");
    dashboard.fill_in(NAME, "Project Y");
    dashboard.follow("Create");
    dashboard.follow("Hand over…");
    let link = dashboard.wait_for(LINK).text();
    dashboard.follow("Done");
    dashboard.follow("Withdraw link");
    dashboard.wait_for_text(TOAST, "Success. Link for “Project Y” withdrawn.");
    dashboard.goto(&link);
    dashboard.wait_for_text("h1", "This link has ended");
}

#[test]
fn a_link_shows_its_key_on_plain_http_under_a_name_of_the_local_network() {
    let dashboard = Dashboard::in_the_local_network("keyfob.lan");
    let key = dashboard.create_key("Project X");
    dashboard.click("Hand over…");
    let link = dashboard.wait_for(&format!("{REVEAL} {LINK}")).text();
    assert!(link.starts_with("http://keyfob.lan:"), "{link}");
    assert_shows_once(&dashboard, &link, &key);
}

#[test]
fn a_key_that_was_switched_off_meanwhile_stays_on_screen_and_is_not_handed_over() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    dashboard.switch("Disabled");

    dashboard.click("Hand over…");

    dashboard.wait_for_text(TOAST, "No link was made.");
    assert_eq!(dashboard.revealed_key(), key);
    assert!(dashboard.sees(&format!("{FIRST_ROW} + .reveal"), "Copy this key now."));
}

/// Neither loading a page again nor going back shows the key a second time.
#[track_caller]
fn assert_shows_once(dashboard: &Dashboard, link: &str, key: &str) {
    dashboard.goto(link);
    dashboard.wait_for_text("h1", "A key for you");
    assert!(!dashboard.source().contains(key));
    dashboard.follow("Show the key");
    dashboard.wait_for_text("h1", "Your key");
    dashboard.wait_for_calm();
    assert_eq!(dashboard.find(KEY).text(), key);
    assert_eq!(dashboard.keyfob.verdict(key), "VALID");

    dashboard.reload();
    dashboard.wait_for_text("h1", "This link has ended");
    dashboard.goto(link);
    dashboard.wait_for_text("h1", "This link has ended");
    dashboard.back();
    assert!(!dashboard.source().contains(key));
}
