//! The guide with the keyboard alone.

use crate::dashboard::{DESCRIPTION, Dashboard, EMAIL, FIRST_ROW, NAME, PASSWORD, POP_UP, REVEAL, SWITCH, TOAST};
use crate::webdriver::Options;

#[test]
fn every_step_of_the_guide_can_be_done_with_the_keyboard() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.grant_clipboard();
    tab_to(&dashboard, "Log out");
    dashboard.press("Enter");
    dashboard.wait_for_text("h1", "Log in");
    dashboard.active_element().type_text(EMAIL);
    dashboard.press("Tab");
    dashboard.active_element().type_text(PASSWORD);
    dashboard.press("Enter");
    dashboard.wait_for_text("h1", "API Keys");

    tab_to(&dashboard, "+ New API Key");
    dashboard.press("Enter");
    dashboard.wait_for(POP_UP);
    assert!(dashboard.has_focus(NAME));
    dashboard.active_element().type_text("Project X");
    dashboard.press("Tab");
    assert!(dashboard.has_focus(DESCRIPTION));
    dashboard.active_element().type_text("Sends the parcel notices");
    tab_to(&dashboard, "Create");
    dashboard.press("Space");
    dashboard.wait_gone(POP_UP);

    assert!(dashboard.has_focus(".reveal [data-copy]"), "the next step is to copy the key");
    dashboard.press("Enter");
    dashboard.wait_for_text(".reveal button", "Copied");
    let key = dashboard.clipboard_text();
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");

    dashboard.press("Shift+Tab");
    assert!(dashboard.has_focus(SWITCH));
    dashboard.press("Space");
    dashboard.wait_for_text(FIRST_ROW, "Disabled");
    assert!(dashboard.has_focus(SWITCH), "the focus left the switch");
    assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
    dashboard.press("Enter");
    dashboard.wait_for_text(FIRST_ROW, "Enabled");
    assert!(dashboard.has_focus(SWITCH), "the focus left the switch");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");

    tab_to(&dashboard, "Done");
    dashboard.press("Enter");
    dashboard.wait_gone(REVEAL);
    assert!(dashboard.has_focus(SWITCH));
}

#[test]
fn several_keys_are_switched_off_and_on_again_with_the_keyboard() {
    let dashboard = Dashboard::signed_in(Options::default());
    let keys: Vec<String> = (1..=12).map(|number| dashboard.create_key(&format!("Office {number}"))).collect();
    dashboard.open("/api-keys?q=office+1");
    dashboard.find("#key-search-q").click();
    for name in ["Select Office 12", "Select Office 11"] {
        tab_to(&dashboard, name);
        dashboard.press("Space");
    }
    tab_to(&dashboard, "Switch off…");
    dashboard.press("Enter");
    dashboard.wait_for_text("h1", "Switch off 2 keys?");
    dashboard.find("#bulk-reason").click();
    dashboard.press("Escape");
    tab_to(&dashboard, "Switch off 2 keys");
    dashboard.press("Enter");
    dashboard.wait_for_text(TOAST, "2 keys switched off.");
    assert_eq!([10, 11].map(|index| dashboard.keyfob.verdict(&keys[index])), ["DISABLED", "DISABLED"]);
    assert_eq!(dashboard.keyfob.verdict(&keys[0]), "VALID");

    // It is the last stop of the page.
    dashboard.press("Shift+Tab");
    assert!(dashboard.has_focus(".toast__undo button"));
    dashboard.press("Enter");
    dashboard.wait_for_text(TOAST, "Undone. 2 keys on again.");
    assert_eq!([10, 11].map(|index| dashboard.keyfob.verdict(&keys[index])), ["VALID", "VALID"]);
}

#[test]
fn escape_closes_the_pop_up_and_gives_the_focus_back_to_its_button() {
    let dashboard = Dashboard::signed_in(Options::default());
    tab_to(&dashboard, "+ New API Key");
    let button = dashboard.active_element();
    dashboard.press("Enter");
    dashboard.wait_for(POP_UP);
    assert!(dashboard.has_focus(NAME));
    dashboard.press("Escape");
    dashboard.wait_gone(POP_UP);
    assert!(dashboard.active_element() == button);
}

#[test]
fn a_filter_waits_for_enter_and_keeps_the_focus() {
    const MAKE: &str = "return fetch('/services', { method: 'POST',
        body: new URLSearchParams({ name: 'Mail', slug: 'mail', key_prefix: 'mail' }) }).then(() => 'made')";
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.execute(MAKE, &[]);
    dashboard.open("/api-keys");
    tab_to(&dashboard, "Service");
    dashboard.press("ArrowDown");
    dashboard.press("ArrowDown");
    assert_eq!(dashboard.path(), "/api-keys");
    dashboard.press("Enter");
    dashboard.wait_until("the list of one service", || dashboard.path().starts_with("/api-keys?service="));
    dashboard.wait_until("the focus", || dashboard.has_focus("#filter-service"));

    dashboard.press("ArrowUp");
    dashboard.press("ArrowUp");
    dashboard.press("Tab");
    dashboard.wait_until("the whole list", || dashboard.path().trim_end_matches('?') == "/api-keys");
}

#[test]
fn the_focus_stays_in_the_pop_up() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open_pop_up();
    for _ in 0..12 {
        dashboard.press("Tab");
        // Between the last stop and the first one comes the browser's own window.
        assert!(dashboard.has_focus("dialog *, body"), "the focus is behind the pop-up");
    }
}

#[test]
fn the_first_stop_leads_past_the_sidebar_to_the_content() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.press("Tab");
    assert_eq!(dashboard.active_element().text(), "Skip to the content");
    dashboard.press("Enter");
    dashboard.press("Tab");
    assert_eq!(dashboard.active_element().label(), "+ New API Key");
}

/// Goes on with Tab until the focus is on what has this name, and sees it at every stop.
#[track_caller]
fn tab_to(dashboard: &Dashboard, name: &str) {
    for _ in 0..20 {
        dashboard.press("Tab");
        let stop = dashboard.active_element();
        let label = stop.label();
        assert!(has_visible_focus(dashboard), "nothing shows that the focus is on {label:?}");
        if label == name {
            return;
        }
    }
    panic!("Tab never comes to {name:?}");
}

/// Whether the focus has an outline, inside the window.
#[track_caller]
fn has_visible_focus(dashboard: &Dashboard) -> bool {
    const FOCUS: &str = "((element, { outlineStyle, outlineWidth }, { top, bottom, left, right }) =>
        element === document.body || outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
            && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth
        )(document.activeElement, getComputedStyle(document.activeElement),
            document.activeElement.getBoundingClientRect())";
    dashboard.run(FOCUS, &[]) == true
}
