//! The first messages between libpq and a server (manual, §54.2.1).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longer messages are no beginning of a session.
const MAX_LENGTH: u32 = 64 * 1024;
/// The kind of message by which a server asks for a password or says that none is needed.
const AUTHENTICATION: u8 = b'R';
/// Comes before that one, where the server knows an older protocol only.
const NEGOTIATE_VERSION: u8 = b'v';
/// The request in an authentication message that lists mechanisms.
const SASL: [u8; 4] = [0, 0, 0, 10];
/// Ties the password to the TLS connection.
const CHANNEL_BINDING: &[u8] = b"SCRAM-SHA-256-PLUS";

/// Relays the messages up to the first one of the authentication, from which it takes what
/// only the end of a TLS connection can do: libpq knows of none, and would take the offer for
/// an attack. Without it libpq tells the server that it has no channel binding, which is true.
///
/// # Errors
/// When one side is gone.
pub(super) async fn relay_startup<L, S>(libpq: &mut L, server: &mut S) -> io::Result<()>
where
    L: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let length = libpq.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    append(libpq, length, &mut message).await?;
    server.write_all(&message).await?;
    server.flush().await?;
    loop {
        let kind = server.read_u8().await?;
        let length = server.read_u32().await?;
        if !(4..=MAX_LENGTH).contains(&length) {
            // A server that can't even start a process says so in another form.
            libpq.write_u8(kind).await?;
            return libpq.write_u32(length).await;
        }
        let mut body = Vec::new();
        append(server, length, &mut body).await?;
        if kind == AUTHENTICATION {
            body = without_channel_binding(body);
        }
        let mut message = vec![kind];
        message.extend(u32::try_from(body.len() + 4).map_err(io::Error::other)?.to_be_bytes());
        message.extend(body);
        libpq.write_all(&message).await?;
        if kind != NEGOTIATE_VERSION {
            return Ok(());
        }
    }
}

/// Appends what follows the length of a message, which counts itself.
async fn append(from: &mut (impl AsyncRead + Unpin), length: u32, message: &mut Vec<u8>) -> io::Result<()> {
    let rest = length.checked_sub(4).filter(|rest| *rest <= MAX_LENGTH).ok_or(io::ErrorKind::InvalidData)?;
    from.take(rest.into()).read_to_end(message).await.map(drop)
}

fn without_channel_binding(body: Vec<u8>) -> Vec<u8> {
    let Some(list) = body.strip_prefix(&SASL) else { return body };
    let kept = list.split_inclusive(|byte| *byte == 0).filter(|name| name.strip_suffix(&[0]) != Some(CHANNEL_BINDING));
    SASL.iter().chain(kept.flatten()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_channel_binding_is_taken_from_the_offer_of_a_server() {
        let offer = b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0".to_vec();
        assert_eq!(without_channel_binding(offer), b"\0\0\0\x0aSCRAM-SHA-256\0\0");
        for other in [b"\0\0\0\0".to_vec(), b"\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec(), b"\0\0".to_vec()] {
            assert_eq!(without_channel_binding(other.clone()), other);
        }
    }
}
