//! The guide, step by step with the mouse: from the first start to a key that is switched off and on.

use crate::dashboard::{
    DESCRIPTION, Dashboard, FIRST_ROW, NAME, PASSWORD, POP_UP, REVEAL, REVEALED_KEY, SWITCH, TOAST, assert_is_key,
};
use crate::webdriver::Options;

#[test]
fn the_code_from_the_terminal_makes_the_first_operator_who_can_log_out_and_in() {
    let dashboard = Dashboard::new(Options::default());
    dashboard.open("/");
    assert_eq!(dashboard.path(), "/setup");
    dashboard.fill_in_setup(&dashboard.keyfob.setup_code);
    dashboard.follow("Create operator");
    assert_eq!(dashboard.path(), "/api-keys");
    dashboard.wait_for_text(".empty", "Create your first API key");

    dashboard.follow("Log out");
    dashboard.wait_for_text("[role=status]", "You are logged out.");
    dashboard.log_in(PASSWORD);
    dashboard.wait_for_text("h1", "API Keys");
    dashboard.follow("Settings");
    dashboard.wait_for_text("h1", "Settings");
    dashboard.named("nav a", "API Keys").click();
    dashboard.wait_for_text("h1", "API Keys");
    assert_eq!(dashboard.find("nav a[aria-current=page]").text(), "API Keys");
}

#[test]
fn the_sidebar_is_at_the_left_and_the_button_for_a_new_key_at_the_top_right() {
    let dashboard = Dashboard::signed_in(Options::default());
    let (across, _) = dashboard.position(&dashboard.named("nav a", "API Keys"));
    assert!(across < 0.2, "API Keys is at {across}");

    let button = dashboard.named("main header a", "+ New API Key");
    let (across, down) = dashboard.position(&button);
    assert!(across > 0.8 && down < 0.1, "New API Key is at {across}, {down}");
}

#[test]
fn the_pop_up_asks_for_a_name_and_a_description_and_can_be_cancelled() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open_pop_up();
    assert_eq!(dashboard.find(POP_UP).label(), "New API Key for SMS Service");
    assert_eq!(dashboard.texts("dialog h2"), ["New API Key for SMS Service"]);
    assert_eq!(dashboard.find(NAME).label(), "Key Name");
    assert_eq!(dashboard.find(DESCRIPTION).label(), "Key Description optional");
    assert_eq!(dashboard.find(NAME).attribute("placeholder").as_deref(), Some("Project X SMS Integration"));
    assert_eq!(dashboard.texts("dialog .form__actions > *"), ["Create", "Cancel"]);

    dashboard.fill_in(NAME, "Never made");
    dashboard.click("Cancel");
    dashboard.wait_gone(POP_UP);
    dashboard.open_pop_up();
    assert_eq!(dashboard.value(NAME), "", "a cancelled form is forgotten");
    dashboard.click("Close");
    dashboard.wait_gone(POP_UP);
    assert!(dashboard.sees(".empty", "Create your first API key"));
}

#[test]
fn a_new_key_is_in_the_table_with_its_reveal_directly_below() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.create_key("Older");
    dashboard.open_pop_up();
    dashboard.fill_in(NAME, "Project X SMS Integration");
    dashboard.fill_in(DESCRIPTION, "Sends the parcel notices");
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    dashboard.wait_for_text(FIRST_ROW, "Project X SMS Integration");

    assert_eq!(dashboard.texts("thead th"), ["Key Name", "API Auth Key", "Date Created", "Last Used", "Status"]);
    let key = dashboard.revealed_key();
    let cells = dashboard.texts(&format!("{FIRST_ROW} > *"));
    assert_eq!(cells[0], "Project X SMS Integration\nSends the parcel notices");
    assert_eq!(cells[1], format!("sms_live_••••••{}", &key[key.len() - 4..]));
    assert!(cells[2].contains("20"), "{cells:?}");
    assert_eq!(cells[3], "never");
    assert_eq!(cells[4], "Enabled");
    assert!(dashboard.sees(&format!("{FIRST_ROW} + .reveal"), &key), "the reveal is not below its row");
    assert!(!dashboard.sees(".empty", ""));
}

/// Whether a click on the middle of the toast reaches what lies under it.
const UNDER_THE_TOAST: &str = "(({ left, top, width, height }) =>
    !document.elementFromPoint(left + width / 2, top + height / 2).closest('.toast'))
    (document.querySelector('#toasts .toast').getBoundingClientRect())";

#[test]
fn success_is_said_at_the_top_right_until_it_leaves_by_itself_or_is_dismissed() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.create_key("First");
    let toast = dashboard.wait_for(TOAST);
    assert_eq!(toast.text(), "Success. Key “First” created.");
    let (across, down) = dashboard.position(&toast);
    assert!(across > 0.7 && down < 0.15, "the toast is at {across}, {down}");
    assert_eq!(dashboard.find("#toasts").role(), "status");
    dashboard.wait_gone(TOAST);
    assert!(dashboard.maybe_find(TOAST).is_none());

    dashboard.create_key("Second");
    dashboard.wait_for_text(TOAST, "Success");
    assert_eq!(dashboard.run(UNDER_THE_TOAST, &[]), true, "the toast takes clicks");
    dashboard.press("Escape");
    assert!(dashboard.maybe_find(TOAST).is_none());
}

#[test]
fn the_revealed_key_can_be_copied_selected_and_used() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    assert_is_key(&key);
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");

    dashboard.grant_clipboard();
    dashboard.click("Copy key");
    dashboard.wait_for_text(".reveal button", "Copied");
    assert_eq!(dashboard.clipboard_text(), key);
    dashboard.wait_for_text(".reveal button", "Copy key");

    dashboard.find(REVEALED_KEY).double_click();
    assert_eq!(dashboard.selection(), key);

    dashboard.click("Copy command");
    dashboard.wait_until("the command in the clipboard", || dashboard.clipboard_text().starts_with("curl "));
    let command = dashboard.clipboard_text();
    assert!(command.contains(&key) && command.contains(&dashboard.keyfob.address), "{command}");
}

#[test]
fn a_snippet_of_the_connect_page_is_copied_as_it_is_shown() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open("/connect?service=sms");
    dashboard.grant_clipboard();

    dashboard.click("Copy nginx");
    dashboard.wait_for_text("[data-copy=snippet-nginx]", "Copied");

    let copied = dashboard.clipboard_text();
    assert!(copied.contains("auth_request /_keyfob;"), "{copied}");
    assert_eq!(copied.trim_end(), dashboard.find("#snippet-nginx").text().trim_end());
}

#[test]
fn a_key_that_is_switched_off_is_refused_until_it_is_switched_on() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    let reveal = dashboard.find(REVEAL);

    dashboard.switch("Disabled");
    assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
    let switch = dashboard.find(SWITCH);
    assert_eq!(switch.attribute("aria-checked").as_deref(), Some("false"));
    assert_eq!(switch.label(), "Project X");
    dashboard.wait_for_text(TOAST, "“Project X” is disabled.");
    assert!(dashboard.find(REVEAL) == reveal, "the switch has touched the reveal");
    assert_eq!(dashboard.find(REVEALED_KEY).text(), key);

    dashboard.switch("Enabled");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
    assert_eq!(dashboard.find(SWITCH).attribute("aria-checked").as_deref(), Some("true"));
    dashboard.wait_for_text(TOAST, "“Project X” is enabled.");
    assert!(dashboard.find(REVEAL) == reveal);
}

#[test]
fn the_pop_up_of_all_services_chooses_one_and_its_title_follows() {
    const MAKE: &str = "return fetch('/services', { method: 'POST',
        body: new URLSearchParams({ name: 'Mail', slug: 'mail', key_prefix: 'mail' }) }).then(() => 'made')";
    const CHOOSE: &str = "const list = document.querySelector('#api-key-service'); list.value = 'mail';
        list.dispatchEvent(new Event('change', { bubbles: true }))";
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.execute(MAKE, &[]);
    dashboard.open("/api-keys");
    dashboard.open_pop_up();
    dashboard.wait_for_text("#dialog-title", "New API Key for SMS Service");
    dashboard.execute(CHOOSE, &[]);
    dashboard.wait_for_text("#dialog-title", "New API Key for Mail Service");
    dashboard.fill_in(NAME, "Letters");
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    assert!(dashboard.revealed_key().starts_with("mail_live_"));
}

#[test]
fn the_way_back_from_a_key_leads_to_the_list_as_it_was() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.create_key("Project X");
    dashboard.open("/api-keys?service=sms");
    dashboard.follow("Project X");
    let id = dashboard.find("#key-id").text();
    assert!(dashboard.path().ends_with(&id));
    dashboard.follow("Save");
    dashboard.follow("Messages sent with this key");
    assert_eq!(dashboard.path(), format!("/messages?api_key={id}"));
    dashboard.open(&format!("/api-keys/{id}"));
    dashboard.find("[data-back]").click();
    dashboard.wait_until("the list", || dashboard.path() == "/api-keys?service=sms");
}

#[test]
fn a_switch_is_taken_back_with_the_undo_of_its_toast() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    dashboard.switch("Disabled");
    assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");

    dashboard.wait_for_text(TOAST, "“Project X” is disabled.");
    dashboard.find(&format!("{TOAST} button")).click();

    dashboard.wait_for_text(FIRST_ROW, "Enabled");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
}

#[test]
fn the_full_key_is_nowhere_after_the_page_was_loaded_again() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    assert!(dashboard.source().contains(&key));
    dashboard.reload();
    assert_only_mask(&dashboard, &key);
}

#[test]
fn the_full_key_does_not_come_back_with_the_back_button() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    dashboard.follow("Settings");
    dashboard.wait_for_text("h1", "Settings");
    dashboard.back();
    dashboard.wait_for_text("h1", "API Keys");
    assert_only_mask(&dashboard, &key);
}

#[test]
fn the_full_key_is_in_no_other_tab_and_in_no_storage() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    let storage = dashboard.run("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])", &[]);
    assert_eq!(storage, r#"[{},{"keyfob-list":"/api-keys"}]"#, "only the way back to the list is kept");
    dashboard.new_tab();
    dashboard.open("/api-keys");
    assert_only_mask(&dashboard, &key);
}

#[test]
fn done_puts_the_key_away_and_leads_on_to_the_switch() {
    let dashboard = Dashboard::signed_in(Options::default());
    let key = dashboard.create_key("Project X");
    dashboard.click("Done");
    assert!(dashboard.has_focus(SWITCH));
    assert_only_mask(&dashboard, &key);
}

#[track_caller]
fn assert_only_mask(dashboard: &Dashboard, key: &str) {
    dashboard.wait_for_text(FIRST_ROW, &format!("••••••{}", &key[key.len() - 4..]));
    assert!(!dashboard.source().contains(key), "the key is still in the page");
    assert!(dashboard.maybe_find(REVEAL).is_none());
}
