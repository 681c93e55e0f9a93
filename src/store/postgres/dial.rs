//! Connects to a database server and begins TLS, as PostgreSQL's protocol has it (manual, §54.2.12).

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::host::DatabaseHost;
use super::socket_limits::SocketLimits;
use super::tls_failure;
use super::tls_rules::TlsRules;

/// The message `SSLRequest`: its length, and a number that is no version of the protocol.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Why there is no TLS.
pub(super) enum DialFailure {
    /// The server is there and has none, or the handshake failed.
    NoTls(String),
    /// It is not there.
    Unreachable(String),
}

/// Where to connect, and how.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) host: DatabaseHost,
    pub(super) address: SocketAddr,
    pub(super) client: TlsConnector,
    pub(super) rules: TlsRules,
    pub(super) limits: SocketLimits,
}

impl Dial {
    /// Connects within the time limit.
    pub(super) async fn connect(&self) -> Result<TlsStream<TcpStream>, DialFailure> {
        let connected = async {
            let stream = self.reach().await.map_err(|error| DialFailure::Unreachable(self.unreachable(&error)))?;
            let answered = self.begin_tls(stream);
            // A server that accepts and falls silent is not mended by a connection without TLS.
            answered.await
        };
        match self.limits.connect {
            None => connected.await,
            Some(limit) => match tokio::time::timeout(limit, connected).await {
                Ok(result) => result,
                Err(_) => Err(DialFailure::Unreachable(format!("{}: timeout expired", self.failed()))),
            },
        }
    }

    async fn reach(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address).await?;
        self.limits.apply(&stream)?;
        Ok(stream)
    }

    async fn begin_tls(&self, mut stream: TcpStream) -> Result<TlsStream<TcpStream>, DialFailure> {
        let host = &self.host;
        if !self.rules.is_direct {
            let asked = async {
                stream.write_all(&TLS_REQUEST).await?;
                // One byte alone: what follows has to be encrypted, or somebody has put it there.
                stream.read_u8().await
            };
            match asked.await {
                Ok(b'S') => {}
                Ok(_) => {
                    let mode = self.rules.mode.name();
                    return Err(DialFailure::NoTls(format!(
                        "{host} does not offer TLS, and sslmode={mode} asks for it; turn it on at the server (ssl=on)"
                    )));
                }
                Err(error) => return Err(DialFailure::Unreachable(self.unreachable(&error))),
            }
        }
        let name = ServerName::try_from(host.name.clone()).unwrap_or_else(|_| self.address.ip().into());
        let handshake = self.client.connect(name, stream).await;
        handshake.map_err(|error| DialFailure::NoTls(tls_failure::describe(host, &self.rules, &error)))
    }

    /// In libpq's words, by which other parts know what may pass by itself.
    fn unreachable(&self, error: &io::Error) -> String {
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "server closed the connection unexpectedly".to_owned()
            }
            _ => without_number(&error.to_string()),
        };
        format!("{}: {cause}", self.failed())
    }

    fn failed(&self) -> String {
        let Self { host, address, .. } = self;
        format!("connection to server at \"{host}\" ({}), port {} failed", address.ip(), address.port())
    }
}

/// Rust adds ` (os error 111)` to what the system says.
fn without_number(text: &str) -> String {
    text.split(" (os error").next().unwrap_or(text).to_owned()
}
