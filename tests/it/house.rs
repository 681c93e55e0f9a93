//! The rules of the house, where a machine can watch over them.

use std::fs;
use std::path::{Path, PathBuf};

use keyfob::dashboard::frame::addresses::ATTRIBUTES;

use crate::support::SourceGraph;

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

/// The rooms of the house, top floor first. A room uses rooms of lower floors
/// only, so that `api` and `dashboard`, or `gate` and `sms`, do not know each other.
const FLOORS: [&[&str]; 13] = [
    &["main"],
    &["cli"],
    &["app"],
    &["routes", "shutdown"],
    &["api", "dashboard"],
    &["config"],
    &["http"],
    &["audit_log", "server", "gate", "sms"],
    &["domain"],
    &["clock"],
    &["store"],
    &["environment", "random"],
    &[
        "certificate_fault",
        "csv",
        "error",
        "folded_text",
        "format",
        "hex",
        "networks",
        "repeats",
        "secret_text",
        "service_manager",
        "telemetry",
    ],
];

fn room(path: &str) -> &str {
    let name = path.trim_start_matches("src/").split('/').next().unwrap();
    name.trim_end_matches(".rs")
}

fn floor(path: &str) -> usize {
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&room(path)));
    floor.unwrap_or_else(|| panic!("{path} is in no room of FLOORS"))
}

#[test]
fn arrows_between_rooms_go_down() {
    let graph = SourceGraph::read("src");

    assert!(graph.uses.contains(&("src/main.rs".to_owned(), "src/cli.rs".to_owned())), "no arrow is found");
    for file in graph.files.iter().filter(|file| file.path != "src/lib.rs") {
        floor(&file.path);
    }
    for (user, used) in graph.uses.iter().filter(|(user, used)| room(user) != room(used)) {
        assert!(floor(user) < floor(used), "{user} uses {used}");
    }
}

#[test]
fn the_server_knows_nothing_of_what_it_serves() {
    let graph = SourceGraph::read("src");

    let arrows = graph.uses.iter().filter(|(user, used)| room(user) == "server" && room(used) != "server");
    for (user, used) in arrows {
        assert!(["clock", "error"].contains(&room(used)), "{user} uses {used}");
    }
}

#[test]
fn http_and_sql_stay_in_their_rooms() {
    for folder in ["src/domain", "src/store", "src/gate", "src/sms"] {
        assert_free_of(folder, &["actix"]);
    }
    for folder in ["src/api", "src/dashboard", "src/http", "src/server"] {
        assert_free_of(folder, &["diesel"]);
    }
}

#[test]
fn handlers_change_things_through_the_one_door_that_records_who_did() {
    // A browser's session and another hash of the same password are no changes of anybody's.
    // A notice that was seen is gone.
    let bookkeeping =
        ["src/dashboard/frame/session.rs", "src/dashboard/frame/session_store.rs", "src/dashboard/login/password.rs"];
    for folder in ["src/api", "src/dashboard"] {
        for (path, text) in texts(folder).into_iter().filter(|(path, _)| !bookkeeping.contains(&&**path)) {
            let code = text.split("#[cfg(test)]").next().unwrap();
            assert!(!code.contains("store.write("), "{path} writes without an actor; use Store::change");
        }
    }
}

#[test]
fn no_log_line_has_a_field_that_hides_its_sentence() {
    for (path, text) in texts("src") {
        for call in text.split("tracing::").skip(1) {
            // The sentence itself is the field `message` of the line.
            let fields = call.split(['"', ';']).next().unwrap_or_default();
            let mut names = fields.split(['(', ',']).map(|field| field.split('=').next().unwrap_or_default().trim());
            assert!(names.all(|name| name.trim_start_matches(['%', '?']) != "message"), "{path}: {fields}");
        }
    }
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let graph = SourceGraph::read("src");

    let long: Vec<&str> = graph.files.iter().filter(|file| file.lines > 300).map(|file| &*file.path).collect();
    assert_eq!(long, [""; 0], "over 300 lines");
}

#[test]
fn a_re_export_is_a_use_of_the_file_that_defines_the_name() {
    let crate_root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(crate_root.path().join(name), text).unwrap();
    fs::create_dir(crate_root.path().join("keys")).unwrap();
    write("lib.rs", "mod keys; mod ground;");
    write("ground.rs", "// use crate::keys::list;\npub const PATH: &str = \"crate::keys::list::find\";");
    write("keys/mod.rs", "mod list; mod record; pub use list::find; pub use record::Key;");
    write("keys/list.rs", "use super::Key; use crate::ground; fn find() -> Key { ground::PATH }");

    write("keys/record.rs", "pub struct Key;");
    assert_eq!(SourceGraph::read(crate_root.path().to_str().unwrap()).circular(), [("", ""); 0]);

    write("keys/record.rs", "pub struct Key; impl Key { fn find() { crate::keys::find() } }");
    let graph = SourceGraph::read(crate_root.path().to_str().unwrap());
    let circle: Vec<bool> = graph.circular().iter().map(|(user, _)| user.ends_with("mod.rs")).collect();
    assert_eq!(circle, [false, false]);
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let graph = SourceGraph::read("src");

    assert_eq!(graph.circular(), [("", ""); 0]);
}

#[test]
fn a_type_name_stands_for_one_thing() {
    let graph = SourceGraph::read("src");

    let ambiguous = graph.ambiguous_types();

    assert!(ambiguous.is_empty(), "{ambiguous:#?}");
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
fn templates_write_addresses_where_a_base_path_is_put_before_them() {
    for (path, text) in texts("templates") {
        for (at, mark) in text.match_indices(['"', '\'']) {
            let Some(names) = text[..at].strip_suffix('=') else { continue };
            let name = names.rsplit(|c: char| c.is_whitespace()).next().unwrap();
            let asks =
                ["hx-action", "hx-delete", "hx-patch", "hx-put", "hx-push-url", "hx-replace-url"].contains(&name);
            let is_rooted = text[at + mark.len()..].starts_with('/') && text[..at].rfind('<') > text[..at].rfind('>');
            assert!(!(is_rooted || asks) || ATTRIBUTES.contains(&name), "{path}: {name} is none of ATTRIBUTES");
        }
        for name in ATTRIBUTES {
            assert!(!text.contains(&format!(" {name}=/")), "{path}: {name} has no quotation marks");
        }
    }
}

#[test]
fn pages_are_drawn_in_the_one_place_that_puts_a_base_path_into_them() {
    for (path, text) in texts("src/dashboard").into_iter().filter(|(path, _)| path != "src/dashboard/frame/layout.rs") {
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains(".render(") && !code.contains("render_into("), "{path} draws a page; use layout::html");
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
fn the_map_names_every_room_and_only_files_that_exist() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    assert!(map.lines().count() <= 100, "{} lines", map.lines().count());
    for module in include_str!("../../src/lib.rs").lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = module.trim_end_matches(';');
        assert!(map.contains(module), "{module} is not on the map");
    }
    for name in map.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs") || name.ends_with(".html")) {
        let exists =
            ["", "src/", "src/sms/transport/"].iter().any(|root| Path::new(&format!("{root}{name}")).is_file());
        assert!(exists, "the map names {name}, which does not exist");
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
