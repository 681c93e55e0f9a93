//! The static program as a container runs it: a root without anything but itself and
//! `/data`, read-only, as a user that no file names.

use std::fs;

use serde_json::json;

use crate::support::{
    Client, Database, EMAIL, EmptyRoot, IMAGE_USER, Key, MESSAGES, NameServer, PASSWORD, PHONE, Process, Receiver,
    Smsc, is_root,
};

/// The first start with its setup code, and a key.
#[track_caller]
fn set_up(process: &mut Process) -> (Client, Key) {
    let url = process.wait_for("Open");
    let code = process.wait_for("Setup code");
    let client = Client::new(url.strip_suffix("/setup").unwrap());
    let fields = [("code", &*code), ("name", "Ada"), ("email", EMAIL), ("password", PASSWORD)];
    client.post("/setup", &fields).assert_leads_to("/api-keys");
    let key = client.create_key("Project X");
    (client, key)
}

#[track_caller]
fn assert_valid(client: &Client, key: &Key) {
    let verdict = client.post_json("/v1/keys/verify", json!({"key": key.secret}).to_string());
    assert_eq!(verdict.assert_ok().json()["code"], "VALID");
}

#[track_caller]
fn stop(process: Process) {
    process.signal("TERM");
    process.end().assert_success();
}

#[test]
fn whatever_the_user_keys_are_made_and_kept_in_a_root_that_holds_nothing_else() {
    for user in [IMAGE_USER, 1000] {
        let root = EmptyRoot::of(user);

        let mut first = root.serve(&[]);
        let (client, key) = set_up(&mut first);
        assert_valid(&client, &key);
        let address = client.base().strip_prefix("http://").unwrap();
        let ended = root.run(&["health", "--listen", address]).assert_success();
        assert_eq!(ended.stdout, format!("Keyfob at {address} is ready.\n"));
        stop(first);
        root.run(&["health", "--listen", address]).assert_says("is not ready").assert_one_sentence();

        let mut second = root.serve(&[]);
        assert_valid(&second.client(), &key);
        root.run(&["backup", "/data/copy.db"]).assert_success();
        stop(second);
        let mut names: Vec<_> = fs::read_dir(root.data()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names.retain(|name| !name.to_string_lossy().starts_with("keyfob.db-"));
        assert_eq!(names, ["copy.db", "keyfob.db"]);
    }
}

#[test]
fn a_data_folder_of_somebody_else_is_told_in_one_sentence() {
    if !is_root() {
        return; // A folder that is not one's own needs another user.
    }
    let root = EmptyRoot::of(IMAGE_USER);
    root.give_data_to(1000);

    let ended = root.serve(&[]).end();

    ended.assert_says("/data/keyfob.db can't be written; give Keyfob's user the right").assert_one_sentence();
    assert_eq!(fs::read_dir(root.data()).unwrap().count(), 0);
}

/// Sends a message with a name for each machine: the database, the carrier, and whom the
/// callback goes to.
fn send_by_names(root: &EmptyRoot) {
    let db = Database::postgres().empty();
    let (carrier, receiver) = (Smsc::start(&[]), Receiver::start());
    let url = db.url().replace("127.0.0.1", "database.example");
    let transport = carrier.url("").replace("127.0.0.1", "carrier.example");
    let mut process = root.serve(&[
        ("DATABASE_URL", &url),
        ("KEYFOB_SMS_TRANSPORT", &transport),
        ("KEYFOB_CALLBACK_ALLOW", "127.0.0.0/8"),
    ]);

    let (client, key) = set_up(&mut process);
    let hook = receiver.url().replace("127.0.0.1", "hooks.example");
    client.post(&format!("/api-keys/{}/callback", key.id), &[("url", &hook), ("action", "save")]).assert_ok();
    let message = json!({"to": PHONE, "text": "Hello"}).to_string();
    client.with("x-api-key", &key.secret).post_json(MESSAGES, message).assert_status(202);

    carrier.wait_for("submit");
    let call = receiver.wait_for(1).remove(0);
    assert_eq!(call.headers["host"], format!("hooks.example:{}", receiver.port));
    stop(process);
}

#[test]
fn names_are_found_in_the_hosts_file() {
    let hosts = "127.0.0.1 database.example carrier.example hooks.example\n";
    send_by_names(&EmptyRoot::of(IMAGE_USER).with_etc("hosts", hosts));
}

#[test]
fn names_are_asked_of_the_name_server() {
    if !is_root() {
        return; // A name server listens at a port of root's.
    }
    let resolv_conf = NameServer::start().resolv_conf();
    send_by_names(&EmptyRoot::of(IMAGE_USER).with_etc("resolv.conf", &resolv_conf));
}
