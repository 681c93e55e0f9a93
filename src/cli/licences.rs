//! `keyfob licenses`: prints what `build.rs` has packed.

use std::io::{self, Read, Write};

use flate2::read::GzDecoder;

/// Keyfob's own licence, then those of everything that is built in.
const LICENCES_GZ: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/licences.gz"));

/// A reader such as `head` may close the pipe before the end.
pub(super) fn print() -> io::Result<()> {
    let mut text = Vec::new();
    GzDecoder::new(LICENCES_GZ).read_to_end(&mut text)?;
    match io::stdout().lock().write_all(&text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
