//! Somebody is invited, joins in another browser, and is managed, with and without scripts.

use crate::dashboard::{Dashboard, PASSWORD, POP_UP, TOAST};
use crate::webdriver::Options;

const LINK: &str = "#made-link";
const PEOPLE: &str = "[aria-label=People] tbody";

#[test]
fn somebody_is_invited_by_a_pop_up_and_joins_in_another_browser() {
    let dashboard = Dashboard::signed_in(Options::default());
    dashboard.grant_clipboard();
    dashboard.follow("People");
    dashboard.click("+ Invite");
    dashboard.wait_for(POP_UP);
    assert!(dashboard.has_focus("#invitation-email"));
    dashboard.fill_in("#invitation-email", "no address");
    dashboard.click("Make link");
    dashboard.wait_for("#invitation-email-error");
    dashboard.fill_in("#invitation-email", "Grace@Example.com");
    dashboard.find("dialog [value=admin]").click();
    dashboard.click("Make link");

    let link = dashboard.wait_for(&format!("{POP_UP} {LINK}")).text();

    assert!(dashboard.has_focus("dialog [data-copy]"), "the next step is to copy the link");
    dashboard.press("Enter");
    dashboard.wait_for_text("dialog .copyable__button", "Copied");
    assert_eq!(dashboard.clipboard_text(), link);
    dashboard.follow("Done");
    dashboard.wait_for_text("[aria-labelledby=open-invitations]", "grace@example.com");
    assert!(!dashboard.source().contains(&link));
    join(&dashboard, &link);
    dashboard.wait_for_text(PEOPLE, "Admin");
}

#[test]
fn without_scripts_all_of_it_is_on_pages_of_their_own() {
    let dashboard = Dashboard::signed_in(Options { javascript: false, ..Options::default() });
    dashboard.follow("People");
    dashboard.follow("+ Invite");
    dashboard.follow("Make link");
    dashboard.wait_for_text("h1", "Link to join");
    let link = dashboard.find(LINK).text();
    join(&dashboard, &link);
    dashboard.wait_for_text(PEOPLE, "Viewer");

    dashboard.forget_everything();
    dashboard.open("/login");
    dashboard.log_in(PASSWORD);
    dashboard.open("/people");
    dashboard.follow("Grace Hopper");
    dashboard.follow("Change…");
    dashboard.find("[value=admin]").click();
    dashboard.follow("Save role");
    dashboard.wait_for_text(TOAST, "Success. Grace Hopper is Admin now.");
    dashboard.find("details summary").click();
    dashboard.follow("New password link…");
    dashboard.follow("Make link");
    let password_link = dashboard.wait_for(LINK).text();
    dashboard.follow("Done");
    dashboard.find("details summary").click();
    dashboard.follow("Disable…");
    dashboard.follow("Disable");
    dashboard.wait_for_text(TOAST, "Success. Grace Hopper can’t log in any more.");
    dashboard.goto(&password_link);
    dashboard.wait_for_text("h1", "This link has ended");
}

#[test]
fn somebody_joins_and_sets_a_new_password_on_plain_http_under_a_name_of_the_local_network() {
    let dashboard = Dashboard::in_the_local_network("keyfob.lan");
    dashboard.open("/people/invitations/new");
    dashboard.follow("Make link");
    let link = dashboard.wait_for(LINK).text();
    assert!(link.starts_with("http://keyfob.lan:"), "{link}");
    dashboard.open("/people/invitations/new");
    dashboard.follow("Make link");
    let another = dashboard.wait_for(LINK).text();
    // Somebody who is logged in as well: the form proves where it comes from.
    dashboard.goto(&another);
    dashboard.follow("Join");
    dashboard.wait_for_text(".alert", "You are already in.");
    join(&dashboard, &link);

    dashboard.forget_everything();
    dashboard.open("/login");
    dashboard.log_in(PASSWORD);
    dashboard.open("/people");
    dashboard.follow("Grace Hopper");
    dashboard.find("details summary").click();
    dashboard.click("New password link…");
    dashboard.wait_for(POP_UP);
    dashboard.follow("Make link");
    let link = dashboard.wait_for(LINK).text();
    dashboard.forget_everything();
    dashboard.goto(&link);
    dashboard.fill_in("#new-password", "a battery of correct horses");
    dashboard.follow("Save password");
    dashboard.wait_for_text("h1", "Password changed");
}

/// Uses the link in a browser without cookies, and goes to the People page.
#[track_caller]
fn join(dashboard: &Dashboard, link: &str) {
    dashboard.forget_everything();
    dashboard.goto(link);
    dashboard.wait_for_text("h1", "You are invited");
    dashboard.fill_in("#name", "Grace Hopper");
    if dashboard.find("#email").attribute("readonly").is_none() {
        dashboard.fill_in("#email", "grace@example.com");
    }
    dashboard.fill_in("#password", "another correct horse battery");
    dashboard.follow("Join");
    dashboard.wait_for_text(TOAST, "Welcome, Grace Hopper.");
    dashboard.open("/people");
    dashboard.wait_for_text(PEOPLE, "Grace Hopper");
}
