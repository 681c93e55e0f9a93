//! Connecting: TCP, TLS if configured, and the bind.

use std::fmt;
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;

use super::config::SmppConfig;
use super::frames::{ByteStream, IncomingFrames};
use super::pdu::Header;
use super::status;

/// The timeout for TCP and TLS together, and another time for the bind.
const CONNECT_STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// The bit of a command id that makes it a response (SMPP 3.4 §5.1.2.1).
const RESPONSE: u32 = 0x8000_0000;
/// An `unbind` with sequence number 2 (SMPP 3.4 §4.2.1).
const UNBIND: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 2];
/// The command id of `generic_nack` (SMPP 3.4 §5.1.2.1).
const GENERIC_NACK: u32 = 0x8000_0000;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The network, TLS or the protocol failed; the reason as a sentence.
    Unreachable(String),
    /// The carrier refused the bind with this `command_status`.
    Refused(u32),
}

impl ConnectError {
    /// Whether an operator has to fix the cause, so that a quick retry is useless and
    /// may lock the user out: any refusal but "already bound" and "throttled".
    pub(super) fn needs_operator(&self) -> bool {
        matches!(self, Self::Refused(status) if !matches!(status, 0x05 | 0x58))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => f.write_str(reason),
            Self::Refused(status) => f.write_str(&status::describe_bind_refusal(*status)),
        }
    }
}

/// What a connection is for (SMPP 3.4 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BindKind {
    /// Submits and receipts.
    Transceiver,
    /// Submits alone.
    Transmitter,
    /// Receipts alone.
    Receiver,
}

impl BindKind {
    /// The command id of the bind (SMPP 3.4 §5.1.2.1).
    const fn command_id(self) -> u32 {
        match self {
            Self::Receiver => 0x01,
            Self::Transmitter => 0x02,
            Self::Transceiver => 0x09,
        }
    }
}

/// The two halves of a bound connection.
pub(super) type ConnectionHalves = (IncomingFrames, WriteHalf<Box<dyn ByteStream>>);

/// Connects and binds.
pub(super) async fn connect(config: &SmppConfig, kind: BindKind) -> Result<ConnectionHalves, ConnectError> {
    let stream = within("connect", open_stream(config)).await?;
    let (reader, mut writer) = tokio::io::split(stream);
    let mut incoming = IncomingFrames::new(reader);
    within("answer the bind", bind(config, kind, &mut incoming, &mut writer)).await?;
    Ok((incoming, writer))
}

/// Connects, binds if asked for, and hangs up.
pub(super) async fn try_out(config: &SmppConfig, binds: bool) -> Result<(), ConnectError> {
    if !binds {
        return within("connect", open_stream(config)).await.map(drop);
    }
    let kind = if config.has_separate_binds { BindKind::Transmitter } else { BindKind::Transceiver };
    let (_, mut writer) = connect(config, kind).await?;
    // A carrier that got no unbind could take the next bind for a second one.
    let _ = writer.write_all(&UNBIND).await;
    let _ = writer.shutdown().await;
    Ok(())
}

async fn within<T>(what: &str, work: impl Future<Output = Result<T, ConnectError>>) -> Result<T, ConnectError> {
    let late = |_| {
        ConnectError::Unreachable(format!("the carrier did not {what} within {} s", CONNECT_STEP_TIMEOUT.as_secs()))
    };
    tokio::time::timeout(CONNECT_STEP_TIMEOUT, work).await.map_err(late)?
}

/// What an error of the system says, without its number.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection is refused".to_owned(),
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
    }
}

async fn open_stream(config: &SmppConfig) -> Result<Box<dyn ByteStream>, ConnectError> {
    let unreachable = |error| ConnectError::Unreachable(format!("the carrier can't be reached: {}", cause(&error)));
    let stream = TcpStream::connect((config.host.as_str(), config.port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let Some(tls) = &config.tls else { return Ok(Box::new(stream)) };
    let secured = tls.connect(stream).await;
    Ok(Box::new(secured.map_err(|error| ConnectError::Unreachable(format!("TLS with the carrier failed: {error}")))?))
}

async fn bind(
    config: &SmppConfig,
    kind: BindKind,
    incoming: &mut IncomingFrames,
    writer: &mut WriteHalf<Box<dyn ByteStream>>,
) -> Result<(), ConnectError> {
    let broken = |error| ConnectError::Unreachable(format!("the connection broke: {error}"));
    let bytes = bind_command(config, kind);
    writer.write_all(&bytes).await.map_err(broken)?;
    writer.flush().await.map_err(broken)?;
    while let Some(frame) = incoming.next().await {
        match Header::of(&frame.map_err(broken)?) {
            Some(Header { id, status: 0, .. }) if id == RESPONSE | kind.command_id() => return Ok(()),
            Some(Header { id, status, .. }) if id == GENERIC_NACK || id == RESPONSE | kind.command_id() => {
                return Err(ConnectError::Refused(status));
            }
            _ => {}
        }
    }
    Err(ConnectError::Unreachable("the carrier hung up instead of answering the bind".to_owned()))
}

/// A bind with sequence number 1 (§4.1.1, §4.1.3, §4.1.5). Written here, since `rusmpp`
/// has no password of more than 8 characters.
fn bind_command(config: &SmppConfig, kind: BindKind) -> Vec<u8> {
    let texts = [&config.system_id, config.password.expose(), &config.system_type];
    let mut body: Vec<u8> = texts.iter().flat_map(|text| text.bytes().chain([0])).collect();
    // Version 3.4; type of number, numbering plan and range of the own addresses: any.
    body.extend([0x34, 0, 0, 0]);
    let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
    let header = [length, kind.command_id(), 0, 1];
    header.iter().flat_map(|word| word.to_be_bytes()).chain(body).collect()
}
