//! Answers for PostgreSQL, with or without TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Certificate;

/// What a client sends to ask for TLS.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What it does when it is asked for TLS.
#[derive(Clone)]
enum Manner {
    Show(TlsAcceptor),
    /// Says that there is none.
    Decline,
    /// Says nothing any more.
    FallSilent,
}

/// Ends with the test.
pub struct TlsFront {
    pub port: u16,
    encrypted: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl TlsFront {
    /// Shows a certificate, and forwards what it decrypts to `host:port`.
    pub fn showing(certificate: &Certificate, address: &str) -> Self {
        let chain = CertificateDer::pem_file_iter(certificate.path()).unwrap().map(Result::unwrap).collect();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_file(certificate.key()).unwrap())
            .unwrap();
        Self::start(Manner::Show(TlsAcceptor::from(Arc::new(config))), address)
    }

    /// Has no TLS.
    pub fn without_tls(address: &str) -> Self {
        Self::start(Manner::Decline, address)
    }

    /// Accepts, and says nothing.
    pub fn silent() -> Self {
        Self::start(Manner::FallSilent, "")
    }

    fn start(manner: Manner, address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (encrypted, address) = (Arc::new(AtomicUsize::new(0)), address.to_owned());
        let count = Arc::clone(&encrypted);
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // Clients may leave whenever they want.
                let served = serve(near, manner.clone(), address.clone(), Arc::clone(&count));
                tokio::spawn(async { drop(served.await) });
            }
        });
        Self { port, encrypted, _runtime: runtime }
    }

    /// How many connections have been encrypted.
    pub fn encrypted(&self) -> usize {
        self.encrypted.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut near: TcpStream,
    manner: Manner,
    address: String,
    encrypted: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut start = [0; 8];
    near.read_exact(&mut start).await?;
    if start != TLS_REQUEST {
        let mut far = TcpStream::connect(address).await?;
        far.write_all(&start).await?;
        return copy_bidirectional(&mut near, &mut far).await.map(drop);
    }
    match manner {
        Manner::Show(acceptor) => {
            near.write_all(b"S").await?;
            let mut near = acceptor.accept(near).await?;
            encrypted.fetch_add(1, Ordering::SeqCst);
            copy_bidirectional(&mut near, &mut TcpStream::connect(address).await?).await.map(drop)
        }
        Manner::Decline => {
            near.write_all(b"N").await?;
            copy_bidirectional(&mut near, &mut TcpStream::connect(address).await?).await.map(drop)
        }
        Manner::FallSilent => near.read(&mut start).await.map(drop),
    }
}
