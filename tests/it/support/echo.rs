//! An application behind a proxy, which tells what reached it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// An application whose answer is the request that it got.
pub fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer_with_request(stream));
        }
    });
    address
}

fn answer_with_request(mut stream: TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut part = [0; 16 * 1024];
    while !is_complete(&request) {
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&part[..length]);
    }
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", request.len());
    stream.write_all(&[head.as_bytes(), &request].concat()).ok()
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let lower = head.to_lowercase();
    let length = lower.split("content-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
