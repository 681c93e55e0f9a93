//! Who owns the database: Keyfob's user has to be able to write it, also when root ran a command on it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::support::{Database, EMAIL, Ended, PASSWORD, run, run_as};

/// A user who owns nothing else.
const SERVICE: u32 = 65_534;

/// A folder of the service's, if the tests run as root: nobody else can give one away.
fn service_folder() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(folder.path(), Some(SERVICE), Some(SERVICE)).ok().map(|()| folder)
}

/// Runs a command on the database as the service's user.
fn run_as_service(arguments: &[&str], url: &str) -> Ended {
    run_as(SERVICE, &[arguments, &["--database-url", url]].concat())
}

fn url_of(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Makes a database with a person in it.
#[track_caller]
fn make(file: &Path) {
    run(&["operator", "add", EMAIL, "--create", "--database-url", &url_of(file)], PASSWORD).assert_success();
}

#[test]
fn a_file_that_its_user_may_only_read_is_refused_at_the_start() {
    let Some(folder) = service_folder() else { return };
    let file = folder.path().join("keyfob.db");
    make(&file);
    run_as_service(&["migrate"], &url_of(&file)).assert_success();
    chown(&file, Some(0), Some(0)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();

    let ended = run_as_service(&["serve", "--listen", "127.0.0.1:0"], &url_of(&file));
    ended.assert_one_sentence().assert_says("keyfob.db can't be written; give Keyfob's user the right");

    let report = run_as_service(&["doctor"], &url_of(&file));
    assert_eq!(report.status.code(), Some(2), "{report:?}");
    assert!(report.stdout.contains("keyfob.db can't be written"), "{report:?}");
    let report = run(&["doctor", "--database-url", &url_of(&file)], "");
    assert!(report.stdout.contains("belongs to root, and its folder to user 65534"), "{report:?}");
}

#[test]
fn a_role_that_may_only_read_is_refused_at_the_start() {
    let db = Database::postgres();
    let (server, name) = (db.url(), db.url().rsplit_once('/').unwrap().1.to_owned());
    let role = format!("reader_{name}");
    db.execute(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"));
    let url = server.replacen("postgres@", &format!("{role}@"), 1);

    let ended = run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url], "");
    ended.assert_one_sentence().assert_says("its role may not write to account").assert_says("grant it SELECT, INSERT");
    let report = run(&["doctor", "--database-url", &url], "");
    assert!(report.status.code() == Some(2) && report.stdout.contains("may not write to account"), "{report:?}");

    db.execute(&format!("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"));
    run(&["key", "list", "--database-url", &url], "").assert_success();
    let report = run(&["doctor", "--database-url", &url], "");
    assert!(!report.stdout.contains("may not write"), "{report:?}");
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_database_that_root_makes_for_the_service_belongs_to_the_service() {
    let (Some(folder), Some(other)) = (service_folder(), service_folder()) else { return };
    let owner = |path: &Path| fs::metadata(path).map(|file| (file.uid(), file.gid())).unwrap();
    let (file, copied) = (folder.path().join("keyfob.db"), other.path().join("copied.db"));
    let backup = folder.path().join("backup.db");
    make(&file);
    run(&["copy", "--to", &url_of(&copied), "--database-url", &url_of(&file)], "").assert_success();
    run(&["backup", &backup.display().to_string(), "--database-url", &url_of(&file)], "").assert_success();

    assert_eq!([owner(&file), owner(&copied)], [(SERVICE, SERVICE); 2]);
    assert_eq!(owner(&backup), (0, 0), "a backup holds secrets, and is nobody's but root's who made it");

    run(&["restore", &backup.display().to_string(), "--database-url", &url_of(&file)], "").assert_success();
    assert_eq!(owner(&file), (SERVICE, SERVICE));
    let report = run(&["doctor", "--database-url", &url_of(&file)], "");
    assert!(!report.stdout.contains("belongs to"), "{report:?}");
}
