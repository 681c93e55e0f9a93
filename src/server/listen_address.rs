//! Where the server listens: a TCP address, or a Unix socket for a proxy on the same machine.

use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// What stands before the path of a socket.
const UNIX: &str = "unix:";
/// How many connections the kernel holds until they are accepted.
pub(super) const LISTEN_BACKLOG: u32 = 1_024;
/// Keyfob's user and group may connect: whoever does is believed about the client's address.
const SOCKET_MODE: u32 = 0o660;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and a port; port 0 asks for a free one.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Parses `ADDRESS:PORT` or `unix:PATH`; `None` if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(UNIX) {
            Some("") => None,
            // In other programs `@` means an abstract socket, which has no file and so no permissions.
            Some(path) if path.starts_with('@') => None,
            Some(path) => Some(Self::Unix(path.into())),
            None => text.parse().ok().map(Self::Tcp),
        }
    }

    /// The IP address and the port, unless it is a Unix socket.
    #[must_use]
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The same as this machine reaches it: 0.0.0.0 stands for all its addresses, and is none.
    #[must_use]
    pub fn from_this_machine(&self) -> Self {
        let Some(mut address) = self.tcp() else { return self.clone() };
        address.set_ip(match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        });
        Self::Tcp(address)
    }

    /// Whether other machines reach it without a proxy.
    #[must_use]
    pub fn is_open_to_the_network(&self) -> bool {
        self.tcp().is_some_and(|address| !address.ip().is_loopback())
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// Binds a Unix socket. One that a process left behind when it was killed is replaced; one
/// that is answered, or a file of another kind, is not touched.
pub(super) fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            _ => return Err(ErrorKind::AddrInUse.into()),
        }
    }
    let socket = make_socket(path)?;
    socket.listen(LISTEN_BACKLOG.cast_signed())?;
    Ok(socket.into())
}

/// A socket that does not listen yet: nobody can connect before it has its mode.
fn make_socket(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    Ok(socket)
}

/// Why an address can't be bound, in one sentence that says what to change.
#[must_use]
pub fn explain(flag: &str, address: &ListenAddress, error: &io::Error) -> String {
    match address {
        ListenAddress::Tcp(address) => explain_tcp(flag, *address, error),
        ListenAddress::Unix(path) => explain_unix(flag, &path.display().to_string(), error),
    }
}

fn explain_tcp(flag: &str, address: SocketAddr, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    let other_port = if ip.is_ipv6() { format!("{flag} [{ip}]:PORT") } else { format!("{flag} {ip}:PORT") };
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!("port {port} is in use; stop what uses it, or choose another one with {other_port}")
        }
        ErrorKind::PermissionDenied => {
            format!("port {port} needs more rights; choose one above 1023 with {other_port}")
        }
        ErrorKind::AddrNotAvailable => {
            format!("this machine has no address {ip}; choose another one with {flag} (0.0.0.0 for all)")
        }
        _ => format!("can't listen on {address}: {error}; choose another address with {flag}"),
    }
}

fn explain_unix(flag: &str, path: &str, error: &io::Error) -> String {
    let other = format!("choose another path with {flag} unix:PATH");
    match error.kind() {
        ErrorKind::AddrInUse => format!("another program answers at the socket {path}; stop it, or {other}"),
        ErrorKind::AlreadyExists => format!("{path} exists and is no socket; it is left as it is: {other}"),
        ErrorKind::NotFound => format!("the folder of the socket {path} does not exist; make it, or {other}"),
        ErrorKind::PermissionDenied => {
            format!("a socket can't be made at {path}: Keyfob may not write to its folder; change that, or {other}")
        }
        ErrorKind::InvalidInput => format!("{path} is too long for a socket; {other}"),
        _ => format!("can't listen on the socket {path}: {error}; {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_port_can_be_chosen_as_it_is_written_there() {
        for (address, written) in [("127.0.0.1:80", "--listen 127.0.0.1:PORT"), ("[::1]:80", "--listen [::1]:PORT")] {
            for kind in [ErrorKind::AddrInUse, ErrorKind::PermissionDenied] {
                let sentence = explain("--listen", &ListenAddress::parse(address).unwrap(), &kind.into());
                assert!(sentence.ends_with(written), "{sentence}");
            }
        }
    }

    #[test]
    fn an_address_with_a_port_and_a_socket_are_addresses_to_listen_on() {
        for right in ["127.0.0.1:8080", "[::1]:0", "unix:/run/keyfob/http.sock", "unix:http.sock", "unix:./@name"] {
            assert_eq!(ListenAddress::parse(right).unwrap().to_string(), right);
        }
        for wrong in ["", "8080", "localhost:8080", "unix:", "unix:@name", "/run/keyfob.sock", "tcp://127.0.0.1:8080"] {
            assert_eq!(ListenAddress::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_socket_has_its_mode_before_anybody_can_connect() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");

        let socket = make_socket(&path).unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        socket.listen(1).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn all_addresses_of_a_machine_are_reached_from_it_at_its_own() {
        for (given, reached) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.1:8080", "192.0.2.1:8080"),
            ("unix:http.sock", "unix:http.sock"),
        ] {
            assert_eq!(ListenAddress::parse(given).unwrap().from_this_machine().to_string(), reached);
        }
    }

    #[test]
    fn a_socket_that_was_left_behind_is_replaced_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        drop(bind_unix(&path).unwrap());

        let listener = bind_unix(&path).expect("nobody answers at it");

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        assert_eq!(bind_unix(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(listener);
        let file = folder.path().join("notes.txt");
        fs::write(&file, "kept").unwrap();
        assert_eq!(bind_unix(&file).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        let address = ListenAddress::Unix(folder.path().join("no/http.sock"));
        let error = bind_unix(&folder.path().join("no/http.sock")).unwrap_err();
        assert!(explain("--listen", &address, &error).contains("does not exist; make it"));
        let error = bind_unix(&folder.path().join("x".repeat(200))).unwrap_err();
        assert!(explain("--listen", &address, &error).contains("too long"));
    }
}
