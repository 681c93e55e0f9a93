//! Clients that generators make from `/openapi.json`, compiled and used against the real server
//! as their users would. `tests/run` installs the generators into `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{App, Database, Key, PHONE};

/// What each program of `tests/clients` prints.
const OUTPUT: &str = "\
verified True VALID live None
verified False NOT_FOUND None None
sent +420777123456 order-42
sent 2
read +420777123456 True
balance True
refused 422 INVALID to
refused 401 NOT_FOUND
created Customer 42 cust_42 True
again True None True
verified cust_42 pro
changed Customer 43 2
rotated True True
disabled disabled DISABLED
listed 1 None
refused 403 OUT_OF_BOUNDS
";

fn target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path)
}

/// The program of an application: `tests/clients/…`.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// A folder with the document as the server serves it, and the client made from it.
struct Workshop<'db> {
    app: App<'db>,
    key: Key,
    manager: Key,
    folder: tempfile::TempDir,
}

impl<'db> Workshop<'db> {
    fn open(db: &'db Database) -> Self {
        let app = db.app();
        let (key, manager) = (app.make_key("Project X"), app.make_management_key("*", "sms"));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("openapi.json"), app.anonymous().get("/openapi.json").assert_ok().body).unwrap();
        Self { app, key, manager, folder }
    }

    /// Runs a command in the folder, with the packages that `tests/run` has installed.
    #[track_caller]
    fn run(&self, program: impl AsRef<Path>, arguments: &[&str]) -> String {
        let program = program.as_ref();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path());
        let packages = [target("clients"), self.folder.path().to_owned()];
        command.env("PYTHONPATH", std::env::join_paths(packages).unwrap()).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let output = command.output().unwrap_or_else(|error| panic!("{} can't be started: {error}", program.display()));
        let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{} {arguments:?}:\n{said}\n{log}", program.display());
        said.into_owned()
    }

    /// What a program of an application prints that has the server's address, a key and a management key.
    #[track_caller]
    fn output_of(&self, runner: &str, program: &Path) -> String {
        let program = program.to_str().unwrap();
        self.run(runner, &[program, &self.app.url, &self.key.secret, PHONE, &self.manager.secret])
    }
}

#[test]
fn the_client_of_openapi_generator_sends_verifies_reads_the_balance_and_reads_errors() {
    let db = Database::sqlite();
    let workshop = Workshop::open(&db);

    let settings = ["-i", "openapi.json", "-g", "python", "--package-name", "keyfob_client"];
    let generate = ["-c", "from openapi_generator_cli import cli; cli()", "generate", "-o", "."];
    workshop.run("python3", &[&generate, &settings[..]].concat());

    assert_eq!(workshop.output_of("python3", &program("openapi_generator.py")), OUTPUT);
}

#[test]
fn the_client_of_openapi_python_client_sends_verifies_reads_the_balance_and_reads_errors() {
    let db = Database::sqlite();
    let workshop = Workshop::open(&db);

    let settings = ["--path", "openapi.json", "--output-path", "keyfob_client", "--meta", "none", "--fail-on-warning"];
    // The generator knows no lines of JSON, unless it is told to take them for bytes.
    let config = "post_hooks: []\ncontent_type_overrides:\n  application/jsonl: application/octet-stream\n  \
                  application/x-ndjson: application/octet-stream\n";
    fs::write(workshop.folder.path().join("config.yml"), config).unwrap();
    let generate = ["-m", "openapi_python_client", "generate", "--config", "config.yml"];
    workshop.run("python3", &[&generate, &settings[..]].concat());

    assert_eq!(workshop.output_of("python3", &program("openapi_python_client.py")), OUTPUT);
}

#[test]
fn the_types_of_openapi_typescript_compile_and_describe_what_the_server_answers() {
    let db = Database::sqlite();
    let workshop = Workshop::open(&db);
    let folder = workshop.folder.path();
    fs::copy(program("openapi_typescript.ts"), folder.join("main.ts")).unwrap();
    fs::write(folder.join("package.json"), r#"{"type": "module"}"#).unwrap();

    workshop.run(target("npm/node_modules/.bin/openapi-typescript"), &["openapi.json", "-o", "keyfob.ts"]);
    let strict = ["--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "nodenext"];
    workshop.run(target("npm/node_modules/.bin/tsc"), &[&strict, &["main.ts"][..]].concat());

    assert_eq!(workshop.output_of("node", &folder.join("main.js")), OUTPUT);
}
