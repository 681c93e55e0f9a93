//! The time limits on routes that know nothing of them, with a virtual clock.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_service::{Service, ServiceFactory};
use actix_web::web::{Bytes, get, post};
use actix_web::{App, rt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, pause, sleep};

use super::drain::Drain;
use super::listen::http;
use super::metrics::ServerMetrics;
use super::stream::Stream;
use super::sweeper::Sweeper;

const SECOND: Duration = Duration::from_secs(1);
/// Longer than any limit of the server.
const SLOW_DATABASE: Duration = Duration::from_secs(500);

struct Server<H> {
    http: H,
    sweeper: Rc<Sweeper>,
    drain: Arc<Drain>,
}

/// A server of plain handlers.
async fn serve() -> Server<impl Service<(Stream<DuplexStream>, Option<SocketAddr>), Error = DispatchError>> {
    pause();
    let waits = async || {
        sleep(SLOW_DATABASE).await;
        "done"
    };
    let reads_and_waits = async |_: Bytes| {
        sleep(SLOW_DATABASE).await;
        "done"
    };
    let app = App::new()
        .route("/", get().to(async || "hello"))
        .route("/reads", post().to(reads_and_waits))
        .route("/ignores", post().to(waits))
        .route("/ignores", get().to(waits));
    let drain = Arc::new(Drain::default());
    let metrics = Arc::<ServerMetrics>::default().of_worker();
    let http = http(app, Rc::clone(&metrics)).new_service(()).await.unwrap();
    Server { http, sweeper: Sweeper::start(Arc::clone(&drain), metrics), drain }
}

impl<H> Server<H>
where
    H: Service<(Stream<DuplexStream>, Option<SocketAddr>), Error = DispatchError>,
    H::Future: 'static,
    H::Response: 'static,
{
    fn connect(&self) -> Client {
        let (client, socket) = duplex(64 * 1024);
        rt::spawn(self.http.call((Stream::new(socket, self.sweeper.watch()), None)));
        Client(client)
    }
}

struct Client(DuplexStream);

impl Client {
    async fn send(&mut self, text: &str) -> &mut Self {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self
    }

    /// Sends a byte a second until the connection is closed; for how many
    /// seconds it was open.
    async fn dribble(&mut self) -> u64 {
        let began = Instant::now();
        let mut answer = [0; 1024];
        loop {
            tokio::select! {
                () = sleep(SECOND) => if self.0.write_all(b"a").await.is_err() { break },
                read = self.0.read(&mut answer) => if matches!(read, Ok(0) | Err(_)) { break },
            }
        }
        began.elapsed().as_secs()
    }

    /// Reads a response to the end of its body, which all of these end with.
    async fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            read.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(read).unwrap()
    }

    async fn read_to_end(&mut self) -> String {
        let mut read = String::new();
        self.0.read_to_string(&mut read).await.unwrap();
        read
    }
}

fn post_head(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
}

#[actix_web::test]
async fn a_handler_may_wait_longer_than_any_limit_once_the_body_has_arrived() {
    let server = serve().await;
    let mut client = server.connect();

    client.send(&post_head("/reads")).await;
    for _ in 0..7 {
        sleep(SECOND).await;
        client.send("a").await;
    }
    client.send("aaa").await;

    let response = client.read_until("done").await;
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    assert!(!response.contains("close"), "{response}");
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.read_until("hello").await;
}

#[actix_web::test]
async fn a_handler_may_wait_as_long_when_there_is_no_body_or_it_reads_none() {
    let server = serve().await;

    let without = server.connect().send("GET /ignores HTTP/1.1\r\nHost: x\r\n\r\n").await.read_until("done").await;
    let unread = server.connect().send(&post_head("/ignores")).await.read_to_end().await;

    assert!(without.starts_with("HTTP/1.1 200 OK") && !without.contains("close"), "{without}");
    assert!(unread.starts_with("HTTP/1.1 200 OK") && unread.contains("connection: close"), "{unread}");
}

#[actix_web::test]
async fn a_body_that_dribbles_is_cut_off_on_any_route() {
    let server = serve().await;

    assert_eq!(server.connect().send(&post_head("/reads")).await.dribble().await, 8);
}

#[actix_web::test]
async fn a_head_that_dribbles_is_cut_off_be_it_the_first_or_a_later_one() {
    let server = serve().await;
    let head = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let mut later = server.connect();
    later.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.read_until("hello").await;

    assert_eq!(server.connect().send(head).await.dribble().await, 8);
    assert_eq!(later.send(head).await.dribble().await, 8);
}

#[actix_web::test]
async fn a_silent_client_is_closed_and_one_that_was_answered_is_kept_for_longer() {
    let server = serve().await;
    let (mut silent, mut idle) = (server.connect(), server.connect());
    let began = Instant::now();
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.read_until("hello").await;

    silent.read_to_end().await;
    let silent_for = began.elapsed().as_secs();
    idle.read_to_end().await;

    assert_eq!((silent_for, began.elapsed().as_secs()), (8, 75));
}

#[actix_web::test]
async fn a_client_that_takes_no_response_is_closed() {
    let server = serve().await;
    let mut client = server.connect();
    let began = Instant::now();

    // Their responses fill the buffers on the way to a client that reads none.
    while client.0.write_all(&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100)).await.is_ok() {}

    assert!((8..=77).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[actix_web::test]
async fn a_server_that_drains_closes_connections_with_their_response_and_idle_ones_after_the_notice() {
    let server = serve().await;
    let (mut in_flight, mut idle, mut next) = (server.connect(), server.connect(), server.connect());
    in_flight.send("GET /ignores HTTP/1.1\r\nHost: x\r\n\r\n").await;
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.read_until("hello").await;

    server.drain.begin();
    let last = next.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.read_to_end().await;
    assert!(last.contains("connection: close") && last.ends_with("hello"), "{last}");
    server.drain.close_idle();
    let began = Instant::now();

    assert_eq!(idle.read_to_end().await, "");
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    assert!(in_flight.read_to_end().await.ends_with("done"), "what is in flight is answered");
}
