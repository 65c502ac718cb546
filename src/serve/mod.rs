//! The other end for probes: answers what it is asked, and sends nothing by
//! itself.

mod calls;
pub mod digest;
mod echo;
mod mirror;
mod registrar;
pub mod sip;
pub mod stun;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, Receiver, Sender};

use self::digest::Users;
use self::sip::{Config, Desk, Peer};
use self::stun::Addresses;
use crate::net::{Endpoint, Transport};
use crate::sip::{Framed, Framer};
use crate::stun::{StunFramed, StunFramer};
use crate::time::Timestamp;

/// Connections that are held at once.
const MAX_CONNECTIONS: usize = 64;
/// A connection on which nothing comes is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Octets of a datagram that are read: all.
const MAX_DATAGRAM: usize = 65_535;
/// Messages that wait; what comes faster waits in the system.
const WAITING: usize = 64;

/// Datagrams that are answered in a second, in all, and at once.
const MAX_RATE: f64 = 1000.0;

/// How many datagrams may be answered now.
#[derive(Clone, Debug, Default)]
struct Limit(Arc<Mutex<Option<(f64, Timestamp)>>>);

impl Limit {
    /// Takes one, if there is one.
    fn takes(&self, now: Timestamp) -> bool {
        let Ok(mut own) = self.0.lock() else {
            return false;
        };
        let (tokens, last) = own.unwrap_or((MAX_RATE, now));
        let passed = now.millis_since(last) / 1000.0;
        let tokens = (tokens + passed * MAX_RATE).min(MAX_RATE);
        let is_there = tokens >= 1.0;
        *own = Some((if is_there { tokens - 1.0 } else { tokens }, now));
        is_there
    }
}

/// What is served.
#[derive(Debug)]
pub struct Served {
    /// Where STUN is answered.
    pub stun: Addresses,
    /// Where SIP is answered, and media are.
    pub sip: Endpoint,
    /// Where everything is mirrored, beside the user `mirror` of SIP.
    pub mirror: Endpoint,
    /// Who may register; everybody, where nobody is named.
    pub users: Option<Users>,
}

/// Serves until it is interrupted. `ready` is called when all addresses are
/// open.
///
/// # Errors
///
/// When an address can't be opened; it names which.
pub fn run(served: Served, ready: impl FnOnce()) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(served, ready));
    runtime.shutdown_background();
    served
}

async fn serve(served: Served, ready: impl FnOnce()) -> io::Result<()> {
    let Served {
        stun,
        sip,
        mirror,
        users,
    } = served;
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let limit = Limit::default();
    let mut sockets = Vec::new();
    for at in stun.all() {
        let (socket, listener) = open(at).await?;
        sockets.push((at, socket));
        tokio::spawn(stun_connections((stun, at), listener, Arc::clone(&room)));
    }
    let sockets = Arc::new(sockets);
    for place in 0..sockets.len() {
        let sockets = Arc::clone(&sockets);
        tokio::spawn(binding_requests(stun, sockets, place, limit.clone()));
    }
    let (socket, listener) = open(sip).await?;
    let (tell, told) = mpsc::channel(WAITING);
    let socket = Arc::new(socket);
    tokio::spawn(sip_requests(Arc::clone(&socket), tell.clone()));
    let (mirroring, mirrors) = open(mirror).await?;
    tokio::spawn(mirror_requests(mirroring, limit.clone()));
    tokio::spawn(sip_connections(
        mirrors,
        Arc::clone(&room),
        tell.clone(),
        Told::Mirror,
        // Numbers of connections of its own.
        1 << 32,
    ));
    tokio::spawn(sip_connections(
        listener,
        room,
        tell.clone(),
        Told::Message,
        0,
    ));
    let mut ports = Vec::new();
    for slot in 0..calls::MAX_CALLS {
        let (pair, rtp, rtcp) = media_ports(sip)?;
        ports.push((rtp, rtcp.port));
        for socket in pair {
            tokio::spawn(media_packets(slot, socket, tell.clone()));
        }
    }
    let desk = Desk::new(Config {
        local: sip,
        users,
        media: ports,
        rng: fastrand::Rng::new(),
    });
    tokio::spawn(attend(desk, told, socket, limit));
    ready();
    tokio::signal::ctrl_c().await
}

/// Ports for a call: an even one for RTP and the next for RTCP (RFC 3550, 11).
fn media_ports(sip: Endpoint) -> io::Result<([Arc<UdpSocket>; 2], Endpoint, Endpoint)> {
    /// Tries; half of all ports are odd, and neighbours may be taken.
    const TRIES: usize = 64;
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let first = StdUdpSocket::bind(SocketAddr::new(sip.ip, 0))?;
        let port = first.local_addr()?.port();
        if port % 2 != 0 {
            continue;
        }
        match StdUdpSocket::bind(SocketAddr::new(sip.ip, port.saturating_add(1))) {
            Ok(second) => {
                first.set_nonblocking(true)?;
                second.set_nonblocking(true)?;
                let pair = [UdpSocket::from_std(first)?, UdpSocket::from_std(second)?];
                let at = |port| Endpoint::new(sip.ip, port);
                return Ok((pair.map(Arc::new), at(port), at(port.saturating_add(1))));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What the one who attends to calls is told.
#[derive(Debug)]
enum Told {
    /// A connection was opened; what is written to it goes here.
    Connected(u64, Sender<Vec<u8>>),
    /// It is closed.
    Closed(u64),
    /// A message.
    Message(Peer, Vec<u8>),
    /// A message that is mirrored.
    Mirror(Peer, Vec<u8>),
    /// A packet at the media ports of a call.
    Media(usize, Arc<UdpSocket>, Endpoint, Vec<u8>),
}

/// As what a message is told.
type Telling = fn(Peer, Vec<u8>) -> Told;

/// The time of day, going on steadily.
#[expect(clippy::disallowed_methods, reason = "a server has a clock")]
fn clock() -> impl Fn() -> Timestamp {
    let began = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let since = Instant::now();
    move || {
        let nanos = began.saturating_add(since.elapsed()).as_nanos();
        Timestamp::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Attends to registrations and calls.
async fn attend(mut desk: Desk, mut told: Receiver<Told>, socket: Arc<UdpSocket>, limit: Limit) {
    let now = clock();
    let mut connections: HashMap<u64, Sender<Vec<u8>>> = HashMap::new();
    loop {
        let due = desk.poll_timeout().map(|due| due.since(now()));
        let wait = due.map_or(IDLE, |own| {
            Duration::from_nanos(own.try_into().unwrap_or(0))
        });
        tokio::select! {
            told = told.recv() => match told {
                Some(Told::Connected(number, write)) => {
                    connections.insert(number, write);
                }
                Some(Told::Closed(number)) => {
                    connections.remove(&number);
                }
                Some(Told::Message(peer, octets)) => desk.handle(now(), peer, &octets),
                Some(Told::Mirror(peer, octets)) => {
                    let write = peer.connection.and_then(|own| connections.get(&own));
                    if let Some((write, reply)) = write.zip(mirror::answer(peer, &octets)) {
                        let _ = write.try_send(reply.octets);
                    }
                }
                Some(Told::Media(slot, socket, from, octets)) => {
                    if let Some(octets) = desk.media(now(), slot, from, &octets) {
                        send(&socket, from, &octets).await;
                    }
                }
                None => return,
            },
            () = tokio::time::sleep(wait) => desk.handle_timeout(now()),
        }
        while let Some(sent) = desk.poll_transmit() {
            match sent.connection {
                None if limit.takes(now()) => send(&socket, sent.to, &sent.octets).await,
                None => {}
                // Who does not read what is answered is not answered.
                Some(number) => {
                    if let Some(write) = connections.get(&number) {
                        let _ = write.try_send(sent.octets);
                    }
                }
            }
        }
    }
}

async fn media_packets(slot: usize, socket: Arc<UdpSocket>, tell: Sender<Told>) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        if let Some((octets, from)) = datagram(&socket, &mut buffer).await {
            let told = Told::Media(slot, Arc::clone(&socket), from, octets.to_vec());
            if tell.send(told).await.is_err() {
                return;
            }
        }
    }
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
    limit: Limit,
) {
    let now = clock();
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
        if let Some((_, out)) = own.find(|(own, _)| *own == reply.from && limit.takes(now())) {
            send(out, reply.to, &reply.octets).await;
        }
    }
}

/// SIP over UDP.
async fn sip_requests(socket: Arc<UdpSocket>, tell: Sender<Told>) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        if let Some((octets, from)) = datagram(&socket, &mut buffer).await {
            let peer = Peer {
                from,
                transport: Transport::Udp,
                connection: None,
            };
            if tell
                .send(Told::Message(peer, octets.to_vec()))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

/// What is mirrored, over UDP.
async fn mirror_requests(socket: UdpSocket, limit: Limit) {
    let now = clock();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        if let Some((octets, from)) = datagram(&socket, &mut buffer).await {
            let peer = Peer {
                from,
                transport: Transport::Udp,
                connection: None,
            };
            if let Some(reply) = mirror::answer(peer, octets).filter(|_| limit.takes(now())) {
                send(&socket, reply.to, &reply.octets).await;
            }
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

/// A word that nobody guesses.
fn word(rng: &mut fastrand::Rng) -> String {
    std::iter::repeat_with(|| rng.alphanumeric())
        .take(12)
        .collect()
}

/// The next connection, and where it comes from.
async fn accept(listener: &TcpListener) -> (TcpStream, Endpoint) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => return (stream, Endpoint::new(from.ip(), from.port())),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Reads; an error where nothing came for long, nothing at the end.
async fn read<'b>(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &'b mut [u8],
) -> io::Result<&'b [u8]> {
    let read = tokio::time::timeout(IDLE, stream.read(buffer)).await;
    let length = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(buffer.get(..length).unwrap_or_default())
}

async fn stun_connections(at: (Addresses, Endpoint), listener: TcpListener, room: Arc<Semaphore>) {
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let (stream, from) = accept(&listener).await;
        tokio::spawn(async move {
            let _ = stun_connection(at, from, stream).await;
            drop(permit);
        });
    }
}

async fn stun_connection(
    (addresses, at): (Addresses, Endpoint),
    from: Endpoint,
    mut stream: TcpStream,
) -> io::Result<()> {
    let mut framer = StunFramer::default();
    let mut buffer = vec![0; 4096];
    loop {
        let octets = read(&mut stream, &mut buffer).await?;
        if octets.is_empty() {
            return Ok(());
        }
        framer.push(octets);
        while let Some(framed) = framer.poll() {
            let StunFramed::Message(octets) = framed else {
                return Ok(());
            };
            // On a stream an answer comes from where it was asked (RFC 5780, 7.2).
            let reply = stun::answer(&addresses, at, from, &octets);
            if let Some(reply) = reply.filter(|own| own.from == at && own.to == from) {
                stream.write_all(&reply.octets).await?;
            }
        }
    }
}

async fn sip_connections(
    listener: TcpListener,
    room: Arc<Semaphore>,
    tell: Sender<Told>,
    told: Telling,
    mut number: u64,
) {
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let (stream, from) = accept(&listener).await;
        number += 1;
        let peer = Peer {
            from,
            transport: Transport::Tcp,
            connection: Some(number),
        };
        let tell = tell.clone();
        tokio::spawn(async move {
            let (write, wanted) = mpsc::channel(WAITING);
            if tell.send(Told::Connected(number, write)).await.is_ok() {
                let _ = sip_connection(peer, stream, wanted, (&tell, told)).await;
                let _ = tell.send(Told::Closed(number)).await;
            }
            drop(permit);
        });
    }
}

async fn sip_connection(
    peer: Peer,
    mut stream: TcpStream,
    mut wanted: Receiver<Vec<u8>>,
    (tell, told): (&Sender<Told>, Telling),
) -> io::Result<()> {
    let (mut from, mut to) = stream.split();
    let mut framer = Framer::new();
    let mut buffer = vec![0; 4096];
    loop {
        let octets = tokio::select! {
            octets = read(&mut from, &mut buffer) => octets?,
            octets = wanted.recv() => {
                to.write_all(&octets.unwrap_or_default()).await?;
                continue;
            }
        };
        if octets.is_empty() {
            return Ok(());
        }
        framer.push(octets);
        while let Some(framed) = framer.poll() {
            match framed {
                Framed::Message(octets) => {
                    if tell.send(told(peer, octets.to_vec())).await.is_err() {
                        return Ok(());
                    }
                }
                // A ping is answered by a pong (RFC 5626, 4.4.1).
                Framed::KeepAlive(octets) if octets >= 4 => to.write_all(b"\r\n").await?,
                Framed::KeepAlive(_) => {}
                Framed::Skipped(_) => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m085_a_flood_is_not_answered_in_kind() {
        let at = |ms: i64| Timestamp::from_nanos(1_700_000_000_000_000_000).offset(ms * 1_000_000);
        let limit = Limit::default();
        let count = |from: i64| {
            let flood = (0..10_000).filter(|own| limit.takes(at(from + own / 10)));
            flood.count()
        };
        // A thousand at once, and a thousand in the second.
        assert_eq!(count(0), 1999);
        assert_eq!(count(1000), 1000);
        assert_eq!(count(10_000), 1999);
    }
}
