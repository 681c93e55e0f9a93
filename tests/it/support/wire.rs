//! HTTP by hand, where a client library is too polite.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One connection.
pub struct Wire(TcpStream);

impl Wire {
    /// Connects to a server such as `http://127.0.0.1:8080`.
    pub fn to(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(stream)
    }

    /// Sends bytes; that the other side hung up is seen when reading.
    pub fn send(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.0.write_all(bytes);
        self
    }

    /// Reads up to the end of a head: the status line and the headers.
    pub fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && self.0.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads one answer, to the end that its head speaks of: the head and the body.
    pub fn read_answer(&mut self) -> (String, String) {
        let head = self.read_head();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        let _ = self.0.read_exact(&mut body); // there is none behind the head of a HEAD
        (head, String::from_utf8_lossy(&body).into_owned())
    }

    /// Reads until the other side hangs up.
    pub fn read_all(&mut self) -> String {
        let mut all = Vec::new();
        let _ = self.0.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }
}
