//! Many keys: finding some of them, and changing and taking back many at once.

use crate::dashboard::{Dashboard, TOAST};
use crate::webdriver::Options;

/// Copies of the one key, as many as take two transactions; every tenth is off.
const COPY: &str = "
    CREATE TEMP TABLE numbers AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 619) SELECT n FROM n;
    INSERT INTO api_keys (id, account_id, service, mode, name, description, status, created_at, sort_name, search)
    SELECT printf('key_%026d', n), account_id, service, mode, 'Office ' || n, '',
        CASE WHEN n % 10 = 0 THEN 'disabled' ELSE 'enabled' END, created_at - n, 'office ' || n, 'office ' || n
    FROM api_keys, numbers;
    INSERT INTO key_secrets (id, api_key_id, digest, mask, tail, created_at, origin)
    SELECT printf('ksec_%026d', n), printf('key_%026d', n), CAST(printf('%032d', n) AS BLOB),
        'sms_live_••••••abcd', 'abcd', created_at, 'minted' FROM key_secrets, numbers;
    INSERT INTO key_last_uses (api_key_id, account_id, created_at, last_used_at)
    SELECT printf('key_%026d', n), account_id, created_at - n, 0 FROM key_last_uses, numbers;";
const NAMES: &str = ".api-key__name bdi:first-of-type";

/// Somebody who looks at 620 keys. Also gives the newest one.
#[track_caller]
fn with_many_keys(javascript: bool) -> (Dashboard, String) {
    let dashboard = Dashboard::signed_in(Options { javascript, ..Options::default() });
    dashboard.open("/api-keys/new");
    dashboard.fill_in("#api-key-name", "Headquarters");
    dashboard.submit("#api-key-form [type=submit]");
    dashboard.wait_for(".reveal");
    let key = dashboard.find("[id^=key-secret-]").text();
    dashboard.keyfob.execute(COPY);
    dashboard.open("/api-keys");
    (dashboard, key)
}

#[test]
fn keys_are_searched_filtered_and_sorted_with_scripts_and_without() {
    for javascript in [true, false] {
        let (dashboard, _) = with_many_keys(javascript);
        dashboard.fill_in("#key-search-q", "OFFICE 61");
        dashboard.follow("Search");
        let found = ["Office 61", "Office 610", "Office 611", "Office 612"];
        assert_eq!(dashboard.texts(NAMES)[..4], found);

        dashboard.find(".key-filters__summary").click();
        dashboard.find("#filter-status").type_text("Switched off");
        dashboard.follow("Show keys");
        assert_eq!(dashboard.texts(NAMES), ["Office 610"]);

        dashboard.submit(".active-filters li:first-child a");
        dashboard.wait_for_text(NAMES, "Office 10");
        dashboard.follow("Key Name");
        assert_eq!(dashboard.texts(NAMES)[..2], ["Office 10", "Office 100"]);
        dashboard.follow("Date Created");
        dashboard.follow("Date Created");
        assert_eq!(dashboard.texts(NAMES)[..2], ["Office 610", "Office 600"], "the oldest first");
        dashboard.open("/api-keys?q=nothing+of+the+kind");
        dashboard.wait_for_text(".empty", "No key matches “nothing of the kind”.");
        dashboard.follow("Show all keys");
        assert_eq!(dashboard.texts(NAMES)[0], "Headquarters");
    }
}

#[test]
fn all_that_match_are_switched_off_after_a_question_and_on_again_by_undo() {
    for javascript in [true, false] {
        let (dashboard, key) = with_many_keys(javascript);
        assert!(!dashboard.sees("#bulk-form", ""), "nothing is selected");
        dashboard.find(".key-box").click();
        dashboard.find("#bulk-form [name=scope]").click();
        dashboard.follow("Switch off…");
        assert_eq!(dashboard.texts("h1"), ["Switch off 620 keys?"]);
        dashboard.wait_for_text(".bulk-question", "61 of them are off already and will not change.");
        assert_eq!(dashboard.keyfob.verdict(&key), "VALID", "it was asked for, and not done");

        dashboard.submit(".bulk-question [type=submit]");
        dashboard.wait_for_text(".bulk-progress__result", "559 keys switched off.");
        dashboard.wait_for_text("h1", "Switch off 620 keys: done");
        assert_eq!(dashboard.keyfob.verdict(&key), "DISABLED");
        dashboard.submit("form[action^='/undo/'] button");
        dashboard.wait_for_text("h1", "Switch off 620 keys: undone");

        dashboard.wait_for_text(".bulk-progress__result", "559 keys on again.");
        assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
        dashboard.open("/api-keys?status=disabled");
        assert_eq!(dashboard.texts(NAMES)[..2], ["Office 10", "Office 20"]);
    }
}

#[test]
fn one_box_selects_the_keys_of_the_page_and_says_how_many() {
    let (dashboard, key) = with_many_keys(true);
    dashboard.find(".key-box").click();
    dashboard.wait_for_text("#bulk-form", "1 selected");
    dashboard.find("[data-select-page]").click();
    dashboard.wait_for_text("#bulk-form", "50 selected");
    dashboard.find("[data-select-page]").click();
    dashboard.wait_gone("#bulk-form");
    dashboard.find(".key-box").click();
    dashboard.find("[data-select-page]").click();

    dashboard.follow("Delete…");
    assert_eq!(dashboard.texts("h1"), ["Delete 50 keys?"]);
    dashboard.follow("Delete 50 keys");
    dashboard.wait_for_text(TOAST, "50 keys deleted.");
    assert_eq!(dashboard.texts(NAMES)[0], "Office 50");
    assert_eq!(dashboard.keyfob.verdict(&key), "NOT_FOUND");
    dashboard.find(&format!("{TOAST} button")).click();

    dashboard.wait_for_text(TOAST, "Undone. 50 keys restored.");
    assert_eq!(dashboard.texts(NAMES)[0], "Headquarters");
    assert_eq!(dashboard.keyfob.verdict(&key), "VALID");
}
