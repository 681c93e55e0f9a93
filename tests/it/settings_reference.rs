//! `docs/settings.md` is made from the code. After a change of a setting, make it anew:
//! `WRITE_DOCS=1 cargo test --test it settings_reference`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, CommandFactory};
use keyfob::cli::Cli;

use crate::support::{Database, run};

const INTRODUCTION: &str = "# Settings

<!-- Made from the code by tests/it/settings_reference.rs. -->

Settings of the process are given as flags or as environment variables. A flag takes precedence over its variable; an
empty variable is ignored. Every command takes them all, so that a script may give each the same ones; commands
that work on a database need `DATABASE_URL`. A setting that can't be read ends the start with a sentence that names it.

A secret may stand in a file instead: add `_FILE` to the name of its variable. The file holds the value alone, on one
line. It takes precedence over the variable itself, and the flag over both. This is how Docker, Kubernetes and systemd
(`LoadCredential=`) hand secrets over.

## The process
";

const ENVIRONMENT_ONLY: &str = "
## Environment only

| Variable | What it sets | Default |
|---|---|---|
| `KEYFOB_LOG` | What is logged: `warn`, `info`, `debug`, or a filter such as `keyfob=debug` | `info` |
| `KEYFOB_LOG_FORMAT` | `text`, or `json` for one object on each line | `text` |

## The installation

These are kept in the database and hold for all instances. Owners change them under *Settings*, or a shell does with
`keyfob setting set NAME VALUE`.

| Name | Value of a new installation | What it sets |
|---|---|---|
";

fn row(arg: &Arg) -> String {
    let name = arg.get_long().unwrap();
    let takes_value = arg.get_action().takes_values();
    let value = arg
        .get_value_names()
        .filter(|_| takes_value)
        .map(|names| names.join(" "))
        .unwrap_or_default()
        .replace('|', "\\|");
    let flag = format!("--{name} {value}").trim_end().to_owned();
    let variable = arg.get_env().unwrap().to_str().unwrap();
    let file = if arg.is_hide_env_values_set() { format!("<br>`{variable}_FILE`") } else { String::new() };
    let meaning = arg.get_help().unwrap().to_string().replace('|', "\\|");
    let default = arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let default = default.filter(|value| !value.is_empty()).map(|value| format!("`{value}`")).unwrap_or_default();
    format!("| `{flag}` | `{variable}`{file} | {meaning} | {default} |\n")
}

/// What `setting list` prints on a new database: name, value and meaning between tabs or wide
/// spaces.
fn installation_rows() -> String {
    let db = Database::sqlite();
    drop(db.app());
    let listed = run(&["setting", "list", "--database-url", &db.url()], "").assert_success().stdout;
    let cell = |text: &str| text.trim().to_owned();
    listed
        .lines()
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap();
            let (value, meaning) = rest.trim().split_once("  ").unwrap_or(("", rest));
            format!("| `{}` | `{}` | {} |\n", cell(name), cell(value), cell(meaning))
        })
        .collect()
}

#[test]
fn the_page_of_all_settings_is_what_the_code_says() {
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n| Flag | Variable | What it sets | Default |\n|---|---|---|---|\n");
    let command = Cli::command();
    for arg in command.get_arguments().filter(|arg| arg.get_env().is_some()) {
        write!(page, "{}", row(arg)).unwrap();
    }
    page.push_str(ENVIRONMENT_ONLY);
    page.push_str(&installation_rows());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }

    let written = fs::read_to_string(&path).unwrap_or_default();

    assert!(
        written == page,
        "docs/settings.md is not what the code says; see the head of this file. It should be:\n{page}"
    );
}
