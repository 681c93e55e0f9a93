//! The way from a proxy to Keyfob, which can be watched and cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Passes bytes on to Keyfob, so that connections can be counted and cut.
pub struct Relay {
    pub address: String,
    state: Arc<RelayState>,
}

#[derive(Default)]
struct RelayState {
    connections: AtomicUsize,
    bytes: AtomicUsize,
    /// 0: passes on; 1: hangs up; 2: says nothing.
    trouble: AtomicUsize,
}

impl Relay {
    pub fn to(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(RelayState::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (target, state) = (target.clone(), Arc::clone(&shared));
                thread::spawn(move || state.pass_on(stream, &target));
            }
        });
        Self { address, state }
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// What went to Keyfob.
    pub fn bytes(&self) -> usize {
        self.state.bytes.load(Ordering::SeqCst)
    }

    pub fn cut(&self) {
        self.state.trouble.store(1, Ordering::SeqCst);
    }

    pub fn hang(&self) {
        self.state.trouble.store(2, Ordering::SeqCst);
    }
}

impl RelayState {
    fn pass_on(&self, mut client: TcpStream, target: &str) -> Option<()> {
        let mut keyfob = TcpStream::connect(target).ok()?;
        let (mut from, mut to) = (keyfob.try_clone().ok()?, client.try_clone().ok()?);
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
        let mut part = [0; 16 * 1024];
        while let Some(length) = client.read(&mut part).ok().filter(|length| *length > 0) {
            match self.trouble.load(Ordering::SeqCst) {
                0 => {}
                1 => break,
                _ => continue,
            }
            self.bytes.fetch_add(length, Ordering::SeqCst);
            keyfob.write_all(&part[..length]).ok()?;
        }
        let _ = keyfob.shutdown(Shutdown::Both);
        client.shutdown(Shutdown::Both).ok()
    }
}
