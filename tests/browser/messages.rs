//! Sending from the dashboard, and a list that follows what becomes of it.

use keyfob::domain::message::sms_text::SmsText;
use serde_json::json;

use crate::dashboard::{Dashboard, NAME, POP_UP, TOAST};
use crate::webdriver::Options;

const TO: &str = "#message-to";
const FIRST: &str = ".message:first-of-type";
const STATUS: &str = ".message:first-of-type .status";
/// How often the open page has asked again.
const ASKED: &str = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/messages')).length";

#[test]
fn a_test_message_is_sent_in_the_pop_up_and_becomes_delivered_by_itself() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.named("nav a", "Messages").click();
    dashboard.wait_for_text(".empty", "Send your first message");
    open_form(&dashboard);
    assert_eq!(dashboard.find(POP_UP).label(), "Send a message");
    assert!(dashboard.has_focus(TO));
    dashboard.fill_in(TO, "777");
    dashboard.click("Send");
    dashboard.wait_for_text("#message-to-error", "Begin the phone number with +");
    dashboard.fill_in(TO, "+420777123456");
    dashboard.follow("Send");

    dashboard.wait_for_text(TOAST, "Success. The test message to +420777123456 is on its way.");
    dashboard.wait_for_text(STATUS, "Delivered");
    assert!(dashboard.sees(FIRST, "Hello from Keyfob") && dashboard.sees(FIRST, "dashboard"));
    assert_eq!(dashboard.run("document.querySelector('[hx-trigger]')", &[]), json!(null), "it asks no more");
}

#[test]
fn what_is_on_its_way_is_asked_about_without_taking_the_focus_or_the_pop_up() {
    let dashboard = Dashboard::signed_in(Options::default());
    send(&dashboard, "+420777123994");
    dashboard.wait_for_text(STATUS, "Sent");
    dashboard.execute("document.querySelector('.message a').focus()", &[]);
    wait_for_an_answer(&dashboard);
    assert!(dashboard.has_focus(".message a"));

    open_form(&dashboard);
    dashboard.fill_in(TO, "+4207");
    let asked = dashboard.run(ASKED, &[]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(dashboard.run(ASKED, &[]), asked, "the pop-up is left alone");
    assert_eq!(dashboard.value(TO), "+4207");
    dashboard.click("Cancel");
    wait_for_an_answer(&dashboard);
}

#[test]
fn a_server_that_is_gone_is_passed_over_until_it_is_back() {
    let mut dashboard = Dashboard::signed_in(Options::default());
    send(&dashboard, "+420777123994");
    dashboard.wait_for_text(STATUS, "Sent");
    dashboard.wait_gone(TOAST);
    dashboard.keyfob.kill();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!dashboard.sees(TOAST, ""), "nothing is said about what nobody asked for");
    assert!(dashboard.sees(STATUS, "Sent"));

    dashboard.keyfob.start_again();
    wait_for_an_answer(&dashboard);
    assert!(dashboard.sees(STATUS, "Sent"));
}

#[test]
fn a_messages_page_tells_all_and_follows_it_too() {
    let dashboard = Dashboard::signed_in(Options::default());
    send(&dashboard, "+420777123997");
    dashboard.follow("+420777123997");
    dashboard.wait_for_text(".status", "Undelivered");
    dashboard.wait_for_text(".message__fault", "The message did not reach the phone.");
    assert!(dashboard.sees(".history", "Accepted") && dashboard.sees(".segments", "sandbox-7-"));
    assert!(dashboard.sees(".message__full", "Hello from Keyfob"));
}

#[test]
fn a_test_key_is_chosen_in_the_pop_up_and_its_command_is_a_rehearsal() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open_pop_up();
    dashboard.find("#api-key-form .more__summary").click();
    dashboard.find("input[value=test]").click();
    dashboard.click("Create");
    dashboard.wait_for("#api-key-name-error");
    assert!(dashboard.find("input[value=test]").is_displayed(), "what was chosen is not folded away");
    assert_eq!(dashboard.find("input[value=test]").property("checked"), true, "the choice is kept");
    dashboard.fill_in(NAME, "Rehearsals");
    dashboard.click("Create");
    dashboard.wait_gone(POP_UP);

    dashboard.wait_for_text(".api-key .tag--test", "Test");
    assert!(dashboard.revealed_key().starts_with("sms_test_"));
    assert!(dashboard.sees(".reveal", "a first message") && dashboard.sees(".reveal", "+447700900990"));
}

/// Types as a hand would, but all at once.
const TYPE: &str = "document.querySelector('#message-text').value = arguments[0]; \
    document.querySelector('#message-text').dispatchEvent(new Event('input', { bubbles: true }))";

#[test]
fn what_a_text_costs_is_shown_while_it_is_typed_as_the_server_counts_it() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.open("/messages");
    open_form(&dashboard);
    let cost = || dashboard.find("[data-cost]").text();
    assert_eq!(cost(), "1 segment, no credits");
    dashboard.find("input[value=live]").click();
    assert_eq!(cost(), "1 segment, no credits", "without a carrier nothing is charged");
    // As it is with a carrier.
    dashboard.execute("document.querySelector('[data-cost]').dataset.cost = 'live'", &[]);
    dashboard.execute("document.querySelector('#message-route').dataset.credits = '1'", &[]);

    // Around the limits of each alphabet, with characters that are not split between segments.
    let units = ["a", "\n", "€", "é", "e\u{301}", "ж", "😀", "[", "\u{c}", "ﬁ", "Å", "`"];
    let lengths = [1, 35, 66, 67, 68, 70, 71, 76, 77, 134, 135, 152, 153, 154, 160, 161, 306, 307, 670, 765, 1530];
    for unit in units {
        for length in lengths {
            let text = format!("x{}", unit.repeat(length));
            let Ok(counted) = SmsText::parse("text", &text) else { continue };
            dashboard.execute(TYPE, &[json!(text)]);
            let segments = counted.segment_count();
            let plural = if segments == 1 { "" } else { "s" };
            assert_eq!(
                cost(),
                format!("{segments} segment{plural}, {segments} credit{plural}"),
                "{length} of {unit:?}"
            );
        }
    }
    dashboard.execute(TYPE, &[json!("a".repeat(1531))]);
    assert_eq!(cost(), "11 segments, 10 is the most");
    dashboard.execute(TYPE, &[json!(" ")]);
    assert_eq!(cost(), "");
}

#[test]
fn a_message_is_sent_and_credits_are_added_where_scripts_are_off() {
    let dashboard = Dashboard::signed_in(Options { javascript: false, ..Options::default() });
    dashboard.open("/messages");
    dashboard.follow("Send a message");
    assert_eq!(dashboard.path(), "/messages/new");
    dashboard.find("input[value=live]").click();
    dashboard.fill_in(TO, "+420777123456");
    dashboard.follow("Send");
    dashboard.wait_for_text(TOAST, "Success. The message to +420777123456 is on its way.");
    dashboard.fill_in("#filter-search", "+420777123456");
    dashboard.follow("Show");
    dashboard.wait_for_text(FIRST, "Hello from Keyfob");

    dashboard.follow("Credits");
    dashboard.wait_for_text(".credits__balance", "100 credits");
    dashboard.fill_in("#credits-amount", "500");
    dashboard.fill_in("#credits-note", "Invoice 7");
    dashboard.follow("Add Credits");
    dashboard.wait_for_text(TOAST, "Success. 500 credits added.");
    dashboard.wait_for_text(".credits__balance", "600 credits");
}

#[test]
fn a_filter_acts_when_it_is_told_to_and_the_focus_and_the_scrolling_stay() {
    let dashboard = Dashboard::signed_in(Options::phone());
    send(&dashboard, "+420777123998");
    send(&dashboard, "+420777123456");
    dashboard.wait_for(".cause");
    dashboard.execute("document.getElementById('filter-status').focus()", &[]);
    dashboard.press("ArrowDown");
    assert_eq!(dashboard.path(), "/messages", "a choice is only made");
    dashboard.execute("document.getElementById('filter-status').value = ''; scrollTo(0, 150)", &[]);
    dashboard.find("#filter-search").type_text("420 777");
    let scrolled = dashboard.run("scrollY", &[]);
    dashboard.press("Enter");

    dashboard.wait_until("the filtered page", || {
        dashboard.path() == "/messages?q=420%20777" || dashboard.path() == "/messages?q=420+777"
    });
    dashboard.wait_for(FIRST);
    assert!(dashboard.has_focus("#filter-search"));
    assert_eq!(dashboard.run("scrollY", &[]), scrolled);

    dashboard.execute("document.querySelector('.cause').focus()", &[]);
    dashboard.press("Enter");
    dashboard.wait_for(".cause[aria-current]");
    assert!(dashboard.has_focus(".cause"));
    assert!(dashboard.sees(FIRST, "+420777123998"));
    dashboard.find(".message a").click();
    dashboard.wait_for(".history");
    dashboard.find(".page-header__up a").click();
    dashboard.wait_for(".cause[aria-current]");
}

#[test]
fn days_are_chosen_in_the_readers_own_zone() {
    let dashboard = Dashboard::signed_in(Options::default());
    send(&dashboard, "+420777123456");
    dashboard.execute(
        "const today = new Date();
        document.getElementById('filter-from').value = [today.getFullYear(), today.getMonth() + 1, today.getDate()]
            .map(part => String(part).padStart(2, '0')).join('-');
        document.getElementById('filter-from').focus()",
        &[],
    );
    dashboard.follow("Show");

    dashboard.wait_for_text(FIRST, "+420777123456");
    let offset = dashboard.run("String(-new Date().getTimezoneOffset())", &[]);
    assert_eq!(dashboard.run("new URLSearchParams(location.search).get('utc_offset')", &[]), offset);
    assert!(!dashboard.path().contains("status="), "{}", dashboard.path());
}

#[test]
fn how_long_ago_something_was_goes_on_and_the_time_stands_beside_it() {
    const LATER: &str = "document.querySelector('[data-ago]').dataset.ago = '7265';
        document.dispatchEvent(new Event('visibilitychange'))";
    let dashboard = Dashboard::signed_in(Options::default());
    send(&dashboard, "+420777123456");
    dashboard.wait_for_text(STATUS, "Delivered");
    dashboard
        .wait_until("the page to rest", || dashboard.run("document.querySelector('[hx-trigger]')", &[]) == json!(null));
    dashboard.execute(LATER, &[]);
    dashboard.wait_for_text(".message__when", "2 hours ago");
    let year = dashboard.run("String(new Date().getFullYear())", &[]);
    assert!(dashboard.sees(".message__clock", year.as_str().unwrap_or("?")));

    dashboard.find(".message a").click();
    dashboard.wait_for(".history");
    let time = dashboard.find(".history__when").text();
    assert_eq!(time.matches(':').count(), 2, "with seconds: {time}");
}

#[track_caller]
fn open_form(dashboard: &Dashboard) {
    dashboard.click("Send a message");
    dashboard.wait_for(POP_UP);
    dashboard.wait_for_calm();
}

/// Sends a test message to a number and sees the list.
#[track_caller]
fn send(dashboard: &Dashboard, to: &str) {
    dashboard.open("/messages");
    open_form(dashboard);
    dashboard.fill_in(TO, to);
    dashboard.follow("Send");
    dashboard.wait_for_text(FIRST, to);
}

#[track_caller]
fn wait_for_an_answer(dashboard: &Dashboard) {
    let asked = dashboard.run(ASKED, &[]).as_u64();
    dashboard.wait_until("the page to ask again", || dashboard.run(ASKED, &[]).as_u64() > asked);
}
