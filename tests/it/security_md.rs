//! `SECURITY.md` promises nothing without a proof.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const SECURITY: &str = include_str!("../../SECURITY.md");

/// The name of every function in Rust files below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names =
                text.lines().filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "));
            found.extend(names.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

#[test]
fn every_promise_names_tests_that_exist() {
    let mut found = BTreeSet::new();
    for folder in ["tests/it", "tests/browser", "src"] {
        functions(Path::new(folder), &mut found);
    }
    let (_, table) = SECURITY.split_once("| promise | test |\n|---|---|\n").unwrap();
    assert!(table.lines().count() > 30, "the table was not found");
    for line in table.lines() {
        let (promise, tests) = line.trim_matches('|').split_once('|').unwrap();
        assert!(!tests.trim().is_empty(), "{promise} has no test");
        for test in tests.split(',') {
            let name = test.trim().strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap();
            assert!(found.contains(name), "{promise}: there is no test {name}");
        }
    }
}

#[test]
fn the_page_is_short_enough_to_be_read() {
    assert!(SECURITY.lines().count() <= 120);
}
