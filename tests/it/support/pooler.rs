//! Debian's pgbouncer, in transaction mode.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::free_address;

/// Killed when the test ends.
pub struct Pooler {
    pub address: String,
    process: Child,
    _folder: TempDir,
}

impl Pooler {
    /// Shares few sessions of the server at `host:port` among all clients.
    pub fn before(server: &str) -> Self {
        let (host, port) = server.split_once(':').unwrap();
        let address = free_address();
        let (_, own_port) = address.split_once(':').unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n* = host={host} port={port} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own_port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 6\nmax_client_conn = 200\nserver_login_retry = 0.1\n"
        );
        fs::write(&file, settings).unwrap();
        let mut command = Command::new("/usr/sbin/pgbouncer");
        if fs::metadata(folder.path()).is_ok_and(|folder| std::os::unix::fs::MetadataExt::uid(&folder) == 0) {
            // It refuses to run as root.
            assert!(Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status().unwrap().success());
            command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "/usr/sbin/pgbouncer"]);
        }
        let process = command.arg("--quiet").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut pooler = Self { address, process, _folder: folder };
        while TcpStream::connect(&pooler.address).is_err() {
            assert!(pooler.process.try_wait().unwrap().is_none(), "pgbouncer ended");
            std::thread::yield_now();
        }
        pooler
    }

    /// The URL of a database, which it also has.
    pub fn url(&self, database: &str) -> String {
        let (_, name) = database.rsplit_once('/').unwrap();
        format!("postgres://postgres@{}/{name}", self.address)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
