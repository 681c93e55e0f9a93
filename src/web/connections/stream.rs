//! What the HTTP library reads requests from, and writes answers to.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Connection, Stopping, watch};

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
        watch::begin(&connection, stopping);
        (Self { socket, connection }, client)
    }

    /// For the requests that come through it.
    pub fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }

    /// Nothing more is written once it was closed.
    fn writable(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.connection.is_closed.get() { Err(ErrorKind::BrokenPipe.into()) } else { Ok(Pin::new(&mut self.socket)) }
    }
}

impl AsyncRead for Stream {
    /// The end, once it was closed.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_closed.get() {
            return Poll::Ready(Ok(()));
        }
        let before = part.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, part);
        match read {
            Poll::Ready(_) if part.filled().len() > before => self.connection.hears(),
            Poll::Ready(_) => {}
            Poll::Pending => self.connection.wakes(cx.waker()),
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.writable()?.poll_write(cx, part);
        self.connection.is_writing.set(written.is_pending());
        // A client that said all it had to say is not read from any more.
        if written.is_pending() {
            self.connection.wakes(cx.waker());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writable()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::rt;
    use actix_web::rt::net::TcpListener;
    use tokio::io::AsyncWriteExt;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[actix_web::test]
    async fn a_client_that_takes_no_answer_is_closed_though_nothing_is_read_from_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut stream, _) = Stream::accept(listener.accept().await.unwrap().0, &Arc::default());
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
}
