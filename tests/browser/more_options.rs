//! The fold of the form for a new key: closed until somebody opens it, or something in it is wrong.

use crate::dashboard::{Dashboard, FIRST_ROW, NAME, POP_UP};
use crate::webdriver::Options;

const FOLD: &str = "dialog summary";
const ADDRESSES: &str = "#api-key-allowed-ips";
const ENDS: &str = "#api-key-ends";
const END_IN_WORDS: &str = "#api-key-ends-hint";

#[test]
fn the_fold_is_closed_and_opens_where_a_message_belongs_to_something_in_it() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open_pop_up();
    assert!(!dashboard.find(ADDRESSES).is_displayed() && !dashboard.find(ENDS).is_displayed());

    dashboard.fill_in(NAME, "Contractor");
    dashboard.find(FOLD).click();
    dashboard.fill_in(ADDRESSES, "10.0.0.5/8");
    dashboard.find(FOLD).click();
    dashboard.click("Create");

    dashboard.wait_for_text("#api-key-allowed-ips-error", "Did you mean 10.0.0.0/8?");
    assert!(dashboard.find(ADDRESSES).is_displayed());
    dashboard.wait_until("the focus", || dashboard.has_focus(ADDRESSES));
    dashboard.fill_in(ADDRESSES, "10.0.0.0/8");
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    dashboard.wait_for_text(FIRST_ROW, "Contractor");
}

#[test]
fn the_end_is_written_out_while_it_is_chosen() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open_pop_up();
    dashboard.find(FOLD).click();
    assert!(!dashboard.find("#api-key-ends-day").is_displayed(), "a day is asked for before it is wanted");

    dashboard.find("#api-key-ends option:nth-of-type(2)").click();
    dashboard.wait_for_text(END_IN_WORDS, "Ends ");
    let day = dashboard.find(END_IN_WORDS).text();
    let day = day.trim_start_matches("Ends ").split(',').next().unwrap_or_default();
    assert_eq!(dashboard.texts(FOLD), [format!("More options · ends {day}")]);

    dashboard.find("#api-key-ends option[value=date]").click();
    let pick = "document.querySelector('#api-key-ends-day').value = '2028-02-29';
        document.querySelector('#api-key-ends-day').dispatchEvent(new Event('input', { bubbles: true }));";
    assert!(dashboard.find("#api-key-ends-day").is_displayed());
    dashboard.execute(pick, &[]);
    dashboard.wait_for_text(END_IN_WORDS, "Ends 29 Feb 2028, 23:59 UTC.");
    dashboard.fill_in(NAME, "Leap year");
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);
    dashboard.find(&format!("{FIRST_ROW} a")).click();
    dashboard.wait_for_text(".facts", "29 Feb 2028, 23:59 UTC");
}

#[test]
fn the_scopes_follow_the_service_and_the_rest_stays_as_it_was_typed() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open("/services/new");
    dashboard.fill_in("#service-name", "Mail");
    dashboard.follow("Create");
    for path in ["/api-keys", "/api-keys/new"] {
        dashboard.open(path);
        if path == "/api-keys" {
            dashboard.open_pop_up();
        }
        dashboard.fill_in(NAME, "Of another service");
        dashboard.find("form summary").click();
        dashboard.fill_in(ADDRESSES, "203.0.113.9");
        assert!(dashboard.sees("#api-key-scopes", "Only these:"));

        dashboard.find("#api-key-service").type_text("Mail");

        dashboard.wait_for_text("#api-key-scopes", "This service has no scopes yet.");
        assert_eq!(dashboard.value(NAME), "Of another service");
        assert_eq!(dashboard.value(ADDRESSES), "203.0.113.9");
        assert!(dashboard.find(ADDRESSES).is_displayed(), "the fold was closed");
    }
}
