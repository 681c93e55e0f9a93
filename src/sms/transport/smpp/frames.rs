//! Framing: the carrier's byte stream, split into commands.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

/// The longest command that is read, in bytes; a longer one ends the connection.
const MAX_COMMAND_BYTES: usize = 64 * 1024;

/// A TCP connection, plain or with TLS.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Commands without their length (SMPP 3.4 §3.2). They are not decoded here, so
/// that a malformed command does not end the stream.
pub(super) struct IncomingFrames(FramedRead<ReadHalf<Box<dyn ByteStream>>, LengthDelimitedCodec>);

impl IncomingFrames {
    pub(super) fn new(reader: ReadHalf<Box<dyn ByteStream>>) -> Self {
        // The length field includes its own four bytes.
        let mut codec = LengthDelimitedCodec::builder();
        codec.length_field_length(4).length_adjustment(-4).max_frame_length(MAX_COMMAND_BYTES);
        Self(FramedRead::new(reader, codec.new_codec()))
    }
}

impl Stream for IncomingFrames {
    type Item = io::Result<BytesMut>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}
