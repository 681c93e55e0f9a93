//! The real program, with a database of its own, on a port of its own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running Keyfob. It is gone when dropped.
pub struct Keyfob {
    process: Child,
    /// `127.0.0.1` and the port.
    pub address: String,
    /// What it printed for the first operator; empty when there is one.
    pub setup_code: String,
    /// The path of its host below which it lies; empty when it has all of it.
    pub below: &'static str,
    folder: TempDir,
}

impl Keyfob {
    /// Starts with an empty database.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with("127.0.0.1:0", "")
    }

    /// The same below this path of its host.
    #[track_caller]
    pub fn start_below(path: &'static str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.unwrap_or_else(|error| panic!("no free port: {error}"));
        Self::start_with(&address.to_string(), path)
    }

    #[track_caller]
    fn start_with(listen: &str, below: &'static str) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no folder for the database: {error}"));
        let mut process = spawn(&folder, listen, below);
        let Some(Greeting { address, setup_code }) = Greeting::read(&mut process, below) else {
            did_not_start(&folder)
        };
        Self { process, address, setup_code, below, folder }
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again, after [`Keyfob::kill`], with the same database at the same address.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.process = spawn(&self.folder, &self.address, self.below);
        if Greeting::read(&mut self.process, self.below).is_none() {
            did_not_start(&self.folder);
        }
    }

    /// Starts it again with the carriers of this file.
    #[track_caller]
    pub fn start_with_carriers(&mut self, carriers: &str) {
        let file = carriers_path(&self.folder);
        fs::write(&file, carriers).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.kill();
        self.start_again();
    }

    /// Lets it look as if everybody had logged in long ago.
    #[track_caller]
    pub fn let_logins_grow_old(&self) {
        self.execute("UPDATE sessions SET state = json_remove(state, '$.authenticated_at')");
    }

    /// Runs SQL on its database.
    #[track_caller]
    pub fn execute(&self, sql: &str) {
        let url = format!("file:{}", self.folder.path().join("keyfob.db").display());
        let changed = SqliteConnection::establish(&url).map_err(|error| error.to_string()).and_then(|mut conn| {
            conn.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}")).map_err(|error| error.to_string())
        });
        changed.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// What a service is told that asks about a key: a code such as `VALID`.
    #[track_caller]
    pub fn verdict(&self, key: &str) -> String {
        self.ask(&json!({ "key": key, "service": "sms" }))
    }

    /// The same about a key that comes from this address.
    #[track_caller]
    pub fn verdict_for(&self, key: &str, address: &str) -> String {
        self.ask(&json!({ "key": key, "service": "sms", "client_ip": address }))
    }

    /// Makes whoever is logged in a viewer, as an owner does elsewhere.
    #[track_caller]
    pub fn make_viewers(&self) {
        self.execute("UPDATE memberships SET role = 'viewer'");
    }

    /// Reports a key as somebody does who found it.
    #[track_caller]
    pub fn report_leak(&self, key: &str) {
        let url = "https://example.com/a/repository/with/a/long/name/blob/main/configuration.env";
        self.post("/v1/leak-reports", &json!({ "keys": [key], "source": "Secret scan", "url": url }));
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> String {
        let url = format!("http://{}{path}", self.address);
        ureq::post(&url)
            .header("Content-Type", "application/json")
            .send(body.to_string())
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[track_caller]
    fn ask(&self, question: &Value) -> String {
        let answer = self.post("/v1/keys/verify", question);
        let verdict: Value = serde_json::from_str(&answer).unwrap_or_default();
        verdict["code"].as_str().unwrap_or(&answer).to_owned()
    }
}

impl Drop for Keyfob {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What it prints when it is ready.
struct Greeting {
    address: String,
    setup_code: String,
}

impl Greeting {
    /// `None` when it ends before it is ready.
    fn read(process: &mut Child, below: &str) -> Option<Self> {
        let mut address = None;
        for line in BufReader::new(process.stdout.take()?).lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["Open", url] => {
                    let host = url.strip_prefix("http://")?;
                    let Some(host) = host.strip_suffix("/setup") else {
                        let address = host.strip_suffix(below)?.to_owned();
                        return Some(Self { address, setup_code: String::new() });
                    };
                    let host = host.strip_suffix(below)?;
                    address = Some(host.to_owned());
                }
                ["Setup", "code", code] => return Some(Self { address: address?, setup_code: code.to_owned() }),
                _ => {}
            }
        }
        None
    }
}

#[track_caller]
fn spawn(folder: &TempDir, listen: &str, below: &str) -> Child {
    let log = File::create(log_path(folder)).map_or_else(|_| Stdio::null(), Stdio::from);
    let carriers = Some(carriers_path(folder)).filter(|file| file.exists());
    Command::new(env!("CARGO_BIN_EXE_keyfob"))
        .args(carriers.iter().flat_map(|file| [OsStr::new("--carriers"), file.as_os_str()]))
        .args(["--listen", listen, "--database-url"])
        .arg(format!("sqlite:{}", folder.path().join("keyfob.db").display()))
        .env_remove("KEYFOB_PUBLIC_URL")
        .args((!below.is_empty()).then(|| format!("--public-url=http://{listen}{below}")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("Keyfob does not run: {error}"))
}

fn carriers_path(folder: &TempDir) -> PathBuf {
    folder.path().join("carriers.toml")
}

fn log_path(folder: &TempDir) -> PathBuf {
    folder.path().join("log")
}

#[track_caller]
fn did_not_start(folder: &TempDir) -> ! {
    let log = fs::read_to_string(log_path(folder)).unwrap_or_default();
    panic!("Keyfob did not start: {log}");
}
