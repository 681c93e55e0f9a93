//! The rules of the house, where a machine can watch over them.

use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a folder of the project, with its text.
fn texts(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} is empty");
    found
}

/// No file of the folder has any of the words, but for its comments.
#[track_caller]
fn assert_free_of(folder: &str, words: &[&str]) {
    for (path, text) in texts(folder) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let word = words.iter().find(|word| line.contains(**word));
            assert_eq!(word, None, "{path}: {line}");
        }
    }
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    for (path, text) in texts("src").into_iter().filter(|(path, _)| path.ends_with(".rs")) {
        assert!(text.lines().count() <= 400, "{path} has {} lines", text.lines().count());
    }
}

#[test]
fn what_is_below_knows_nothing_of_what_is_above() {
    let below = |folder: &str, unknown: &[&str]| {
        for (path, text) in texts(folder).into_iter().filter(|(path, _)| path.ends_with(".rs")) {
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let room = unknown.iter().find(|room| line.contains(&format!("crate::{room}::")));
                assert_eq!(room, None, "{path}: {line}");
            }
        }
    };
    below("src/api", &["dashboard", "app", "routes"]);
    below("src/dashboard", &["api", "app", "routes"]);
    below("src/http", &["api", "dashboard", "app", "routes"]);
    below("src/server", &["api", "dashboard", "http", "gate", "sms", "domain", "store", "app", "routes"]);
    below("src/gate", &["api", "dashboard", "http", "server", "sms", "app", "routes"]);
    below("src/sms", &["api", "dashboard", "http", "server", "gate", "app", "routes"]);
    below("src/domain", &["api", "dashboard", "http", "server", "gate", "sms", "app", "routes"]);
    below("src/store", &["api", "dashboard", "http", "server", "gate", "sms", "domain", "app", "routes"]);
    for folder in ["src/domain", "src/store", "src/gate", "src/sms"] {
        assert_free_of(folder, &["actix"]);
    }
    for folder in ["src/api", "src/dashboard", "src/http", "src/server"] {
        assert_free_of(folder, &["diesel"]);
    }
}

#[test]
fn templates_run_and_style_nothing_inline() {
    assert_free_of("templates", &["style=", "hx-on", "js:", "javascript:", "onclick", "|safe", "| safe"]);
    for (path, text) in texts("templates") {
        for script in text.split("<script").skip(1) {
            assert!(script.trim_start().starts_with("src="), "{path}");
        }
    }
}

#[test]
fn every_asset_that_a_template_names_exists() {
    for (path, text) in texts("templates") {
        for rest in text.split("assets::url(\"").skip(1) {
            let name = rest.split('"').next().unwrap();
            assert!(name == "app.css" || Path::new("static").join(name).is_file(), "{path} names {name}");
            assert!(!keyfob::http::assets::url(name).is_empty(), "{path} names {name}");
        }
    }
}

#[test]
fn every_file_that_styles_or_scripts_name_exists() {
    let scripts = ("static/app.js".to_owned(), fs::read_to_string("static/app.js").unwrap());
    for (path, text) in texts("static/css").into_iter().chain([scripts]) {
        assert!(!text.trim().is_empty(), "{path} is empty");
        for rest in text.split("asset:").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
            assert!(Path::new("static").join(&name).is_file(), "{path} names {name}");
        }
        assert!(!text.contains("url(http"), "{path} loads from elsewhere");
    }
}

#[test]
fn every_template_is_used() {
    let users: String = texts("src").into_iter().chain(texts("templates")).map(|(_, text)| text).collect();
    for (path, _) in texts("templates") {
        let name = path.strip_prefix("templates/").unwrap();
        assert!(users.contains(&format!("\"{name}\"")), "nothing uses {path}");
    }
}

#[test]
fn every_migration_can_be_undone() {
    for folder in fs::read_dir("migrations").unwrap().map(|entry| entry.unwrap().path()) {
        for file in ["up.sql", "down.sql"] {
            assert!(folder.join(file).is_file(), "{} has no {file}", folder.display());
        }
    }
}

#[test]
fn the_map_names_every_part_of_the_house() {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let map: String = text.lines().filter(|line| line.starts_with("//!")).collect();
    for module in text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(map.contains(module), "{module} is not on the map");
    }
}

#[test]
fn every_file_of_a_noun_is_a_module() {
    for (path, _) in texts("tests/it").into_iter().filter(|(path, _)| path.matches('/').count() == 2) {
        let name = path.trim_start_matches("tests/it/").trim_end_matches(".rs");
        let is_named = include_str!("main.rs").contains(&format!("mod {name};"));
        assert!(is_named || name == "main", "{path} is never run");
    }
}
