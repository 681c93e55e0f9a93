//! A PostgreSQL primary and its standby, for what happens in a failover.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Certificate;

/// Two servers of a test's own, in the places of a primary and its standby.
pub struct PostgresPair {
    folder: TempDir,
    programs: PathBuf,
    ports: [u16; 2],
}

impl PostgresPair {
    /// A running primary with an empty database, and no standby yet.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// The same, where both take only encrypted connections of the user keyfob.
    pub fn start_encrypted(certificate: &Certificate) -> Self {
        let pair = Self::start_with(Some(certificate));
        pair.psql(0, "CREATE ROLE keyfob SUPERUSER LOGIN PASSWORD 'hunter2'");
        pair
    }

    fn start_with(certificate: Option<&Certificate>) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let pair = Self { folder, programs: programs(), ports: [free_port(), free_port()] };
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(pair.folder.path()));
        }
        let data = pair.data(0);
        pair.run("initdb", &["--pgdata", &data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]);
        let mut settings = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n\
            wal_level = replica\nhot_standby = on\nmax_connections = 60\n"
            .to_owned();
        if let Some(certificate) = certificate {
            settings.push_str("ssl = on\n");
            pair.install(certificate);
        }
        let file = Path::new(&data).join("postgresql.conf");
        let defaults = fs::read_to_string(&file).unwrap();
        fs::write(file, defaults + &settings).unwrap();
        pair.start_server(0);
        pair
    }

    /// A key has to be the server's own, and nobody else's to read.
    fn install(&self, certificate: &Certificate) {
        let data = self.data(0);
        for (from, name) in [(certificate.path(), "server.crt"), (certificate.key(), "server.key")] {
            let mut command = Command::new("install");
            if is_root() {
                command.args(["--owner=postgres", "--group=postgres"]);
            }
            succeed(command.arg("--mode=600").arg(from).arg(Path::new(&data).join(name)));
        }
        let rules = "hostssl all keyfob 127.0.0.1/32 scram-sha-256\nhost all,replication postgres 127.0.0.1/32 trust\n";
        fs::write(Path::new(&data).join("pg_hba.conf"), rules).unwrap();
    }

    /// Copies the primary as it is now to a standby, which follows it until the primary is killed.
    pub fn add_standby(&self) {
        let (data, port) = (self.data(1), self.ports[0].to_string());
        let from = ["--host=127.0.0.1", "--username=postgres", "--checkpoint=fast", "--wal-method=stream", "--no-sync"];
        let to = ["--port", &port, "--pgdata", &data, "--write-recovery-conf"];
        self.run("pg_basebackup", &[&from[..], &to[..]].concat());
        self.start_server(1);
    }

    /// The standby stops replaying, as one does that the network has cut off.
    pub fn cut_off_standby(&self) {
        self.psql(1, "ALTER SYSTEM SET primary_conninfo = ''");
        self.psql(1, "SELECT pg_reload_conf()");
        // Walreceivers that are gone stream nothing any more.
        while self.psql(0, "SELECT count(*) FROM pg_stat_replication") != "0" {
            std::thread::yield_now();
        }
    }

    /// The primary dies at once, as in a power cut.
    pub fn kill_primary(&self) {
        self.run("pg_ctl", &["stop", "--pgdata", &self.data(0), "--mode=immediate", "--silent"]);
    }

    pub fn promote_standby(&self) {
        self.run("pg_ctl", &["promote", "--pgdata", &self.data(1), "--wait", "--silent"]);
    }

    /// `host:port` of the primary.
    pub fn primary_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// `host:port` of the standby.
    pub fn standby_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1])
    }

    fn psql(&self, server: usize, sql: &str) -> String {
        let port = self.ports[server].to_string();
        let arguments = ["--host=127.0.0.1", "--username=postgres", "--no-psqlrc", "--tuples-only", "--no-align"];
        self.run("psql", &[&arguments[..], &["--port", &port, "--command", sql]].concat())
    }

    fn data(&self, server: usize) -> String {
        self.folder.path().join(["primary", "standby"][server]).display().to_string()
    }

    fn start_server(&self, server: usize) {
        let (data, options) = (self.data(server), format!("-p {}", self.ports[server]));
        let log = format!("{data}.log");
        self.run("pg_ctl", &["start", "--pgdata", &data, "--log", &log, "--options", &options, "--wait", "--silent"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        succeed(command.args(arguments).current_dir(self.folder.path()))
    }
}

impl Drop for PostgresPair {
    fn drop(&mut self) {
        for server in [1, 0].into_iter().filter(|server| Path::new(&self.data(*server)).join("postmaster.pid").exists())
        {
            self.run("pg_ctl", &["stop", "--pgdata", &self.data(server), "--mode=immediate", "--silent"]);
        }
    }
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn is_root() -> bool {
    succeed(Command::new("id").arg("-u")) == "0"
}

/// The folder with `initdb` and `pg_ctl`; of several versions the newest.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").exists());
    found.sort();
    found.pop().unwrap_or_else(|| {
        let initdb = succeed(Command::new("sh").args(["-c", "command -v initdb"]));
        Path::new(&initdb).parent().unwrap().to_owned()
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
