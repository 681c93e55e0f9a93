//! Deleting a key and taking it back, switching a whole service, and saying why a key is off.

use crate::dashboard::{Dashboard, FIRST_ROW, POP_UP, SWITCH, TOAST};
use crate::webdriver::Options;

/// The id of the newest key in the list.
fn newest(dashboard: &Dashboard) -> String {
    dashboard.open("/api-keys");
    dashboard.find(FIRST_ROW).attribute("id").unwrap_or_default()
}

#[test]
fn a_deleted_key_is_restored_from_the_trash() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    let id = newest(&dashboard);
    dashboard.open(&format!("/api-keys/{id}"));
    dashboard.click("Delete key…");
    dashboard.wait_for_text(POP_UP, "You can restore the key for 7 days");
    dashboard.follow("Delete key");
    dashboard.wait_for_text(TOAST, "Success. Key “Project X” deleted.");
    assert_eq!(dashboard.keyfob.verdict(&key), "NOT_FOUND");

    dashboard.follow("Trash");
    dashboard.wait_for_text(".trashed", "Project X");
    dashboard.find(".trashed__restore button").click();
    dashboard.wait_for_text(TOAST, "Success. Key “Project X” restored.");

    assert_eq!(dashboard.path(), format!("/api-keys/{id}"));
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
}

#[test]
fn a_service_is_off_after_three_clicks_and_on_again_after_three_more() {
    for javascript in [true, false] {
        let dashboard = Dashboard::signed_in(Options { javascript, ..Options::default() });
        dashboard.open("/api-keys/new");
        dashboard.fill_in("#api-key-name", "Project X");
        dashboard.submit("#api-key-form [type=submit]");
        dashboard.wait_for(".reveal");
        let key = dashboard.find("[id^=key-secret-]").text();
        dashboard.open("/api-keys");

        dashboard.follow("Services");
        if javascript {
            dashboard.wait_for_paint();
            dashboard.find(SWITCH).click();
            dashboard.wait_for_text(POP_UP, "1 key of SMS stops at once.");
        } else {
            dashboard.submit(SWITCH);
            dashboard.wait_for_text("main", "1 key of SMS stops at once.");
        }
        assert_eq!(dashboard.keyfob.verdict(&key), "VALID", "it was asked for, and not done");
        dashboard.submit(".btn--danger");
        dashboard.wait_for_text(TOAST, "SMS is switched off.");
        assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
        dashboard.open("/api-keys");
        dashboard.wait_for_text(".service-off", "SMS is switched off.");

        dashboard.follow("Switch it on");
        dashboard.submit(SWITCH);
        dashboard.wait_for_text(TOAST, "SMS is switched on.");
        assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
    }
}

#[test]
fn a_key_is_switched_off_with_a_reason_that_its_page_shows() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    let id = newest(&dashboard);
    dashboard.open(&format!("/api-keys/{id}"));
    dashboard.find("#key-reason-part summary").click();
    dashboard.find("#key-reason").type_text("Compromised");
    dashboard.fill_in("#key-reason-note", "found in a public repository");
    dashboard.find("#reason-form [type=submit]").click();

    dashboard.wait_for_text(".key-off", "compromised. “found in a public repository”");
    assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
    // The switch brings along what is said about it.
    dashboard.find(SWITCH).click();
    dashboard.wait_gone(".key-off");
    dashboard.wait_for_text("#key-reason-part summary", "Switch off with a reason");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
}
