//! Limiting what a key may do and from where, and the catalogue of scopes, with scripts and without.

use crate::dashboard::{Dashboard, FIRST_ROW, NAME, POP_UP, REVEALED_KEY, TOAST};
use crate::webdriver::Options;

#[test]
fn a_key_is_limited_on_its_page_and_a_refused_address_is_allowed() {
    limit_a_key(&Dashboard::signed_in(Options::default()));
}

#[test]
fn a_key_is_limited_on_its_page_and_a_refused_address_is_allowed_without_scripts() {
    limit_a_key(&without_scripts());
}

#[test]
fn a_service_gets_a_scope_and_loses_it_in_pop_ups() {
    let dashboard = Dashboard::signed_in(Options::default());
    add_a_scope(&dashboard);
    dashboard.click("Edit orders.read");
    dashboard.wait_for(POP_UP);
    dashboard.fill_in("#scope-sentence", "Read orders and invoices");
    dashboard.follow("Save");
    dashboard.wait_for_text(".scope", "Read orders and invoices");
    dashboard.click("Delete orders.read");
    dashboard.wait_for_text(POP_UP, "No key has this scope");
    assert!(dashboard.has_focus(".form__actions .btn:not(.btn--danger)"), "the safe answer has the focus");
    dashboard.follow("Delete scope");
    dashboard.wait_for_text(TOAST, "Scope “orders.read” deleted");
    assert_eq!(dashboard.find_all(".scope").len(), 3);
}

#[test]
fn a_service_gets_a_scope_and_loses_it_without_scripts() {
    let dashboard = without_scripts();
    add_a_scope(&dashboard);
    dashboard.follow("Edit orders.read");
    dashboard.fill_in("#scope-sentence", "Read orders and invoices");
    dashboard.follow("Save");
    dashboard.wait_for_text(".scopes", "Read orders and invoices");
    dashboard.follow("Delete orders.read");
    dashboard.wait_for_text("main", "No key has this scope");
    dashboard.follow("Delete scope");
    dashboard.wait_for_text(TOAST, "Scope “orders.read” deleted");
}

#[test]
fn the_connect_page_asks_for_the_scopes_that_are_ticked_without_scripts() {
    let dashboard = without_scripts();
    dashboard.open("/connect?service=sms");
    dashboard.find(".connect__scopes summary").click();
    dashboard.find("[name=scope][value='messages.send']").click();
    dashboard.follow("Show snippets");
    dashboard.wait_for_text("#snippet-nginx", "/v1/auth?service=sms&scopes=messages.send;");
}

fn without_scripts() -> Dashboard {
    Dashboard::signed_in(Options { javascript: false, ..Options::default() })
}

#[track_caller]
fn add_a_scope(dashboard: &Dashboard) {
    dashboard.open("/services");
    dashboard.follow("SMS");
    dashboard.find("#scopes .more__summary").click();
    dashboard.fill_in("#scope-name", "Orders");
    dashboard.fill_in("#scope-description", "Read orders");
    dashboard.follow("Add scope");
    dashboard.wait_for_text("#scope-name-error", "lower-case letters");
    dashboard.fill_in("#scope-name", "orders.read");
    dashboard.follow("Add scope");
    dashboard.wait_for_text(TOAST, "Scope “orders.read” added.");
}

#[track_caller]
fn limit_a_key(dashboard: &Dashboard) {
    dashboard.open("/api-keys/new?service=sms");
    dashboard.fill_in(NAME, "Project X");
    dashboard.follow("Create");
    let key = dashboard.wait_for(REVEALED_KEY).text();
    let id = dashboard.find(FIRST_ROW).attribute("id").unwrap_or_default();
    let page = format!("/api-keys/{id}");
    dashboard.open(&page);

    dashboard.find("#scopes .more__summary").click();
    dashboard.find("#key-scopes [value=some]").click();
    dashboard.find("#key-scopes [value='messages.read']").click();
    dashboard.follow("Save scopes");
    dashboard.wait_for_text(TOAST, "may do: messages.read.");
    dashboard.find("#allowed-ips .more__summary").click();
    dashboard.fill_in("#key-allowed-ips", "10.0.0.5/8");
    dashboard.follow("Save addresses");
    dashboard.wait_for_text("#key-allowed-ips-error", "Did you mean 10.0.0.0/8?");
    dashboard.fill_in("#key-allowed-ips", "10.0.0.0/8");
    dashboard.follow("Save addresses");
    dashboard.wait_for_text(TOAST, "may be used from 10.0.0.0/8.");

    assert_eq!(dashboard.keyfob.verdict_for(&key, "203.0.113.9"), "IP_NOT_ALLOWED");
    dashboard.open(&page);
    dashboard.wait_for_text(".refusal", "Refused from 203.0.113.9, once");
    dashboard.follow("Allow this address: 203.0.113.9");
    dashboard.wait_for_text(TOAST, "2 addresses and ranges");
    assert_eq!(dashboard.keyfob.verdict_for(&key, "203.0.113.9"), "VALID");
    assert_eq!(dashboard.keyfob.verdict_for(&key, "203.0.113.10"), "IP_NOT_ALLOWED");
}
