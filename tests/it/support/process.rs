//! The real binary, as a self-hoster runs it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Client, Database};

/// How long another process may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed when the test ends.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    seen: String,
    log: Arc<Mutex<String>>,
    log_ended: Receiver<()>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// `keyfob` with these arguments and none of the environment's settings.
pub fn keyfob(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyfob"));
    for (name, _) in std::env::vars().filter(|(name, _)| name == "DATABASE_URL" || name.starts_with("KEYFOB_")) {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(std::env::temp_dir());
    command
}

impl Process {
    /// Serves on a free port.
    pub fn serve(db: &Database) -> Self {
        Self::spawn(&mut keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let (ended, log_ended) = channel();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, copy) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut part) {
                copy.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..length]));
            }
            let _ = ended.send(());
        });
        Self { child, lines, seen: String::new(), log, log_ended }
    }

    /// Types a line, and nothing after it.
    pub fn type_line(&mut self, line: &str) -> &mut Self {
        let mut stdin: ChildStdin = self.child.stdin.take().unwrap();
        // A program that ended before it asked is found out by its messages.
        let _ = writeln!(stdin, "{line}");
        self
    }

    /// The rest of the line that begins with `label`, once it is printed.
    #[track_caller]
    pub fn wait_for(&mut self, label: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("no {label:?} in:\n{}\n{}", self.seen, self.log.lock().unwrap()));
            self.seen.push_str(&line);
            self.seen.push('\n');
            if let Some(rest) = line.trim().strip_prefix(label) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Somebody without cookies, as soon as the server is up.
    #[track_caller]
    pub fn client(&mut self) -> Client {
        let url = self.wait_for("Open");
        Client::new(url.trim_end_matches("/setup"))
    }

    /// Its number on this machine.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most that it ever had in memory, in KiB.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status().unwrap();
        assert!(status.success());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        let log = || self.log.lock().unwrap().clone();
        // Its output ends when it does.
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        self.log_ended.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("still running:\n{}\n{}", self.seen, log()));
        Ended { status: self.child.wait().unwrap(), stdout: self.seen.clone(), stderr: log() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `keyfob` to its end, with a line on standard input.
#[track_caller]
pub fn run(arguments: &[&str], line: &str) -> Ended {
    let mut process = Process::spawn(&mut keyfob(arguments));
    process.type_line(line);
    process.end()
}

/// Runs a copy of the program as `user`, if the tests run as root: others may not look into the
/// folder of the build.
pub fn run_as(user: u32, arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("keyfob");
    fs::copy(keyfob(&[]).get_program(), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(arguments).env_clear().current_dir("/");
    if chown(&program, Some(user), Some(user)).is_ok() {
        command.uid(user).gid(user);
    }
    Process::spawn(&mut command).end()
}

impl Ended {
    #[track_caller]
    pub fn assert_success(self) -> Self {
        assert!(self.status.success(), "{self:?}");
        self
    }

    /// Ended in failure with this sentence, and nothing of a panic.
    #[track_caller]
    pub fn assert_says(self, sentence: &str) -> Self {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        assert!(self.stderr.contains(sentence), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    #[track_caller]
    pub fn assert_one_sentence(self) -> Self {
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        assert!(self.stderr.starts_with("keyfob: "), "{self:?}");
        self
    }
}
