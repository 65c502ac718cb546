//! The other end for probes: answers what it is asked, and sends nothing by
//! itself.

pub mod sip;
pub mod stun;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use self::stun::Addresses;
use crate::net::{Endpoint, Transport};
use crate::sip::{Framed, Framer};
use crate::stun::{StunFramed, StunFramer};

/// Connections that are held at once.
const MAX_CONNECTIONS: usize = 64;
/// A connection on which nothing comes is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Octets of a datagram that are read: all.
const MAX_DATAGRAM: usize = 65_535;

/// Serves until it is interrupted. `ready` is called when all addresses are
/// open.
///
/// # Errors
///
/// When an address can't be opened; it names which.
pub fn run(addresses: Addresses, sip: Endpoint, ready: impl FnOnce()) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(addresses, sip, ready));
    runtime.shutdown_background();
    served
}

async fn serve(addresses: Addresses, sip: Endpoint, ready: impl FnOnce()) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut sockets = Vec::new();
    for at in addresses.all() {
        let (socket, listener) = open(at).await?;
        sockets.push((at, socket));
        let speaks = Speaks::Stun(addresses, at);
        tokio::spawn(connections(speaks, listener, Arc::clone(&room)));
    }
    let sockets = Arc::new(sockets);
    for place in 0..sockets.len() {
        tokio::spawn(binding_requests(addresses, Arc::clone(&sockets), place));
    }
    let (socket, listener) = open(sip).await?;
    tokio::spawn(sip_requests(socket));
    tokio::spawn(connections(Speaks::Sip, listener, room));
    ready();
    tokio::signal::ctrl_c().await
}

async fn open(at: Endpoint) -> io::Result<(UdpSocket, TcpListener)> {
    let address = SocketAddr::new(at.ip, at.port);
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{at}: {error}"));
    let socket = UdpSocket::bind(address).await.map_err(named)?;
    let listener = TcpListener::bind(address).await.map_err(named)?;
    Ok((socket, listener))
}

/// STUN over UDP: an answer may be wanted from any of the sockets.
async fn binding_requests(
    addresses: Addresses,
    sockets: Arc<Vec<(Endpoint, UdpSocket)>>,
    place: usize,
) {
    let Some((at, socket)) = sockets.get(place) else {
        return;
    };
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let Some((octets, from)) = datagram(socket, &mut buffer).await else {
            continue;
        };
        let Some(reply) = stun::answer(&addresses, *at, from, octets) else {
            continue;
        };
        let mut own = sockets.iter();
        if let Some((_, out)) = own.find(|(own, _)| *own == reply.from) {
            send(out, reply.to, &reply.octets).await;
        }
    }
}

/// SIP over UDP.
async fn sip_requests(socket: UdpSocket) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        if let Some((octets, from)) = datagram(&socket, &mut buffer).await
            && let Some(reply) = sip::answer(from, Transport::Udp, octets, &tag())
        {
            send(&socket, reply.to, &reply.octets).await;
        }
    }
}

/// The next datagram; none where the system told of an error of one sent before.
async fn datagram<'b>(socket: &UdpSocket, buffer: &'b mut [u8]) -> Option<(&'b [u8], Endpoint)> {
    match socket.recv_from(buffer).await {
        Ok((length, from)) => {
            let octets = buffer.get(..length).unwrap_or_default();
            Some((octets, Endpoint::new(from.ip(), from.port())))
        }
        Err(_) => {
            tokio::task::yield_now().await;
            None
        }
    }
}

async fn send(socket: &UdpSocket, to: Endpoint, octets: &[u8]) {
    // Nobody may be there any more.
    let _ = socket
        .send_to(octets, SocketAddr::new(to.ip, to.port))
        .await;
}

/// A tag that nobody guesses.
fn tag() -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(12)
        .collect()
}

/// What is spoken on connections to an address.
#[derive(Clone, Copy, Debug)]
enum Speaks {
    Stun(Addresses, Endpoint),
    Sip,
}

async fn connections(speaks: Speaks, listener: TcpListener, room: Arc<Semaphore>) {
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, from)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let from = Endpoint::new(from.ip(), from.port());
        tokio::spawn(async move {
            let _ = converse(Conversation::new(speaks), from, stream).await;
            drop(permit);
        });
    }
}

async fn converse(
    mut conversation: Conversation,
    from: Endpoint,
    mut stream: TcpStream,
) -> io::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        let read = tokio::time::timeout(IDLE, stream.read(&mut buffer)).await;
        let length = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let octets = buffer.get(..length).unwrap_or_default();
        match conversation.take(from, octets) {
            Some(answers) if length > 0 => stream.write_all(&answers).await?,
            _ => return Ok(()),
        }
    }
}

/// One connection.
#[derive(Debug)]
enum Conversation {
    Stun(Addresses, Endpoint, StunFramer),
    Sip(Framer),
}

impl Conversation {
    fn new(speaks: Speaks) -> Self {
        match speaks {
            Speaks::Stun(addresses, at) => Self::Stun(addresses, at, StunFramer::default()),
            Speaks::Sip => Self::Sip(Framer::new()),
        }
    }

    /// Takes octets; hands back what is answered, or nothing where the stream is
    /// lost.
    fn take(&mut self, from: Endpoint, octets: &[u8]) -> Option<Vec<u8>> {
        let mut answers = Vec::new();
        match self {
            Self::Stun(addresses, at, framer) => {
                framer.push(octets);
                while let Some(framed) = framer.poll() {
                    let StunFramed::Message(octets) = framed else {
                        return None;
                    };
                    // On a stream an answer comes from where it was asked (RFC
                    // 5780, 7.2).
                    let reply = stun::answer(addresses, *at, from, &octets);
                    if let Some(reply) = reply.filter(|own| own.from == *at && own.to == from) {
                        answers.extend(reply.octets);
                    }
                }
            }
            Self::Sip(framer) => {
                framer.push(octets);
                while let Some(framed) = framer.poll() {
                    match framed {
                        Framed::Message(octets) => {
                            let reply = sip::answer(from, Transport::Tcp, &octets, &tag());
                            answers.extend(reply.into_iter().flat_map(|own| own.octets));
                        }
                        // A ping is answered by a pong (RFC 5626, 4.4.1).
                        Framed::KeepAlive(octets) if octets >= 4 => answers.extend(b"\r\n"),
                        Framed::KeepAlive(_) => {}
                        Framed::Skipped(_) => return None,
                    }
                }
            }
        }
        Some(answers)
    }
}
