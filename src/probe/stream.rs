//! Connections: TCP, TLS over it, WebSocket over either.

use std::io::{self, BufReader};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, KeyLogFile, RootCertStore,
    SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::Carrier;
use crate::net::Endpoint;
use crate::report::TlsEvidence;
use crate::time::Timestamp;
use crate::tls::Certificate;

/// How long each step of a connection may take.
const STEP: Duration = Duration::from_secs(5);
/// Octets of a WebSocket message that are read.
const MAX_MESSAGE: usize = 65_536;
/// Octets that are read at once.
const MAX_READ: usize = 65_535;

/// What came of a connection.
#[derive(Debug)]
pub(super) enum Came {
    /// It is open, and how it is protected.
    Connected(Option<Box<TlsEvidence>>),
    /// Octets.
    Octets(Vec<u8>),
    /// It is over, or never was.
    Failed(String),
}

/// What came to a socket.
#[derive(Debug)]
pub(super) struct Arrival {
    pub socket: u16,
    pub local: Endpoint,
    pub from: Endpoint,
    pub carrier: Carrier,
    pub came: Came,
}

/// Where what comes to a connection is told.
#[derive(Debug)]
pub(super) struct Teller {
    pub arrive: Sender<Arrival>,
    pub socket: u16,
    pub local: Endpoint,
    pub from: Endpoint,
    pub carrier: Carrier,
}

impl Teller {
    /// Tells; says whether anybody listens.
    async fn tell(&self, came: Came) -> bool {
        let arrival = Arrival {
            socket: self.socket,
            local: self.local,
            from: self.from,
            carrier: self.carrier,
            came,
        };
        self.arrive.send(arrival).await.is_ok()
    }
}

/// Whom to trust.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    is_insecure: bool,
    /// The name that a certificate must bear; the address, where none is known.
    name: Option<String>,
}

impl Trust {
    /// Trusts the authorities of a file, or the system's. Where `is_insecure`, the
    /// certificate is looked at, and what is wrong with it only told.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or holds no certificate.
    pub fn new(authorities: Option<&Path>, is_insecure: bool) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        match authorities {
            Some(path) => {
                let mut file = BufReader::new(std::fs::File::open(path)?);
                let certificates = CertificateDer::pem_reader_iter(&mut file);
                for certificate in certificates {
                    let certificate = certificate.map_err(io::Error::other)?;
                    roots.add(certificate).map_err(io::Error::other)?;
                }
                if roots.is_empty() {
                    return Err(io::Error::other("no certificate in it"));
                }
            }
            None => {
                let system = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(system.certs);
            }
        }
        Ok(Self {
            roots: Arc::new(roots),
            is_insecure,
            name: None,
        })
    }

    /// Wants a certificate for this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }
}

/// Looks at certificates as webpki does, with what RFC 5922 adds; and tells what is
/// wrong with one that is let through.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Nothing, where the system trusts nobody.
    inner: Option<Arc<WebPkiServerVerifier>>,
    is_insecure: bool,
    fault: Mutex<Option<String>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = match &self.inner {
            Some(inner) => {
                inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        let Err(error) = verified else {
            return verified;
        };
        let is_of_another = matches!(
            error,
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            )
        );
        // RFC 5922, 7.1: a SIP domain may stand as a URI. The chain was looked at
        // before the name.
        let domain = format!("sip:{}", server_name.to_str());
        let certificate = Certificate::parse(end_entity).unwrap_or_default();
        let mut names = certificate.names.iter();
        if is_of_another && names.any(|own| own.eq_ignore_ascii_case(&domain)) {
            return Ok(ServerCertVerified::assertion());
        }
        if let Ok(mut fault) = self.fault.lock() {
            *fault = Some(error.to_string());
        }
        match self.is_insecure {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What a connection can be once it is there.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects, and carries octets both ways until one side ends it.
pub(super) async fn carry(
    socket: tokio::net::TcpSocket,
    (carrier, to): (Carrier, Endpoint),
    trust: Option<Trust>,
    mut wanted: Receiver<Vec<u8>>,
    tell: Teller,
) {
    let address = std::net::SocketAddr::new(to.ip, to.port);
    let stream = match within(socket.connect(address)).await {
        Ok(stream) => stream,
        Err(why) => {
            tell.tell(Came::Failed(why)).await;
            return;
        }
    };
    let name = trust.as_ref().and_then(|own| own.name.clone());
    let (stream, secured): (Box<dyn Stream>, _) = match trust.filter(|_| carrier.is_secure()) {
        None if carrier.is_secure() => {
            tell.tell(Came::Failed("nobody is trusted".to_owned()))
                .await;
            return;
        }
        None => (Box::new(stream), None),
        Some(trust) => match secure(stream, to, &trust).await {
            Ok((stream, secured)) => (stream, Some(Box::new(secured))),
            Err(why) => {
                tell.tell(Came::Failed(why)).await;
                return;
            }
        },
    };
    let ended = if carrier.is_framed() {
        let host = name.unwrap_or_else(|| to.ip.to_string());
        framed(
            stream,
            &format!("ws://{host}:{}/", to.port),
            secured,
            &mut wanted,
            &tell,
        )
        .await
    } else if tell.tell(Came::Connected(secured)).await {
        plain(stream, &mut wanted, &tell).await
    } else {
        return;
    };
    if let Err(why) = ended {
        tell.tell(Came::Failed(why)).await;
    }
}

/// What a step of a connection gives, if it gives it soon.
async fn within<T, E: std::fmt::Display>(
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(STEP, step).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err("no connection".to_owned()),
    }
}

async fn secure(
    stream: tokio::net::TcpStream,
    to: Endpoint,
    trust: &Trust,
) -> Result<(Box<dyn Stream>, TlsEvidence), String> {
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::clone(&trust.roots);
    let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
    let verifier = Arc::new(Verifier {
        provider: Arc::clone(&provider),
        inner: inner.ok(),
        is_insecure: trust.is_insecure,
        fault: Mutex::new(None),
    });
    let own: Arc<dyn ServerCertVerifier> = Arc::clone(&verifier) as _;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(own)
        .with_no_client_auth();
    // Nothing is written unless SSLKEYLOGFILE names a file.
    config.key_log = Arc::new(KeyLogFile::new());
    let name = match &trust.name {
        Some(name) => ServerName::try_from(name.clone()).map_err(|error| error.to_string())?,
        None => ServerName::IpAddress(to.ip.into()),
    };
    let connector = TlsConnector::from(Arc::new(config));
    let stream = within(connector.connect(name.clone(), stream)).await?;
    let (_, own) = stream.get_ref();
    let certificate = own.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate
        .and_then(|own| Certificate::parse(own))
        .unwrap_or_default();
    let fault = verifier.fault.lock().ok().and_then(|own| own.clone());
    let until = u64::try_from(certificate.not_after).unwrap_or_default();
    let secured = TlsEvidence {
        name: name.to_str().into_owned(),
        version: own
            .protocol_version()
            .and_then(|own| own.as_str())
            .map(str::to_owned),
        cipher: own
            .negotiated_cipher_suite()
            .and_then(|own| own.suite().as_str())
            .map(str::to_owned),
        certificate_subject: certificate.subject,
        certificate_names: certificate.names,
        certificate_not_after: Timestamp::from_nanos(until.saturating_mul(1_000_000_000))
            .rfc3339(0),
        is_trusted: fault.is_none(),
        fault,
    };
    Ok((Box::new(stream), secured))
}

async fn plain(
    stream: Box<dyn Stream>,
    wanted: &mut Receiver<Vec<u8>>,
    tell: &Teller,
) -> Result<(), String> {
    let (mut read, mut put) = tokio::io::split(stream);
    let mut buffer = vec![0; MAX_READ];
    loop {
        tokio::select! {
            octets = wanted.recv() => {
                let Some(octets) = octets else { return Ok(()) };
                let put = async { put.write_all(&octets).await?; put.flush().await };
                put.await.map_err(|error| error.to_string())?;
            }
            length = read.read(&mut buffer) => {
                let octets = match length.map_err(|error| error.to_string())? {
                    0 => return Err("the connection was closed".to_owned()),
                    length => buffer.get(..length).unwrap_or_default().to_vec(),
                };
                if !tell.tell(Came::Octets(octets)).await {
                    return Ok(());
                }
            }
        }
    }
}

/// Each message in a frame of its own (RFC 7118, 5).
async fn framed(
    stream: Box<dyn Stream>,
    uri: &str,
    secured: Option<Box<TlsEvidence>>,
    wanted: &mut Receiver<Vec<u8>>,
    tell: &Teller,
) -> Result<(), String> {
    let mut request = uri
        .into_client_request()
        .map_err(|error| error.to_string())?;
    let protocol = HeaderValue::from_static("sip");
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let open = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    let (mut stream, _) = within(open).await?;
    if !tell.tell(Came::Connected(secured)).await {
        return Ok(());
    }
    loop {
        tokio::select! {
            octets = wanted.recv() => {
                let Some(octets) = octets else { return Ok(()) };
                let message = match String::from_utf8(octets) {
                    Ok(text) => Message::text(text),
                    Err(other) => Message::binary(other.into_bytes()),
                };
                stream.send(message).await.map_err(|error| error.to_string())?;
            }
            message = stream.next() => {
                let message = message.ok_or_else(|| "the connection was closed".to_owned())?;
                let octets = match message.map_err(|error| error.to_string())? {
                    Message::Text(text) => text.as_bytes().to_vec(),
                    Message::Binary(octets) => octets.to_vec(),
                    Message::Close(_) => return Err("the connection was closed".to_owned()),
                    Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
                };
                if !tell.tell(Came::Octets(octets)).await {
                    return Ok(());
                }
            }
        }
    }
}
