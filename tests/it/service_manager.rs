//! What the service manager is told: `sd_notify` of systemd.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::support::{Database, Process, keyfob};

const PATIENCE: Duration = Duration::from_secs(60);

/// The states that `keyfob` tells, from its start to its end.
fn told(name: &str, manager: &UnixDatagram) {
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let next = || {
        let mut state = [0; 512];
        let length = manager.recv(&mut state).unwrap();
        String::from_utf8(state[..length].to_vec()).unwrap()
    };
    let db = Database::sqlite();
    let url = db.url();
    let mut command = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &url]);
    let mut process = Process::spawn(command.env("NOTIFY_SOCKET", name).env("WATCHDOG_USEC", "20000"));

    let open = process.wait_for("Open");
    let address = open.strip_suffix("/setup").unwrap();
    assert_eq!(next(), format!("READY=1\nSTATUS=Ready at {address}\n"));
    assert_eq!([next(), next()], ["WATCHDOG=1\n"; 2]);
    process.signal("TERM");
    let state = std::iter::repeat_with(next).find(|state| state != "WATCHDOG=1\n").unwrap();
    assert!(state.starts_with("STOPPING=1\nSTATUS=Stopping"), "{state}");
    process.end().assert_success();
}

#[test]
fn a_service_manager_with_a_path_is_told_of_the_start_the_stop_and_life() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");

    told(path.to_str().unwrap(), &UnixDatagram::bind(&path).unwrap());
}

#[test]
fn a_service_manager_with_a_name_in_no_file_system_is_told_too() {
    let name = format!("keyfob-notify-{}", std::process::id());
    let address = <SocketAddr as SocketAddrExt>::from_abstract_name(&name).unwrap();

    told(&format!("@{name}"), &UnixDatagram::bind_addr(&address).unwrap());
}

#[test]
fn a_service_manager_that_is_gone_stops_nothing() {
    let db = Database::sqlite();
    let mut command = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]);
    let mut process = Process::spawn(command.env("NOTIFY_SOCKET", "/nowhere/notify"));

    process.client().get("/healthz").assert_ok();
    process.signal("TERM");
    process.end().assert_success();
}
