//! What the HTTP library reads a connection from, and writes it to.

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
    /// To the end, once it was closed.
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
        self.writable()?.poll_write(cx, part)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writable()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
