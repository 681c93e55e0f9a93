//! One call to chromedriver: HTTP/1.1 with JSON both ways, a connection per call.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than chromedriver itself waits for a page or a script.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why chromedriver refused a command.
#[derive(Debug)]
pub struct Failure {
    /// The `WebDriver` error code, for instance `no such element`.
    pub error: String,
    message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.error, self.message.trim())
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self { error: "chromedriver does not answer".to_owned(), message: cause.to_string() }
    }
}

/// Sends a command and gives the `value` of the answer. `Value::Null` sends no body.
pub fn call(port: u16, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let answer = exchange(port, method, path, &body)?;
    let mut answer: Value = serde_json::from_slice(&answer).map_err(io::Error::from)?;
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(error) => Err(Failure { error: error.to_owned(), message: super::text(&value["message"]) }),
        None => Ok(value),
    }
}

/// Writes the request and reads the body of the response.
fn exchange(port: u16, method: &str, path: &str, body: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;

    let mut reader = BufReader::new(stream);
    let mut answer = vec![0; content_length(&mut reader)?];
    reader.read_exact(&mut answer)?;
    Ok(answer)
}

/// Reads the head of the response, up to and with the empty line.
fn content_length(reader: &mut impl BufRead) -> io::Result<usize> {
    let mut length = 0;
    for line in reader.lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    Ok(length)
}
