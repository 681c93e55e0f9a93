//! What goes wrong on the way to a key, and what stays as it was.

use crate::dashboard::{
    CREATE, DESCRIPTION, Dashboard, FIRST_ROW, NAME, PASSWORD, POP_UP, REVEAL, REVEALED_KEY, SWITCH, TOAST,
};
use crate::webdriver::Options;

const NO_ANSWER: &str = "Keyfob did not answer.";

#[test]
fn an_empty_setup_says_at_every_field_what_is_missing() {
    let dashboard = Dashboard::new(Options::default());
    dashboard.open("/setup");
    dashboard.follow("Create operator");
    for field in ["code", "name", "email", "password"] {
        dashboard.wait_for(&format!("#{field}[aria-invalid=true]"));
        dashboard.wait_for(&format!("#{field}-error"));
    }
}

#[test]
fn a_blank_name_is_refused_beside_the_field_and_the_description_is_kept() {
    let dashboard = Dashboard::signed_in(Options::default());
    fill_in_pop_up(&dashboard, "   ", "Sends the parcel notices");
    dashboard.click("Create");
    dashboard.wait_for_text("dialog #api-key-name-error", "Key Name is required.");
    assert!(dashboard.has_focus(NAME));
    assert_eq!(dashboard.find(NAME).attribute("aria-describedby").as_deref(), Some("api-key-name-error"));
    assert_eq!(dashboard.value(DESCRIPTION), "Sends the parcel notices");

    dashboard.fill_in(NAME, "Project X");
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    dashboard.wait_for_text(FIRST_ROW, "Sends the parcel notices");
}

#[test]
fn a_name_of_more_than_100_characters_is_refused_and_can_be_shortened() {
    let dashboard = Dashboard::signed_in(Options::default());
    fill_in_pop_up(&dashboard, &"n".repeat(101), "");
    dashboard.click("Create");
    dashboard.wait_for_text("dialog #api-key-name-error", "Key Name has 101 characters; 100 is the most.");
    assert!(dashboard.has_focus(NAME));
    assert_eq!(dashboard.value(NAME).len(), 101);
    dashboard.press("End");
    dashboard.press("Backspace");
    dashboard.press("Enter");
    dashboard.wait_gone(POP_UP);
    dashboard.wait_for_text(FIRST_ROW, &"n".repeat(100));
}

#[test]
fn markup_and_text_that_runs_backwards_are_shown_as_they_were_typed() {
    const MARKUP: &str = "<img src=x onerror=alert(1)>";
    const BACKWARDS: &str = "\u{202e}drawkcab <b>";
    let dashboard = Dashboard::signed_in(Options::default());
    fill_in_pop_up(&dashboard, MARKUP, BACKWARDS);
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    assert_eq!(dashboard.find(".api-key__name > bdi").text(), MARKUP);
    assert_eq!(dashboard.find(".api-key__description > bdi").property("textContent"), BACKWARDS);
    dashboard.wait_for_text(TOAST, MARKUP);
    assert!(dashboard.maybe_find("main img, #toasts img, main b").is_none());
    assert_eq!(dashboard.find(SWITCH).label(), MARKUP);
}

#[test]
fn a_server_that_is_gone_costs_nothing_that_was_typed() {
    let mut dashboard = Dashboard::signed_in(Options::default());
    fill_in_pop_up(&dashboard, "Project X", "Sends the parcel notices");
    dashboard.keyfob.kill();
    dashboard.click("Create");
    dashboard.wait_for_text("dialog [role=alert]", NO_ANSWER);
    assert_eq!(dashboard.value(NAME), "Project X");
    assert_eq!(dashboard.value(DESCRIPTION), "Sends the parcel notices");

    dashboard.keyfob.start_again();
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    let key = dashboard.revealed_key();
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
}

#[test]
fn a_switch_that_gets_no_answer_stays_as_it_is_and_can_be_used_again() {
    let mut dashboard = Dashboard::signed_in(Options::default());
    dashboard.create_key("Project X");
    dashboard.keyfob.kill();
    dashboard.find(SWITCH).click();
    dashboard.wait_for_text(TOAST, NO_ANSWER);
    assert_eq!(dashboard.find(SWITCH).attribute("aria-checked").as_deref(), Some("true"));

    dashboard.keyfob.start_again();
    dashboard.switch("Disabled");
}

#[test]
fn a_session_that_ended_costs_nothing_that_was_typed() {
    let dashboard = Dashboard::signed_in(Options::default());
    fill_in_pop_up(&dashboard, "Project X", "Sends the parcel notices");
    let form = dashboard.current_tab();
    log_out_in_another_tab(&dashboard);

    dashboard.switch_to(&form);
    dashboard.click("Create");
    dashboard.wait_for_text("dialog [role=alert]", "Your session has ended.");
    assert_eq!(dashboard.value(NAME), "Project X");
    assert_eq!(dashboard.value(DESCRIPTION), "Sends the parcel notices");

    let before = dashboard.tabs();
    dashboard.click("Log in in a new tab");
    let opened = dashboard.tabs().into_iter().find(|tab| !before.contains(tab));
    dashboard.switch_to(&opened.unwrap_or_else(|| panic!("the link opened no tab")));
    dashboard.wait_for_text("h1", "Log in");
    dashboard.log_in(PASSWORD);
    dashboard.wait_for_text("h1", "API Keys");

    dashboard.switch_to(&form);
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    dashboard.wait_for_text(FIRST_ROW, "Project X");
}

#[test]
fn a_switch_leads_to_the_login_and_back_after_the_session_ended() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.create_key("Project X");
    dashboard.open("/api-keys?service=sms");
    let list = dashboard.current_tab();
    log_out_in_another_tab(&dashboard);

    dashboard.switch_to(&list);
    dashboard.find(SWITCH).click();
    dashboard.wait_for_text("h1", "Log in");
    dashboard.log_in(PASSWORD);
    dashboard.wait_for_text(FIRST_ROW, "Enabled");
    assert!(dashboard.path().starts_with("/api-keys?service=sms"), "{}", dashboard.path());
    dashboard.wait_for_text(".missed-switch", "Your session had ended. “Project X” was not switched off.");
    dashboard.follow("Switch off now");
    dashboard.wait_for_text(FIRST_ROW, "Disabled");
    assert_eq!(dashboard.path(), "/api-keys?service=sms");
    assert!(!dashboard.sees(".missed-switch", ""));
}

#[test]
fn a_pop_up_whose_answer_is_on_its_way_stays_open_for_it() {
    const HOLD_ANSWERS: &str = "const send = window.fetch;
        window.fetch = (...request) => new Promise((answer) => {
            window.letGo = () => answer(send(...request));
        });";
    let dashboard = Dashboard::signed_in(Options::default());
    fill_in_pop_up(&dashboard, "Project X", "");
    dashboard.execute(HOLD_ANSWERS, &[]);
    dashboard.click("Create");
    dashboard.wait_for("dialog .htmx-request");
    for way_out in ["Cancel", "Close"] {
        dashboard.click(way_out);
        assert!(dashboard.sees(POP_UP, ""), "{way_out} left an answer without its pop-up");
    }
    dashboard.press("Escape");
    assert!(dashboard.sees(POP_UP, ""), "Escape left an answer without its pop-up");

    dashboard.execute("letGo()", &[]);
    dashboard.wait_gone(POP_UP);
    dashboard.wait_for(REVEALED_KEY);
}

#[test]
fn a_second_pop_up_takes_nothing_from_the_one_that_is_open() {
    const HOLD_ANSWERS: &str = "const send = window.fetch;
        window.held = [];
        window.fetch = (...request) => new Promise((answer) => held.push(() => answer(send(...request))));";
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open("/services");
    dashboard.execute(HOLD_ANSWERS, &[]);
    dashboard.click("Rename SMS");
    dashboard.click("+ New Service");
    dashboard.execute("held[1]()", &[]);
    dashboard.wait_for_text(POP_UP, "New Service");
    dashboard.fill_in("#service-name", "Mail & more");
    assert_eq!(dashboard.value("#service-slug"), "mailmore", "the slug is not proposed");
    assert_eq!(dashboard.value("#service-prefix"), "mailmore");
    dashboard.execute("return held[0]()", &[]);
    dashboard.execute_async("setTimeout(arguments[0], 300)", &[]);
    assert_eq!(dashboard.value("#service-name"), "Mail & more");
    dashboard.fill_in("#service-slug", "post");
    dashboard.fill_in("#service-name", "Letters");
    assert_eq!(dashboard.value("#service-slug"), "post", "what was written by hand is kept");
}

#[test]
fn a_double_click_on_create_makes_one_key() {
    let dashboard = Dashboard::signed_in(Options::default());
    fill_in_pop_up(&dashboard, "Project X", "");
    dashboard.find(CREATE).double_click();
    dashboard.wait_gone(POP_UP);
    dashboard.wait_for(REVEALED_KEY);
    dashboard.open("/api-keys");
    assert_eq!(dashboard.find_all(".api-key").len(), 1);
}

#[test]
fn two_keys_made_one_after_the_other_both_stay_revealed() {
    let dashboard = Dashboard::signed_in(Options::default());
    let first = dashboard.create_key("First");
    let second = dashboard.create_key("Second");
    assert_eq!(dashboard.find_all(REVEAL).len(), 2);
    assert_eq!(dashboard.texts(REVEALED_KEY), [second.as_str(), first.as_str()]);
    assert_eq!(dashboard.texts(".api-key:has(+ .reveal) .api-key__name"), ["Second", "First"]);
    assert_eq!(dashboard.keyfob.verdict(&first), "VALID");
    assert_eq!(dashboard.keyfob.verdict(&second), "VALID");
}

#[track_caller]
fn fill_in_pop_up(dashboard: &Dashboard, name: &str, description: &str) {
    dashboard.open_pop_up();
    dashboard.fill_in(NAME, name);
    dashboard.fill_in(DESCRIPTION, description);
}

#[track_caller]
fn log_out_in_another_tab(dashboard: &Dashboard) {
    dashboard.new_tab();
    dashboard.open("/api-keys");
    dashboard.follow("Log out");
    dashboard.wait_for_text("h1", "Log in");
}
