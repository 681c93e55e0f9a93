//! The chromedriver process. It lives in a process group and a folder of its own; both are removed
//! when the driver is dropped, and also when the whole test process is interrupted or killed.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Instant;

use super::{PATIENCE, PAUSE};

/// Runs chromedriver until standard input closes, which happens at the latest with the end of the
/// test process. `set -m` gives chromedriver, and Chromium with it, a process group to be killed as one.
const KEEPER: &str = r#"
    set -m
    chromedriver --port=0 > "$HOME/chromedriver.log" 2>&1 < /dev/null &
    read -r _
    kill -KILL -- "-$!"
    for _ in {1..50}; do rm -rf -- "$HOME" && exit; sleep 0.1; done
"#;

/// How often chromedriver is started anew before it is given up.
const TRIES: u32 = 4;

/// A running chromedriver.
pub struct Driver {
    pub port: u16,
    keeper: Child,
}

impl Driver {
    /// Starts chromedriver on a free port.
    #[track_caller]
    pub fn start() -> Self {
        require_chromedriver();
        // It looks for a port that is free for IPv6, which now and then is taken for IPv4.
        let mut said = String::new();
        for _ in 0..TRIES {
            match Self::try_to_start() {
                Ok(driver) => return driver,
                Err(log) => said = log,
            }
        }
        panic!("chromedriver did not start: {said}");
    }

    /// Gives what chromedriver said when it does not start.
    #[track_caller]
    fn try_to_start() -> Result<Self, String> {
        let folder = new_folder();
        let keeper = Command::new("bash")
            .args(["-c", KEEPER])
            .env("HOME", &folder)
            .env("TMPDIR", &folder)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("bash did not start: {error}"));
        let mut driver = Self { port: 0, keeper };
        driver.port = announced_port(&folder.join("chromedriver.log"))?;
        Ok(driver)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

#[track_caller]
fn require_chromedriver() {
    match Command::new("chromedriver").arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("chromedriver is not installed: run tests/run, which installs it")
        }
        Err(error) => panic!("chromedriver does not run: {error}"),
        Ok(_) => {}
    }
}

/// A folder for the profile and everything else the browser writes.
#[track_caller]
fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("keyfob-browser-{}-{number}", id()));
    fs::create_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// Waits until the log says `ChromeDriver was started successfully on port 12345.`
fn announced_port(log: &Path) -> Result<u16, String> {
    let start = Instant::now();
    loop {
        let said = fs::read_to_string(log).unwrap_or_default();
        let port = said
            .split_once("successfully on port ")
            .and_then(|(_, rest)| rest.split_once('.'))
            .and_then(|(port, _)| port.parse().ok());
        if let Some(port) = port {
            return Ok(port);
        }
        if said.contains("Exiting") || start.elapsed() > PATIENCE {
            return Err(said);
        }
        sleep(PAUSE);
    }
}
