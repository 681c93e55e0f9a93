//! `keyfob health`: asks the running server whether it is ready. A container image has no
//! other program that could ask.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::on_database::print;
use crate::config::Config;
use crate::error::Error;
use crate::server::listen_address::ListenAddress;

/// Ready and not only alive: whoever asks, a proxy or a container that waits for this one,
/// wants to know whether requests are answered. A container engine starts nothing anew
/// because of the answer.
const PATH: &str = "/readyz";
/// How long the server may take. It gives its database less than a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// More than any answer has.
const MAX_ANSWER_BYTES: u64 = 65_536;

/// Why the server is not ready.
pub(super) struct NotReady {
    /// Whether nothing listens there.
    pub(super) is_absent: bool,
    pub(super) sentence: String,
}

/// Prints one sentence if the server is ready.
///
/// # Errors
/// One sentence, if it is not.
pub(super) async fn tell(config: &Config) -> Result<(), Error> {
    let address = ask(config).await.map_err(|problem| Error::invalid("health", problem.sentence))?;
    print(&format!("Keyfob at {address} is ready.\n")).map(drop)
}

/// Asks the server, and gives the address at which it is ready.
pub(super) async fn ask(config: &Config) -> Result<ListenAddress, NotReady> {
    let address = address(config).map_err(|sentence| NotReady { is_absent: true, sentence })?;
    let refused = |is_absent, why: &str| {
        Err(NotReady { is_absent, sentence: format!("Keyfob at {address} is not ready: {why}") })
    };
    match timeout(PATIENCE, request(&address)).await {
        Err(_) => refused(false, &format!("no answer within {} seconds", PATIENCE.as_secs())),
        Ok(Err(error)) => {
            let is_absent = matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound);
            refused(is_absent, &error.to_string())
        }
        Ok(Ok(answer)) => match problem(&answer) {
            Some(problem) => refused(false, &problem),
            None => Ok(address),
        },
    }
}

/// Where the server is reached from its own machine: one that listens on every address
/// also listens on the loopback one.
fn address(config: &Config) -> Result<ListenAddress, String> {
    if config.listen.tcp().is_some_and(|address| address.port() == 0) {
        return Err("with port 0 the server took a free one: name it with --listen ADDRESS:PORT".to_owned());
    }
    Ok(config.listen.from_this_machine())
}

async fn request(address: &ListenAddress) -> io::Result<String> {
    match address {
        ListenAddress::Tcp(address) => exchange(TcpStream::connect(address).await?, *address).await,
        ListenAddress::Unix(path) => exchange(UnixStream::connect(path).await?, (Ipv4Addr::LOCALHOST, 80).into()).await,
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: SocketAddr) -> io::Result<String> {
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER_BYTES).read_to_string(&mut answer).await?;
    Ok(answer)
}

/// What an answer says is wrong; `None` if it says that all is well.
fn problem(answer: &str) -> Option<String> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status_line = head.lines().next().unwrap_or_default();
    let told = serde_json::from_str::<Value>(body).unwrap_or_default();
    let is_well = status_line.split(' ').nth(1) == Some("200") && told["status"] == "ok";
    let detail = told["detail"].as_str().unwrap_or("what answers there is no Keyfob");
    (!is_well).then(|| detail.to_owned())
}
