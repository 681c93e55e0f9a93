//! A carrier that writes its own bytes, so that a test decides on each of them.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);
const RESPONSE: u32 = 0x8000_0000;
pub const DELIVER_SM: u32 = 0x05;
pub const DATA_SM: u32 = 0x103;

/// A submit as the carrier got it.
#[derive(Debug, Clone)]
pub struct PeerSubmit {
    pub sequence: u32,
    pub from: String,
    pub to: String,
    pub validity: String,
    pub data_coding: u8,
    pub message: Vec<u8>,
    /// What follows the mandatory fields.
    pub tlvs: Vec<u8>,
    /// The number of the connection that it came on, from 0.
    pub link: usize,
}

/// What the carrier does with a submit.
#[derive(Debug, Clone)]
pub enum PeerAnswer {
    /// Accepts it under a new id.
    Accept,
    /// Accepts it under a new id, and sends a receipt with this `stat:… err:…`.
    Deliver(&'static str),
    /// Answers with this status.
    Refuse(u32),
    /// Does not answer.
    Nothing,
}

type Behaviour = Box<dyn FnMut(&PeerSubmit) -> PeerAnswer + Send>;

struct PeerState {
    behaviour: Behaviour,
    submits: Vec<PeerSubmit>,
    /// The command ids of binds, in order.
    binds: Vec<u32>,
    /// Responses to what the carrier delivered: command id, status and sequence.
    responses: Vec<(u32, u32, u32)>,
    links: Vec<TcpStream>,
    next_id: u64,
}

/// The carrier; it goes on listening until the process ends.
#[derive(Clone)]
pub struct CarrierPeer {
    state: Arc<Mutex<PeerState>>,
    pub port: u16,
}

/// The carrier of all tests that are not about carriers. The end of the recipient's
/// number decides, as in the sandbox.
static ORDINARY: LazyLock<CarrierPeer> = LazyLock::new(|| {
    let mut throttled: HashMap<(String, Vec<u8>), u32> = HashMap::new();
    CarrierPeer::start(move |submit| match &submit.to[submit.to.len() - 3..] {
        "999" => {
            let times = throttled.entry((submit.to.clone(), submit.message.clone())).or_default();
            *times += 1;
            if times.is_multiple_of(3) { PeerAnswer::Deliver("stat:DELIVRD err:000") } else { PeerAnswer::Refuse(0x58) }
        }
        "998" => PeerAnswer::Refuse(0x0b),
        "997" => PeerAnswer::Deliver("stat:UNDELIV err:011"),
        "996" => PeerAnswer::Deliver("stat:REJECTD err:008"),
        "995" => PeerAnswer::Deliver("stat:EXPIRED err:000"),
        "994" => PeerAnswer::Accept,
        _ => PeerAnswer::Deliver("stat:DELIVRD err:000"),
    })
});

impl CarrierPeer {
    /// One that all tests share.
    pub fn ordinary() -> &'static Self {
        &ORDINARY
    }

    /// One that does with each submit what `behaviour` says.
    pub fn start(behaviour: impl FnMut(&PeerSubmit) -> PeerAnswer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = PeerState {
            behaviour: Box::new(behaviour),
            submits: Vec::new(),
            binds: Vec::new(),
            responses: Vec::new(),
            links: Vec::new(),
            next_id: 1,
        };
        let peer = Self { state: Arc::new(Mutex::new(state)), port };
        let accepting = peer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let peer = accepting.clone();
                std::thread::spawn(move || peer.serve(stream));
            }
        });
        peer
    }

    /// Where it is, with these parameters.
    pub fn url(&self, parameters: &str) -> String {
        format!("smpp://keyfob:s3cret@127.0.0.1:{}?{parameters}", self.port)
    }

    /// From now on does this with each submit.
    pub fn behave(&self, behaviour: impl FnMut(&PeerSubmit) -> PeerAnswer + Send + 'static) {
        self.state.lock().unwrap().behaviour = Box::new(behaviour);
    }

    pub fn submits(&self) -> Vec<PeerSubmit> {
        self.state.lock().unwrap().submits.clone()
    }

    pub fn binds(&self) -> Vec<u32> {
        self.state.lock().unwrap().binds.clone()
    }

    pub fn responses(&self) -> Vec<(u32, u32, u32)> {
        self.state.lock().unwrap().responses.clone()
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "{what}; {:?}", self.submits());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Answers a submit that was left without an answer.
    pub fn answer(&self, submit: &PeerSubmit, status: u32, id: &str) {
        let mut state = self.state.lock().unwrap();
        let body = if status == 0 { [id.as_bytes(), b"\0"].concat() } else { Vec::new() };
        write(&mut state.links[submit.link], RESPONSE | 4, status, submit.sequence, &body);
    }

    /// Delivers bytes of its own on the newest connection.
    pub fn deliver(&self, command: u32, sequence: u32, body: &[u8]) {
        let mut state = self.state.lock().unwrap();
        write(state.links.last_mut().unwrap(), command, 0, sequence, body);
    }

    /// Hangs up on every connection.
    pub fn hang_up(&self) {
        for link in &self.state.lock().unwrap().links {
            let _ = link.shutdown(std::net::Shutdown::Both);
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let link = {
            let mut state = self.state.lock().unwrap();
            state.links.push(stream.try_clone().unwrap());
            state.links.len() - 1
        };
        while let Some((id, status, sequence, body)) = read(&mut stream) {
            let mut state = self.state.lock().unwrap();
            let out = &mut stream;
            match id {
                0x01 | 0x02 | 0x09 => {
                    state.binds.push(id);
                    write(out, RESPONSE | id, 0, sequence, b"peer\0");
                }
                0x04 => {
                    let submit = submit(sequence, &body, link);
                    let answer = (state.behaviour)(&submit);
                    let carrier_id = format!("peer-{}", state.next_id);
                    state.next_id += 1;
                    let accepted = [carrier_id.as_bytes(), b"\0"].concat();
                    match answer {
                        PeerAnswer::Nothing => {}
                        PeerAnswer::Refuse(status) => write(out, RESPONSE | 4, status, sequence, b""),
                        PeerAnswer::Accept => write(out, RESPONSE | 4, 0, sequence, &accepted),
                        PeerAnswer::Deliver(words) => {
                            write(out, RESPONSE | 4, 0, sequence, &accepted);
                            let line = format!("id:{carrier_id} {words} text:-");
                            write(out, DELIVER_SM, 0, sequence, &delivery(&submit.to, 4, line.as_bytes(), b""));
                        }
                    }
                    state.submits.push(submit);
                }
                0x15 => write(out, RESPONSE | id, 0, sequence, b""),
                0x06 => {
                    write(out, RESPONSE | id, 0, sequence, b"");
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                    return;
                }
                id if id & RESPONSE != 0 => state.responses.push((id, status, sequence)),
                _ => {}
            }
        }
    }
}

/// The body of a `deliver_sm` from a phone, with bytes behind the text.
pub fn delivery(from: &str, esm_class: u8, text: &[u8], behind: &[u8]) -> Vec<u8> {
    let fields =
        [&b"\0\x01\x01"[..], from.as_bytes(), b"\0\x05\0Shop\0", &[esm_class, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    [&fields[..], &[u8::try_from(text.len()).unwrap()], text, behind].concat()
}

fn read(stream: &mut TcpStream) -> Option<(u32, u32, u32, Vec<u8>)> {
    let mut header = [0; 16];
    stream.read_exact(&mut header).ok()?;
    let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
    let mut body = vec![0; word(0) as usize - 16];
    stream.read_exact(&mut body).ok()?;
    Some((word(4), word(8), word(12), body))
}

fn write(stream: &mut TcpStream, id: u32, status: u32, sequence: u32, body: &[u8]) {
    let length = u32::try_from(16 + body.len()).unwrap();
    let header: Vec<u8> = [length, id, status, sequence].iter().flat_map(|word| word.to_be_bytes()).collect();
    // A connection that ended meanwhile is noticed by its reader.
    let _ = stream.write_all(&[&header[..], body].concat());
}

fn submit(sequence: u32, body: &[u8], link: usize) -> PeerSubmit {
    let mut rest = body;
    let mut text = |skipped: usize| {
        rest = &rest[skipped..];
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        let text = String::from_utf8(rest[..end].to_vec()).unwrap();
        rest = &rest[end + 1..];
        text
    };
    text(0);
    let (from, to) = (text(2), text(2));
    text(3);
    let validity = text(0);
    let (data_coding, length) = (rest[2], usize::from(rest[4]));
    let (message, tlvs) = rest[5..].split_at(length);
    PeerSubmit { sequence, from, to, validity, data_coding, message: message.to_vec(), tlvs: tlvs.to_vec(), link }
}
