//! An application that asks about keys over one kept-alive connection, as
//! quickly as it can.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
pub struct Asker(BufReader<TcpStream>);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub status: u16,
    /// The verdict's or the problem's code.
    pub code: String,
    /// Whether the server will close the connection.
    pub is_last: bool,
}

impl Asker {
    /// Connects to a server such as `http://127.0.0.1:8080`.
    pub fn to(url: &str) -> Self {
        Self::try_to(url).unwrap()
    }

    pub fn try_to(url: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The code of the verdict.
    #[track_caller]
    pub fn verify(&mut self, key: &str) -> String {
        self.ask(key).unwrap().code
    }

    /// The code of the verdict on a key that sends from 192.0.2.1.
    #[track_caller]
    pub fn verify_sender(&mut self, key: &str) -> String {
        let door = r#""client_ip":"192.0.2.1","scopes":["messages.send"]"#;
        self.post("/v1/keys/verify", "", &format!("{{\"key\":\"{key}\",{door}}}")).unwrap().code
    }

    /// Asks about a key.
    pub fn ask(&mut self, key: &str) -> std::io::Result<Told> {
        self.post("/v1/keys/verify", "", &format!("{{\"key\":\"{key}\"}}"))
    }

    /// Sends a message; `headers` end with a line break each.
    pub fn send(&mut self, headers: &str, to: &str) -> std::io::Result<Told> {
        self.post("/v1/sms/messages", headers, &format!("{{\"to\":\"{to}\",\"text\":\"Hello\"}}"))
    }

    fn post(&mut self, path: &str, headers: &str, body: &str) -> std::io::Result<Told> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> std::io::Result<Told> {
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let (mut length, mut is_last) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("connection", "close")) => is_last = true,
                None if line.is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Told { status, code: json["code"].as_str().unwrap_or_default().to_owned(), is_last })
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// Asks until the verdict is `code`; how long after the start another verdict was last asked for.
/// `UNAVAILABLE` is none: a busy machine may not know in time, and then lets nobody in.
#[track_caller]
pub fn time_until(url: &str, secret: &str, code: &str) -> Duration {
    let (began, mut asker) = (Instant::now(), Asker::to(url));
    let (mut last_other, mut right) = (Duration::ZERO, 0);
    while right < 20 {
        let asked_at = began.elapsed();
        assert!(asked_at < PATIENCE, "never {code}");
        match asker.verify(secret) {
            told if told == code => right += 1,
            told if told == "UNAVAILABLE" => {}
            _ => (right, last_other) = (0, asked_at),
        }
    }
    last_other
}
