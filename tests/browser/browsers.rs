//! Browsers are used by one test after the other: to start one takes longer than most tests.

use std::sync::{Arc, Mutex, PoisonError};

use crate::webdriver::{Browser, Options};

static BROWSERS: Mutex<Vec<Arc<Browser>>> = Mutex::new(Vec::new());

/// A browser that nobody else uses and that remembers nothing. It is free again when dropped.
#[track_caller]
pub fn borrow(options: Options) -> Arc<Browser> {
    if let Some(browser) = take_idle(&options) {
        browser.forget_everything();
        return browser;
    }
    let browser = Arc::new(Browser::start(options));
    BROWSERS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&browser));
    browser
}

/// Nobody gets this browser again.
pub fn retire(unfit: &Arc<Browser>) {
    let mut browsers = BROWSERS.lock().unwrap_or_else(PoisonError::into_inner);
    browsers.retain(|browser| !Arc::ptr_eq(browser, unfit));
}

/// Ends idle browsers of other kinds: tests of one kind follow one another.
fn take_idle(options: &Options) -> Option<Arc<Browser>> {
    let mut browsers = BROWSERS.lock().unwrap_or_else(PoisonError::into_inner);
    browsers.retain(|browser| Arc::strong_count(browser) > 1 || browser.options() == options);
    browsers.iter().find(|browser| Arc::strong_count(browser) == 1).map(Arc::clone)
}
