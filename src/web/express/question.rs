//! Reads a plain question for the gate. How long a request is decides where the
//! next one begins, so nothing that could be read in two ways is read here.

use std::mem::MaybeUninit;
use std::str::from_utf8;

use actix_web::http::header::HeaderName;
use httparse::{Header, Request, Status};

use crate::web::api::verify::LONGEST_BODY;
use crate::web::exchange::Headers;
use crate::web::front::Paths;

/// As many as the HTTP library takes.
const MOST_HEADERS: usize = 96;

/// Place for headers, which is not written before there are some.
pub(super) type Room<'a> = [MaybeUninit<Header<'a>>; MOST_HEADERS];

pub(super) const fn room_for_headers<'a>() -> Room<'a> {
    [const { MaybeUninit::uninit() }; MOST_HEADERS]
}

/// What was sent.
pub(super) enum Read<'a> {
    /// One question.
    Plain(Question<'a>),
    /// One request for the gate that is not plain, and nothing behind it.
    Odd,
    /// The beginning of either.
    Begun,
    /// Anything else.
    Foreign,
}

/// `GET` of the one path, or `POST` to the other.
pub(super) struct Question<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a [Header<'a>],
    pub(super) body: &'a [u8],
}

impl Headers for [Header<'_>] {
    fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |header| header.name.eq_ignore_ascii_case(name.as_str())).map(|header| header.value)
    }
}

pub(super) fn read<'a>(sent: &'a [u8], gate: Paths, room: &'a mut Room<'a>) -> Read<'a> {
    if !may_become_question(sent, gate) {
        return Read::Foreign;
    }
    let mut request = Request::new(&mut []);
    let head = match request.parse_with_uninit_headers(sent, room) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Read::Begun,
        Err(_) => return Read::Foreign,
    };
    let Request { path: Some(target), version: Some(1), headers, .. } = request else { return Read::Foreign };
    let Some(framing) = Framing::of(headers) else { return Read::Foreign };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // Where the library needs the head only, no body is waited for: one that a
    // proxy's question speaks of may have stayed with the proxy.
    let longest_body = match path {
        _ if path == gate.auth => 0,
        _ if path == gate.verify && !framing.is_body_packed => LONGEST_BODY,
        _ => return Read::Foreign,
    };
    let body = &sent[head..];
    if framing.length > longest_body || body.len() > framing.length {
        return Read::Foreign;
    }
    if body.len() < framing.length {
        return Read::Begun;
    }
    let is_plain = if path == gate.auth { query.bytes().all(is_plain) } else { target == path };
    if is_plain && framing.is_kept { Read::Plain(Question { path, query, headers, body }) } else { Read::Odd }
}

/// By its beginning, of which there may be less than it takes to know.
fn may_become_question(sent: &[u8], gate: Paths) -> bool {
    [("GET ", gate.auth), ("POST ", gate.verify)].iter().any(|(method, path)| {
        let (start, rest) = sent.split_at(sent.len().min(method.len()));
        method.as_bytes().starts_with(start) && path.as_bytes().starts_with(&rest[..rest.len().min(path.len())])
    })
}

/// Needs no decoding, and is never an error in a query.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'=' | b'&')
}

/// Where a request ends, and what comes then.
struct Framing {
    length: usize,
    /// There may be another request behind it.
    is_kept: bool,
    is_body_packed: bool,
}

impl Framing {
    /// `None` when somebody else could see another end.
    fn of(headers: &[Header<'_>]) -> Option<Self> {
        let (mut hosts, mut length) = (0, None);
        let mut framing = Self { length: 0, is_kept: true, is_body_packed: false };
        for Header { name, value } in headers {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if is("host") {
                hosts += 1;
            } else if is("content-length") {
                if length.replace(parse_length(value)?).is_some() {
                    return None;
                }
            } else if is("transfer-encoding") || is("upgrade") || is("expect") {
                return None;
            } else if is("connection") {
                framing.is_kept &= value.eq_ignore_ascii_case(b"keep-alive");
            } else if is("content-encoding") {
                framing.is_body_packed = true;
            }
        }
        framing.length = length.unwrap_or_default();
        (hosts == 1).then_some(framing)
    }
}

/// Digits and nothing else (RFC 9110 §8.6).
fn parse_length(value: &[u8]) -> Option<usize> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    is_number.then(|| from_utf8(value).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: Paths = Paths { verify: "/v1/keys/verify", auth: "/v1/auth" };
    const AUTH: &str = "GET /v1/auth?service=sms&mode=any HTTP/1.1\r\nHost: x\r\nX-API-Key: k\r\n\r\n";
    const VERIFY: &str = "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{\"key\":\"k\"}";

    fn kind(sent: &str) -> &'static str {
        match read(sent.as_bytes(), GATE, &mut room_for_headers()) {
            Read::Plain(_) => "plain",
            Read::Odd => "odd",
            Read::Begun => "begun",
            Read::Foreign => "foreign",
        }
    }

    /// What it is with one more header.
    fn kind_with(request: &str, header: &str) -> &'static str {
        kind(&request.replacen("Host: x\r\n", &format!("Host: x\r\n{header}\r\n"), 1))
    }

    #[test]
    fn a_question_is_read_once_all_of_it_is_there_and_not_with_anything_behind_it() {
        for request in [AUTH, VERIFY] {
            for end in 0..request.len() {
                assert_eq!(kind(&request[..end]), "begun", "{}", &request[..end]);
            }
            assert_eq!(kind(request), "plain");
            for more in ["\r", "G", request] {
                assert_eq!(kind(&format!("{request}{more}")), "foreign", "{more}");
            }
        }
    }

    #[test]
    fn its_parts_are_told_apart() {
        let mut room = room_for_headers();
        let Read::Plain(question) = read(VERIFY.as_bytes(), GATE, &mut room) else { panic!("not read") };
        assert_eq!((question.path, question.query, question.body), ("/v1/keys/verify", "", &b"{\"key\":\"k\"}"[..]));

        let mut room = room_for_headers();
        let Read::Plain(question) = read(AUTH.as_bytes(), GATE, &mut room) else { panic!("not read") };
        assert_eq!((question.path, question.query, question.body), ("/v1/auth", "service=sms&mode=any", &b""[..]));
        let keys: Vec<_> = question.headers.all(&HeaderName::from_static("x-api-key")).collect();
        assert_eq!(keys, [b"k"]);
    }

    #[test]
    fn nothing_that_others_could_see_another_end_of_is_read() {
        for request in [AUTH, VERIFY] {
            for header in [
                "Transfer-Encoding: chunked",
                "Transfer-Encoding: identity",
                "TRANSFER-ENCODING: x",
                "Upgrade: websocket",
                "Expect: 100-continue",
                "Host: y",
                "Content-Length: +11",
                "Content-Length: 0x0b",
                "Content-Length: 11, 11",
                "Content-Length:",
                "Content-Length: 99999999999999999999999",
                "Content-Length: 5000",
                " X: folded",
                "X : y",
            ] {
                assert_eq!(kind_with(request, header), "foreign", "{header} in {request}");
            }
        }
        assert_eq!(kind_with(VERIFY, "Content-Length: 11"), "foreign");
        assert_eq!(kind(&AUTH.replace("Host: x\r\n", "")), "foreign");
        assert_eq!(kind(&AUTH.replace("HTTP/1.1", "HTTP/1.0")), "foreign");
        assert_eq!(kind(&AUTH.replace("HTTP/1.1", "HTTP/2.0")), "foreign");
        assert_eq!(kind_with(AUTH, &"X: y\r\n".repeat(96)), "foreign");
    }

    #[test]
    fn a_body_that_nobody_reads_is_not_waited_for() {
        for length in [1, 100, 5_000] {
            assert_eq!(kind_with(AUTH, &format!("Content-Length: {length}")), "foreign", "{length} bytes");
        }
        assert_eq!(kind(&AUTH.replace("X-API-Key: k\r\n\r\n", "Content-Length: 1\r\n\r\nk")), "foreign");
        let head = VERIFY.trim_end_matches("{\"key\":\"k\"}");
        assert_eq!(kind(head), "begun");
        assert_eq!([AUTH, head].map(|head| kind_with(head, "Content-Encoding: gzip")), ["plain", "foreign"]);
    }

    #[test]
    fn what_is_asked_in_another_way_is_left_alone() {
        for header in ["Connection: close", "Connection: Upgrade", "Connection: keep-alive, close", "Connection:"] {
            assert_eq!([AUTH, VERIFY].map(|request| kind_with(request, header)), ["odd"; 2], "{header}");
        }
        assert_eq!([AUTH, VERIFY].map(|request| kind_with(request, "Connection: Keep-Alive")), ["plain"; 2]);
        assert_eq!(kind(&VERIFY.replace("verify", "verify?key=k")), "odd");
        for query in ["service=%73ms", "service=sms#x", "service=s\"ms", "service=s+ms"] {
            assert_eq!(kind(&AUTH.replace("service=sms", query)), "odd", "{query}");
        }
        for (ours, other) in [("GET", "HEAD"), ("GET", "POST"), ("GET", "get"), ("auth", "authority"), ("/v1", "//v1")]
        {
            assert_eq!(kind(&AUTH.replacen(ours, other, 1)), "foreign", "{other}");
        }
    }
}
