//! What the HTTP library reads requests from and writes responses to: a socket
//! that reports to its [`Connection`] and can be closed from outside.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;

/// The socket of a watched connection.
pub(super) struct Stream<T> {
    socket: T,
    connection: Rc<Connection>,
}

impl<T> Stream<T> {
    pub(super) fn new(socket: T, connection: Rc<Connection>) -> Self {
        Self { socket, connection }
    }

    pub(super) fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stream<T> {
    /// Reads the end of the stream once the connection was closed. Reads nothing
    /// while the client does not take its response: the library would answer
    /// more pipelined requests and keep all of the responses in memory.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_closed() {
            return Poll::Ready(Ok(()));
        }
        if self.connection.is_write_blocked() {
            return Poll::Pending;
        }
        let before = part.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, part);
        if read.is_pending() {
            self.connection.set_waker(cx.waker());
        } else if part.filled().len() > before {
            self.connection.received_bytes();
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stream<T> {
    /// Writes nothing more once the connection was closed.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &[u8]) -> Poll<io::Result<usize>> {
        if self.connection.is_closed() {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut self.socket).poll_write(cx, part);
        let was_blocked = self.connection.set_write_blocked(written.is_pending());
        if written.is_pending() {
            self.connection.set_waker(cx.waker());
        } else if was_blocked {
            // `poll_read` returned pending without a waker meanwhile: poll it again.
            cx.waker().wake_by_ref();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::ready;

    use actix_web::rt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// As much as the socket takes before its client reads.
    const SOCKET_BUFFER: usize = 1024;

    fn connect() -> (DuplexStream, Stream<DuplexStream>) {
        let (client, socket) = duplex(SOCKET_BUFFER);
        (client, Stream::new(socket, Rc::new(Connection::new(Arc::default()))))
    }

    async fn until_write_blocked(connection: &Connection) {
        while !connection.is_write_blocked() {
            rt::task::yield_now().await;
        }
    }

    #[actix_web::test]
    async fn a_client_that_takes_no_response_can_be_closed_though_nothing_is_read_from_it() {
        let (_client, mut stream) = connect();
        let connection = stream.connection();
        let response = rt::spawn(async move { while stream.write_all(&[b'a'; 65_536]).await.is_ok() {} });
        until_write_blocked(&connection).await;

        connection.close();

        response.await.unwrap();
    }

    #[actix_web::test]
    async fn a_client_is_read_from_again_when_it_has_taken_its_response_and_not_before() {
        let (mut client, mut stream) = connect();
        let connection = stream.connection();
        let mut left = 64 * SOCKET_BUFFER;
        // As the HTTP library does it: reads, and then writes what is left.
        let left_when_read = rt::spawn(poll_fn(move |cx| {
            let mut stream = Pin::new(&mut stream);
            if stream.as_mut().poll_read(cx, &mut ReadBuf::new(&mut [0; 4])).is_ready() {
                return Poll::Ready(left);
            }
            while left > 0 {
                left -= ready!(stream.as_mut().poll_write(cx, &vec![b'a'; left])).unwrap();
            }
            Poll::Pending
        }));
        until_write_blocked(&connection).await;

        client.write_all(b"next").await.unwrap();
        client.read_exact(&mut vec![0; 64 * SOCKET_BUFFER]).await.unwrap();

        assert_eq!(left_when_read.await.unwrap(), 0);
    }
}
