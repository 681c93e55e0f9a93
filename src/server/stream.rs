//! What the HTTP library reads requests from, and writes answers to.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::drain::Stopping;
use super::timeouts;

/// The socket of a connection that is watched over.
pub struct Stream {
    socket: TcpStream,
    connection: Rc<Connection>,
}

impl Stream {
    /// Watches over a connection that was just accepted; with its client's
    /// address, as the library wants it.
    pub fn accept(socket: TcpStream, stopping: &Arc<Stopping>) -> (Self, Option<SocketAddr>) {
        // A compressed page leaves in several pieces; without this the last one
        // waits for the client's acknowledgement, 40 ms and more.
        let _ = socket.set_nodelay(true); // else it waits
        let client = socket.peer_addr().ok();
        let connection = Rc::new(Connection::default());
        timeouts::begin(&connection, stopping);
        (Self { socket, connection }, client)
    }

    /// For the requests that come through it.
    pub fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }
}

impl AsyncRead for Stream {
    /// What the library gets to read: the end, once the connection was closed;
    /// nothing while its client does not take an answer, since the library would
    /// answer on and keep all of it.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_closed.get() {
            return Poll::Ready(Ok(()));
        }
        if self.connection.is_writing.get() {
            return Poll::Pending;
        }
        let before = part.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, part);
        if read.is_pending() {
            self.connection.wakes(cx.waker());
        } else if part.filled().len() > before {
            self.connection.hears();
        }
        read
    }
}

impl AsyncWrite for Stream {
    /// Nothing more is written once it was closed.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &[u8]) -> Poll<io::Result<usize>> {
        if self.connection.is_closed.get() {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut self.socket).poll_write(cx, part);
        let has_waited = self.connection.is_writing.replace(written.is_pending());
        // Nothing is read meanwhile that could wake the library.
        if written.is_pending() {
            self.connection.wakes(cx.waker());
        } else if has_waited {
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
    use std::task::ready;
    use std::time::Duration;

    use actix_web::rt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;
    use crate::server::connection::tests;

    const SOON: Duration = Duration::from_secs(5);
    /// More than a socket takes at once.
    const LONG: usize = 16 * 1024 * 1024;

    async fn connect() -> (TcpStream, Stream) {
        let (client, socket) = tests::connect().await;
        (client, Stream::accept(socket, &Arc::default()).0)
    }

    #[actix_web::test]
    async fn a_client_that_takes_no_answer_is_closed_though_nothing_is_read_from_it() {
        let (_client, mut stream) = connect().await;
        let connection = stream.connection();
        let answer = rt::spawn(async move { while stream.write_all(&[b'a'; 65_536]).await.is_ok() {} });
        timeout(SOON, async {
            while !connection.is_writing.get() {
                rt::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .unwrap();

        connection.close();

        timeout(SOON, answer).await.expect("it still waits for its client").unwrap();
    }

    #[actix_web::test]
    async fn a_client_is_read_from_again_when_it_has_taken_its_answer_and_not_before() {
        let (mut client, mut stream) = connect().await;
        let connection = stream.connection();
        let mut left = LONG;
        // As the library does it: reads, and then writes what is left.
        let left_when_read = rt::spawn(poll_fn(move |cx| {
            let mut stream = Pin::new(&mut stream);
            // All that is sent: what is left unread would reset the connection.
            let mut next = [0; 4];
            if stream.as_mut().poll_read(cx, &mut ReadBuf::new(&mut next)).is_ready() {
                return Poll::Ready(left);
            }
            while left > 0 {
                left -= ready!(stream.as_mut().poll_write(cx, &vec![b'a'; left])).unwrap();
            }
            Poll::Pending
        }));
        while !connection.is_writing.get() {
            rt::time::sleep(Duration::from_millis(10)).await;
        }

        client.write_all(b"next").await.unwrap();
        client.read_exact(&mut vec![0; LONG]).await.unwrap();

        let left_when_read = timeout(SOON, left_when_read).await.expect("it is never read from again");
        assert_eq!(left_when_read.unwrap(), 0);
    }
}
