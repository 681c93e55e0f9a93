//! A viewer looks at everything, and is offered nothing that changes it.

use crate::dashboard::{Dashboard, FIRST_ROW, SWITCH, TOAST};
use crate::webdriver::Options;

/// What changes something, and what leads to it.
const CHANGES: &str =
    "main form[method=post]:not([role=search]), main [role=switch], main .btn--primary, main .btn--danger";

#[test]
fn a_viewer_finds_everything_and_nothing_to_change_it_with() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.create_key("Project X");
    dashboard.keyfob.make_viewers();

    dashboard.open("/api-keys");
    assert_eq!(dashboard.texts(&format!("{FIRST_ROW} .api-key__status")), ["Enabled"]);
    assert_eq!(dashboard.texts(CHANGES), [""; 0]);
    dashboard.follow("Project X");
    assert_eq!(dashboard.texts(CHANGES), [""; 0]);
    dashboard.follow("Who changed this key");
    dashboard.wait_for_text(".event__what", "created the key Project X");
    for page in ["Messages", "Credits", "Services", "Connect"] {
        dashboard.follow(page);
        dashboard.wait_for_text("h1", page);
        assert_eq!(dashboard.texts(CHANGES), [""; 0], "{page}");
    }
    dashboard.open("/api-keys/new");
    dashboard.wait_for_text("main", "Your role does not allow this.");
    dashboard.follow("Go to API Keys");
    dashboard.wait_for_text("h1", "API Keys");
}

#[test]
fn a_switch_that_is_still_on_the_screen_says_why_it_does_not_move() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    dashboard.keyfob.make_viewers();

    dashboard.find(&format!("{FIRST_ROW} {SWITCH}")).click();

    dashboard.wait_for_text(TOAST, "Your role does not allow this.");
    assert_eq!(dashboard.texts(&format!("{FIRST_ROW} .switch-form__word")), ["Enabled"]);
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
}
