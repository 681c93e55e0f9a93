//! A second factor, from the first scan to a login with it.

use crate::dashboard::{Dashboard, PASSWORD};
use crate::phone::{Phone, SECRET};
use crate::webdriver::Options;

#[test]
fn a_phone_is_set_up_and_asked_for_at_the_next_login() {
    set_up_and_log_in(Options::default());
}

#[test]
fn it_takes_no_scripts() {
    set_up_and_log_in(Options { javascript: false, ..Options::default() });
}

#[test]
fn the_secret_and_the_recovery_codes_can_be_copied_and_the_codes_downloaded() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.grant_clipboard();
    dashboard.open("/settings/second-factor");
    dashboard.follow("Set up");
    let phone = Phone::reads(&dashboard);
    dashboard.find("summary").click();
    dashboard.click("Copy secret");
    dashboard.wait_for_text(".copyable", "Copied");
    assert_eq!(dashboard.clipboard_text(), dashboard.find(SECRET).text());

    dashboard.fill_in("#activation-code", &phone.code());
    dashboard.follow("Turn on");
    let codes = recovery_codes(&dashboard);
    assert_eq!(codes.lines().count(), 10, "{codes}");
    dashboard.click("Copy codes");
    dashboard.wait_for_text(".copyable", "Copied");
    assert_eq!(dashboard.clipboard_text().trim_end(), codes);
    const FILE: &str = "return (async () => {
        const link = document.querySelector('[download]');
        return decodeURIComponent(link.href.slice(link.href.indexOf(',') + 1));
    })()";
    let file = dashboard.execute(FILE, &[]);
    assert_eq!(file.as_str().map(str::trim_end), Some(&*codes));
    dashboard.click("Download");

    dashboard.follow("Done");
    dashboard.back();
    assert!(!dashboard.source().contains(codes.lines().next().unwrap_or("no code")), "the codes came back");
    assert_eq!(dashboard.console_messages(), [""; 0]);
}

/// They fade in, and are no text before.
#[track_caller]
fn recovery_codes(dashboard: &Dashboard) -> String {
    dashboard.wait_for_calm();
    dashboard.find("#recovery-codes").text()
}

#[track_caller]
fn set_up_and_log_in(options: Options) {
    let dashboard = Dashboard::signed_in(options);
    dashboard.open("/settings");
    dashboard.follow("Second factor");
    dashboard.follow("Set up");
    assert!(dashboard.find("svg.qr-code").is_displayed());
    let phone = Phone::reads(&dashboard);
    dashboard.fill_in("#activation-code", &phone.code());
    dashboard.follow("Turn on");
    let recovery_code = recovery_codes(&dashboard).lines().next().unwrap_or_default().to_owned();
    dashboard.follow("Done");
    dashboard.wait_for_text("#recovery-codes-left", "10 of 10 left");

    dashboard.follow("Log out");
    dashboard.log_in(PASSWORD);
    dashboard.wait_for_text("h1", "Enter your code");
    dashboard.open("/api-keys");
    dashboard.wait_for_text("h1", "Log in");
    dashboard.log_in(PASSWORD);
    dashboard.fill_in("#code", &phone.next_code());
    dashboard.follow("Log in");
    dashboard.wait_for_text("h1", "API Keys");

    dashboard.follow("Log out");
    dashboard.log_in(PASSWORD);
    dashboard.find("summary").click();
    dashboard.fill_in("#recovery-code", &recovery_code);
    dashboard.follow("Log in with recovery code");
    dashboard.wait_for_text("h1", "API Keys");
    dashboard.open("/settings/second-factor");
    dashboard.wait_for_text("#recovery-codes-left", "9 of 10 left");
}
