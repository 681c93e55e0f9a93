//! Rotating a key: two clicks from the list to the new secret.

use crate::dashboard::{Dashboard, NAME, POP_UP, REVEALED_KEY, TOAST, assert_is_key};
use crate::webdriver::Options;

const VERDICT: &str = ".secrets__verdict";

#[test]
fn two_clicks_lead_from_the_list_to_the_new_secret() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.grant_clipboard();
    let old = dashboard.create_key("Project X");
    dashboard.open("/api-keys");

    dashboard.click("Rotate Project X");
    dashboard.wait_for(POP_UP);
    dashboard.wait_for_calm();
    assert!(dashboard.has_focus("[name=grace][value='86400']"), "24 hours are preselected");
    dashboard.follow("Rotate");

    let new = dashboard.revealed_key();
    assert_is_key(&new);
    assert_ne!(new, old);
    assert!(dashboard.has_focus(".reveal [data-copy]"), "the next step is to copy the key");
    dashboard.press("Enter");
    dashboard.wait_for_text(".reveal button", "Copied");
    assert_eq!(dashboard.clipboard_text(), new);
    for secret in [&old, &new] {
        assert_eq!(dashboard.keyfob.verdict(secret), "VALID");
    }
    dashboard.follow("Done");
    assert!(!dashboard.source().contains(&new));
    dashboard.wait_for_text(VERDICT, "The old secret");

    dashboard.click("End the old secret now…");
    dashboard.wait_for(POP_UP);
    dashboard.follow("End old secret");
    dashboard.wait_for_text(TOAST, "Success. Old secret of “Project X” ended.");
    assert_eq!(dashboard.keyfob.verdict(&old), "EXPIRED");
    assert_eq!(dashboard.keyfob.verdict(&new), "VALID");
}

#[test]
fn without_scripts_it_is_two_clicks_too_and_loading_the_answer_again_shows_no_secret() {
    let dashboard = Dashboard::signed_in(Options { javascript: false, ..Options::default() });
    dashboard.follow("+ New API Key");
    dashboard.fill_in(NAME, "Project X");
    dashboard.follow("Create");
    let old = dashboard.wait_for(REVEALED_KEY).text();
    dashboard.open("/api-keys");

    dashboard.follow("Rotate Project X");
    dashboard.follow("Rotate");
    let new = dashboard.revealed_key();
    assert_is_key(&new);
    dashboard.reload();
    dashboard.wait_for_text(TOAST, "This form was already sent");
    assert!(!dashboard.source().contains(&new));
    dashboard.find("#secrets .more__summary").click();
    dashboard.named(".secrets__extend button", &dashboard.texts(".secrets__extend button")[0]).click();
    dashboard.wait_for_text(TOAST, "Success. The old secret ends");
    for secret in [&old, &new] {
        assert_eq!(dashboard.keyfob.verdict(secret), "VALID");
    }
}
