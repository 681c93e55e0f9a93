//! A carrier: somebody else's SMPP in another process, with `tests/smsc/smsc.js` as its behaviour.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long the carrier may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed when the test ends.
pub struct Smsc {
    child: Child,
    events: Receiver<Value>,
    arguments: Vec<String>,
    pub port: u64,
}

impl Smsc {
    /// On a free port, with these arguments of the script.
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(arguments.iter().map(|argument| (*argument).to_owned()).collect(), 0)
    }

    fn spawn(arguments: Vec<String>, port: u64) -> Self {
        let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/target/npm/node_modules");
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smsc/smsc.js"))
            .args(["--port", &port.to_string()])
            .args(&arguments)
            .env("NODE_PATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, events) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let events = stdout.lines().map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap());
            let _ = events.into_iter().try_for_each(|event| send.send(event));
        });
        let mut smsc = Self { child, events, arguments, port };
        smsc.port = smsc.wait_for("listening")["port"].as_u64().unwrap();
        smsc
    }

    /// Where it is, for the user that it knows, with these parameters.
    pub fn url(&self, parameters: &str) -> String {
        format!("smpp://keyfob:s3cret@127.0.0.1:{}?{parameters}", self.port)
    }

    /// The next event of this name; those before it are passed over.
    #[track_caller]
    pub fn wait_for(&self, name: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left);
            let event = event.unwrap_or_else(|_| panic!("no {name:?} from the carrier, but {others:?}"));
            if event["event"] == name {
                return event;
            }
            others.push(event);
        }
    }

    /// The next so many events of this name.
    #[track_caller]
    pub fn wait_for_all(&self, name: &str, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.wait_for(name)).collect()
    }

    /// How many segments came in all.
    pub fn submits(&mut self) -> u64 {
        self.say("counts");
        self.wait_for("counts")["submits"].as_u64().unwrap()
    }

    /// A command, as the script describes them.
    pub fn say(&mut self, command: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    /// Stops answering, and keeps its connections.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Ends at once, as with `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends at once. Returns the events of this name that nobody has waited for.
    pub fn kill_and_list(&mut self, name: &str) -> Vec<Value> {
        self.kill();
        self.events.iter().filter(|event| event["event"] == name).collect()
    }

    /// A new one in the same place, which remembers nothing.
    pub fn restart(&mut self) {
        self.kill();
        *self = Self::spawn(std::mem::take(&mut self.arguments), self.port);
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
