//! A network between Keyfob and PostgreSQL that can be made to lose everything.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How often a silent connection looks whether the network has changed.
const LOOKS_EVERY: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Network {
    Open,
    /// Nothing arrives, and nobody is told.
    Silent,
    /// Connections are closed.
    Cut,
}

/// Forwards to another address for as long as the test runs.
pub struct Tunnel {
    pub port: u16,
    network: Arc<AtomicU8>,
    address: Arc<Mutex<String>>,
    refused: Arc<AtomicUsize>,
}

impl Tunnel {
    /// To `host:port`.
    pub fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = Arc::new(AtomicU8::new(Network::Open as u8));
        let address = Arc::new(Mutex::new(address.to_owned()));
        let refused = Arc::new(AtomicUsize::new(0));
        let count = refused.clone();
        let (current, shared) = (address.clone(), network.clone());
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if is(&shared, Network::Cut) {
                    continue;
                }
                // As a server that is down refuses it.
                let Ok(far) = TcpStream::connect(&*current.lock().unwrap()) else {
                    count.fetch_add(1, Ordering::SeqCst);
                    continue;
                };
                for (from, to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))] {
                    let (from, to, network) = (from.unwrap(), to.unwrap(), shared.clone());
                    thread::spawn(move || forward(from, to, &network));
                }
            }
        });
        Self { port, network, address, refused }
    }

    /// Leads new connections to another address.
    pub fn lead_to(&self, address: &str) {
        *self.address.lock().unwrap() = address.to_owned();
    }

    /// Waits until so many connections were refused, since nobody listens at the address.
    pub fn wait_for_refused(&self, connections: usize) {
        while self.refused.load(Ordering::SeqCst) < connections {
            thread::yield_now();
        }
    }

    pub fn open(&self) {
        self.set(Network::Open);
    }

    pub fn fall_silent(&self) {
        self.set(Network::Silent);
    }

    pub fn cut(&self) {
        self.set(Network::Cut);
    }

    fn set(&self, network: Network) {
        self.network.store(network as u8, Ordering::SeqCst);
    }
}

fn is(network: &AtomicU8, wanted: Network) -> bool {
    network.load(Ordering::SeqCst) == wanted as u8
}

fn forward(mut from: TcpStream, mut to: TcpStream, network: &AtomicU8) {
    from.set_read_timeout(Some(LOOKS_EVERY)).unwrap();
    let mut part = [0; 4096];
    while !is(network, Network::Cut) {
        let length = match from.read(&mut part) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => break,
        };
        while is(network, Network::Silent) {
            thread::sleep(LOOKS_EVERY);
        }
        if is(network, Network::Cut) || to.write_all(&part[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
