//! Real proxies, with a snippet of the Connect page.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::echo::echo;
use super::{Certificate, Page, Wire};

/// What a client gets, and what the application got, if anything.
pub struct Outcome {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Outcome {
    #[track_caller]
    pub fn assert_reached_the_application(self) -> Self {
        assert_eq!(self.status, 200, "{}\n{}", self.head, self.body);
        assert!(self.body.contains("/hello"), "{}", self.body);
        self
    }

    /// Every value that the application got under this name.
    pub fn received(&self, name: &str) -> Vec<&str> {
        let lines = self.body.lines().skip(1).take_while(|line| !line.is_empty());
        lines
            .filter_map(|line| line.split_once(':'))
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    Nginx,
    Caddy,
    Envoy,
    Haproxy,
}

impl ProxyKind {
    /// Runs with the snippets of this page.
    #[track_caller]
    pub fn start(self, page: &Page) -> Proxy {
        let snippet = |name| page.raw_text(&format!("#snippet-{name}"));
        match self {
            Self::Nginx => Proxy::nginx(&snippet("nginx")),
            Self::Caddy => Proxy::start_caddy(&snippet("caddy"), Command::new(program("caddy"))),
            Self::Envoy => Proxy::envoy(&snippet("envoy")),
            Self::Haproxy => Proxy::haproxy(&snippet("haproxy"), &snippet("haproxy-lua")),
        }
    }

    /// Runs with the snippets of this page, and trusts nobody but this one.
    #[track_caller]
    pub fn start_trusting(self, page: &Page, trusted: &Certificate) -> Proxy {
        let snippet = |name| page.raw_text(&format!("#snippet-{name}"));
        let path = trusted.path().display().to_string();
        let trusting = |name| fill_in(&snippet(name), &[("/etc/ssl/certs/ca-certificates.crt", &path)]);
        match self {
            Self::Nginx => Proxy::nginx(&trusting("nginx")),
            Self::Caddy => {
                let mut command = Command::new(program("caddy"));
                command.env("SSL_CERT_FILE", trusted.path()).env("SSL_CERT_DIR", "/nowhere");
                Proxy::start_caddy(&snippet("caddy"), command)
            }
            Self::Envoy => Proxy::envoy(&trusting("envoy")),
            Self::Haproxy => Proxy::haproxy(&trusting("haproxy"), &snippet("haproxy-lua")),
        }
    }
}

/// A proxy that runs until the test ends, before an application that tells
/// what it got.
pub struct Proxy {
    process: Child,
    pub address: String,
    folder: TempDir,
}

impl Proxy {
    #[track_caller]
    fn nginx(snippet: &str) -> Self {
        let address = free_address();
        let site = fill_in(snippet, &[("listen 80;", &format!("listen {address};")), ("127.0.0.1:3000", &echo())]);
        Self::start_nginx(address, &site)
    }

    /// Speaks TLS at `address` for the server at `url`.
    #[track_caller]
    pub fn tls(address: &str, url: &str, certificate: &Certificate) -> Self {
        let (path, key) = (certificate.path(), certificate.key());
        let site = format!(
            "server {{ listen {address} ssl; ssl_certificate {}; ssl_certificate_key {};\n\
             location / {{ proxy_pass {url}; proxy_set_header Host $http_host; }} }}",
            path.display(),
            key.display(),
        );
        Self::start_nginx(address.to_owned(), &site)
    }

    /// nginx before a server that `proxy_pass` names, with the client's address in
    /// `X-Forwarded-For`.
    #[track_caller]
    pub fn before(server: &str) -> Self {
        let address = free_address();
        let site = format!(
            "server {{ listen {address}; location / {{ proxy_pass {server}; proxy_set_header Host $http_host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }}"
        );
        Self::start_nginx(address, &site)
    }

    #[track_caller]
    fn start_nginx(address: String, site: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};"))
            .concat();
        let main = format!(
            "daemon off; master_process off; pid {path}/pid; error_log {path}/log; events {{}}\n\
             http {{ access_log off; {temporary} include {path}/site; }}"
        );
        fs::write(folder.path().join("site"), site).unwrap();
        fs::write(folder.path().join("main"), main).unwrap();
        let mut command = Command::new(program("nginx"));
        command.args(["-e", &format!("{path}/log"), "-p", &path.to_string(), "-c", &format!("{path}/main")]);
        Self::start(command, address, folder)
    }

    /// Runs at `address` as the documentation has it, with the Keyfob at `url` below the path
    /// `/keyfob`.
    #[track_caller]
    pub fn with_keyfob_below_a_path(kind: ProxyKind, address: &str, url: &str) -> Self {
        let documented = |language: &str| {
            let text = include_str!("../../../docs/behind-a-proxy.md");
            let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
            rest.split_once("```").unwrap().0.to_owned()
        };
        let keyfob = ("127.0.0.1:8080", url.trim_start_matches("http://"));
        let address = address.to_owned();
        match kind {
            ProxyKind::Nginx => {
                let site = fill_in(&documented("nginx"), &[("listen 80;", &format!("listen {address};")), keyfob]);
                Self::start_nginx(address, &site)
            }
            ProxyKind::Caddy => {
                let name = format!("\nhttp://{address} {{");
                let site = fill_in(&format!("\n{}", documented("caddy")), &[("\nexample.com {", &name), keyfob]);
                Self::run_caddy(address, &site, Command::new(program("caddy")))
            }
            ProxyKind::Haproxy => {
                let examples = [("bind :80 ", &*format!("bind {address} ")), keyfob];
                Self::run_haproxy(address, TempDir::new().unwrap(), &fill_in(&documented("haproxy"), &examples))
            }
            ProxyKind::Envoy => panic!("it is not documented"),
        }
    }

    /// nginx with a slash behind the port, which takes the path off. The documentation has none.
    #[track_caller]
    pub fn taking_the_path_off(address: &str, url: &str) -> Self {
        let site = format!("server {{ listen {address}; location /keyfob/ {{ proxy_pass {url}/; }} }}");
        Self::start_nginx(address.to_owned(), &site)
    }

    #[track_caller]
    fn start_caddy(snippet: &str, command: Command) -> Self {
        let address = free_address();
        let site =
            fill_in(snippet, &[("api.example.com {", &format!("http://{address} {{")), ("127.0.0.1:3000", &echo())]);
        Self::run_caddy(address, &site, command)
    }

    #[track_caller]
    fn run_caddy(address: String, site: &str, mut command: Command) -> Self {
        let folder = TempDir::new().unwrap();
        let main = folder.path().join("Caddyfile");
        fs::write(&main, format!("{{\n\tadmin off\n}}\n{site}")).unwrap();
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&main);
        command.env("HOME", folder.path()).env("XDG_DATA_HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path());
        Self::start(command, address, folder)
    }

    /// `tests/run` installs it into `target/`.
    #[track_caller]
    fn envoy(snippet: &str) -> Self {
        let (address, folder, echo) = (free_address(), TempDir::new().unwrap(), echo());
        let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
        let [site, application] = [&address, &echo].map(|address| format!("port_value: {}", port(address)));
        let text = fill_in(
            snippet,
            &[
                ("address: 0.0.0.0, port_value: 80 ", &format!("address: 127.0.0.1, {site} ")),
                ("port_value: 3000", &application),
            ],
        );
        let main = folder.path().join("envoy.yaml");
        fs::write(&main, text).unwrap();
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/proxies/envoy/_bin/envoy"));
        command.args([
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "--log-level",
            "warning",
            "--component-log-level",
            "connection:debug",
            "--config-path",
        ]);
        command.arg(&main);
        Self::start(command, address, folder)
    }

    #[track_caller]
    fn haproxy(config: &str, lua: &str) -> Self {
        let (address, folder, echo) = (free_address(), TempDir::new().unwrap(), echo());
        let script = folder.path().join("keyfob.lua");
        let (script_path, socket) =
            (script.display().to_string(), format!("unix@{}", folder.path().join("s").display()));
        let examples = [
            ("/etc/haproxy/keyfob.lua", script_path.as_str()),
            ("bind :80 ", &format!("bind {address} ")),
            ("127.0.0.1:3000", &echo),
            ("abns@keyfob", &socket),
        ];
        fs::write(&script, fill_in(lua, &[("abns@keyfob", &socket)])).unwrap();
        Self::run_haproxy(address, folder, &fill_in(config, &examples))
    }

    #[track_caller]
    fn run_haproxy(address: String, folder: TempDir, config: &str) -> Self {
        let main = folder.path().join("haproxy.cfg");
        fs::write(&main, config).unwrap();
        let mut command = Command::new(program("haproxy"));
        command.args(["-db", "-f"]).arg(&main);
        Self::start(command, address, folder)
    }

    /// Apache with this configuration of its module for OAuth, before the application at the
    /// address that stands there as an example.
    #[track_caller]
    pub fn apache(site: &str) -> Self {
        let (address, folder) = (free_address(), TempDir::new().unwrap());
        let path = folder.path().display();
        let modules: String =
            ["mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc"]
                .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
                .concat();
        let main = format!(
            "ServerName localhost\nListen {address}\nServerRoot {path}\nDefaultRuntimeDir {path}\nPidFile {path}/pid\n\
             ErrorLog {path}/log\nUser nobody\nGroup nogroup\n{modules}Include {path}/site\n"
        );
        fs::write(folder.path().join("site"), fill_in(site, &[("127.0.0.1:3000", &echo())])).unwrap();
        fs::write(folder.path().join("main"), main).unwrap();
        let mut command = Command::new(program("apache2"));
        // One process, so that none is left when it is killed.
        command.args(["-X", "-f", &format!("{path}/main")]);
        Self::start(command, address, folder)
    }

    #[track_caller]
    fn start(mut command: Command, address: String, folder: TempDir) -> Self {
        let errors = fs::File::create(folder.path().join("stderr")).unwrap();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().unwrap();
        let mut proxy = Self { process, address, folder };
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&proxy.address).is_err() {
            let ended = proxy.process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "{command:?} does not run: {}", proxy.log());
            thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    /// What it complains of.
    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("stderr") + &read("log")
    }

    #[track_caller]
    pub fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Outcome {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let text =
            format!("{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}{length}\r\n{body}", self.address);
        let mut wire = Wire::to(&self.address);
        let head = wire.send(text.as_bytes()).read_head();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer: {head:?}\n{}", self.log()));
        Outcome { status, head, body: wire.read_all() }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian puts servers where only root looks for programs.
#[track_caller]
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut found = folders.map(|folder| folder.join(name)).filter(|path| Path::is_file(path));
    found.next().unwrap_or_else(|| panic!("this test needs {name}: run the tests with ./tests/run, which installs it"))
}

/// Puts addresses of the test in the place of the examples, each of which
/// stands in the snippet once.
#[track_caller]
fn fill_in(snippet: &str, examples: &[(&str, &str)]) -> String {
    examples.iter().fold(snippet.to_owned(), |text, (example, real)| {
        assert_eq!(text.matches(example).count(), 1, "{example} in {text}");
        text.replace(example, real)
    })
}

/// A port that nobody is given by chance, as servers on port 0 are, before the
/// proxy has taken it.
pub fn free_address() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let first = std::process::id() as usize;
    loop {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::SeqCst)) % 10_000;
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}
