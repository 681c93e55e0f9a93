//! What the HTTP library reads requests from, and writes answers to.

use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::shortcut::{Sharing, Shortcut};
use super::{Connection, Stopping, giving_way, watch};

/// The socket of a connection that is watched over.
pub struct Stream<S> {
    socket: TcpStream,
    client: Option<SocketAddr>,
    connection: Rc<Connection>,
    shortcut: Rc<S>,
    sharing: Sharing,
    /// The shortcut's answer.
    answer: Vec<u8>,
    /// How much of it has left.
    sent: usize,
}

impl<S: Shortcut> Stream<S> {
    /// Watches over a connection that was just accepted; with its client's
    /// address, as the library wants it.
    pub fn accept(socket: TcpStream, shortcut: &Rc<S>, stopping: &Arc<Stopping>) -> (Self, Option<SocketAddr>) {
        // A compressed page leaves in several pieces; without this the last one
        // waits for the client's acknowledgement, 40 ms and more.
        let _ = socket.set_nodelay(true); // else it waits
        let client = socket.peer_addr().ok();
        let connection = Rc::new(Connection::default());
        watch::begin(&connection, stopping);
        let (shortcut, sharing) = (Rc::clone(shortcut), Sharing::default());
        (Self { socket, client, connection, shortcut, sharing, answer: Vec::new(), sent: 0 }, client)
    }

    /// For the requests that come through it.
    pub fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>, part: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.socket).poll_read(cx, part);
        if read.is_pending() {
            self.connection.wakes(cx.waker());
        }
        read
    }

    /// Nothing more is written once it was closed.
    fn poll_send(&mut self, cx: &mut Context<'_>, part: &[u8]) -> Poll<io::Result<usize>> {
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

    /// Sends what is left of the shortcut's answer.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.answer.len() {
            let answer = mem::take(&mut self.answer);
            let sent = self.poll_send(cx, &answer[self.sent..]);
            self.answer = answer;
            match ready!(sent)? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                sent => self.sent += sent,
            }
        }
        if self.sent > 0 {
            giving_way::answered(&self.socket);
        }
        self.answer.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Whether what was read, behind the first so many bytes of the part, is the library's.
    fn is_for_library(&mut self, part: &ReadBuf<'_>, before: usize) -> bool {
        let Self { client, connection, shortcut, sharing, answer, .. } = self;
        sharing.is_for_library(&part.filled()[before..], connection, |sent| shortcut.answer(sent, *client, answer))
    }
}

impl<S: Shortcut> AsyncRead for Stream<S> {
    /// What the library gets to read: the end, once the connection was closed;
    /// nothing while its client does not take an answer, since the library would
    /// answer on and keep all of it.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_closed.get() {
            return Poll::Ready(Ok(()));
        }
        let before = part.filled().len();
        loop {
            ready!(self.poll_answer(cx))?;
            if self.connection.is_writing.get() {
                return Poll::Pending;
            }
            let owed = self.sharing.pay(part.remaining());
            if !owed.is_empty() {
                part.put_slice(&owed);
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_socket(cx, part))?;
            if self.is_for_library(part, before) {
                return Poll::Ready(Ok(()));
            }
            part.set_filled(before);
        }
    }
}

impl<S: Shortcut> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, part: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_answer(cx))?;
        self.poll_send(cx, part)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use actix_web::rt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;
    use crate::web::connections::{NoShortcut, Outcome, tests};

    const SOON: Duration = Duration::from_secs(5);
    /// More than a socket takes at once.
    const LONG: usize = 16 * 1024 * 1024;

    /// Has a long answer to one question.
    struct Long;

    impl Shortcut for Long {
        fn answer(&self, sent: &[u8], _: Option<SocketAddr>, answer: &mut Vec<u8>) -> Outcome {
            if sent != b"long" {
                return Outcome::Foreign;
            }
            answer.resize(LONG, b'a');
            Outcome::Answered
        }
    }

    async fn connect<S: Shortcut>(shortcut: S) -> (TcpStream, Stream<S>) {
        let (client, socket) = tests::connect().await;
        (client, Stream::accept(socket, &Rc::new(shortcut), &Arc::default()).0)
    }

    #[actix_web::test]
    async fn a_client_that_takes_no_answer_is_closed_though_nothing_is_read_from_it() {
        let (_client, mut stream) = connect(NoShortcut).await;
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
        let (mut client, mut stream) = connect(NoShortcut).await;
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

    #[actix_web::test]
    async fn an_answer_of_the_shortcut_leaves_whole_before_the_library_reads_or_writes_anything() {
        let (mut client, mut stream) = connect(Long).await;
        let library = rt::spawn(async move {
            let mut read = [0; 10];
            let length = stream.read(&mut read).await.unwrap();
            stream.write_all(b"library").await.unwrap();
            read[..length].to_vec()
        });

        client.write_all(b"long").await.unwrap();
        let mut answer = vec![0; LONG];
        client.read_exact(&mut answer).await.unwrap();
        client.write_all(b"other").await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();

        assert!(answer.iter().all(|byte| *byte == b'a'));
        assert_eq!((library.await.unwrap(), rest), (b"other".to_vec(), b"library".to_vec()));
    }
}
