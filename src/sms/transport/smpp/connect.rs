//! Connecting: TCP, TLS if configured, and the bind.

use std::fmt;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use rusmpp::Pdu;
use rusmpp::tokio_codec::CommandCodec;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;
use tokio_util::codec::Encoder;

use super::config::SmppConfig;
use super::frames::{ByteStream, IncomingFrames};
use super::pdu::{self, Header, command};
use super::status;

/// The timeout for TCP and TLS together, and another time for the bind.
const CONNECT_STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// The command id of `bind_transceiver_resp` (SMPP 3.4 §5.1.2.1).
const BIND_RESP: u32 = 0x8000_0009;
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

/// The two halves of a bound connection.
pub(super) type ConnectionHalves = (IncomingFrames, WriteHalf<Box<dyn ByteStream>>);

/// Connects and binds as a transceiver (SMPP 3.4 §4.1.5).
pub(super) async fn connect(config: &SmppConfig) -> Result<ConnectionHalves, ConnectError> {
    let stream = within("connect", open_stream(config)).await?;
    let (reader, mut writer) = tokio::io::split(stream);
    let mut incoming = IncomingFrames::new(reader);
    within("answer the bind", bind(config, &mut incoming, &mut writer)).await?;
    Ok((incoming, writer))
}

async fn within<T>(what: &str, work: impl Future<Output = Result<T, ConnectError>>) -> Result<T, ConnectError> {
    let late = |_| {
        ConnectError::Unreachable(format!("the carrier did not {what} within {} s", CONNECT_STEP_TIMEOUT.as_secs()))
    };
    tokio::time::timeout(CONNECT_STEP_TIMEOUT, work).await.map_err(late)?
}

async fn open_stream(config: &SmppConfig) -> Result<Box<dyn ByteStream>, ConnectError> {
    let unreachable = |error| ConnectError::Unreachable(format!("the carrier can't be reached: {error}"));
    let stream = TcpStream::connect((config.host.as_str(), config.port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let Some(tls) = &config.tls else { return Ok(Box::new(stream)) };
    let secured = tls.connect(stream).await;
    Ok(Box::new(secured.map_err(|error| ConnectError::Unreachable(format!("TLS with the carrier failed: {error}")))?))
}

async fn bind(
    config: &SmppConfig,
    incoming: &mut IncomingFrames,
    writer: &mut WriteHalf<Box<dyn ByteStream>>,
) -> Result<(), ConnectError> {
    let broken = |error| ConnectError::Unreachable(format!("the connection broke: {error}"));
    let bind = pdu::bind(config).ok_or_else(|| ConnectError::Unreachable("the settings do not fit SMPP".to_owned()))?;
    let mut bytes = BytesMut::new();
    let _ = CommandCodec::new().encode(&command(1, 0, Pdu::BindTransceiver(bind)), &mut bytes);
    writer.write_all(&bytes).await.map_err(broken)?;
    writer.flush().await.map_err(broken)?;
    while let Some(frame) = incoming.next().await {
        match Header::of(&frame.map_err(broken)?) {
            Some(Header { id: BIND_RESP, status: 0, .. }) => return Ok(()),
            Some(Header { id: BIND_RESP | GENERIC_NACK, status, .. }) => return Err(ConnectError::Refused(status)),
            _ => {}
        }
    }
    Err(ConnectError::Unreachable("the carrier hung up instead of answering the bind".to_owned()))
}
