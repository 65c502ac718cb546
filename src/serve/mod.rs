//! The other end for probes: answers what it is asked, and sends nothing by
//! itself.

pub mod stun;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use self::stun::Addresses;
use crate::net::Endpoint;
use crate::stun::{StunFramed, StunFramer};

/// Connections that are held at once.
const MAX_CONNECTIONS: usize = 64;
/// A connection on which nothing comes is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Serves until it is interrupted. `ready` is told of the addresses when all of
/// them are open.
///
/// # Errors
///
/// When an address can't be opened; it names which.
pub fn run(addresses: Addresses, ready: impl FnOnce(&[Endpoint])) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(addresses, ready));
    runtime.shutdown_background();
    served
}

async fn serve(addresses: Addresses, ready: impl FnOnce(&[Endpoint])) -> io::Result<()> {
    let all = addresses.all();
    let mut sockets = Vec::new();
    let mut listeners = Vec::new();
    for own in &all {
        let at = SocketAddr::new(own.ip, own.port);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{own}: {error}"));
        sockets.push((*own, Arc::new(UdpSocket::bind(at).await.map_err(named)?)));
        listeners.push((*own, TcpListener::bind(at).await.map_err(named)?));
    }
    let sockets = Arc::new(sockets);
    for place in 0..sockets.len() {
        tokio::spawn(datagrams(addresses, Arc::clone(&sockets), place));
    }
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    for (own, listener) in listeners {
        tokio::spawn(connections(addresses, own, listener, Arc::clone(&room)));
    }
    ready(&all);
    tokio::signal::ctrl_c().await
}

type Sockets = Arc<Vec<(Endpoint, Arc<UdpSocket>)>>;

async fn datagrams(addresses: Addresses, sockets: Sockets, place: usize) {
    let Some((at, socket)) = sockets.get(place) else {
        return;
    };
    let mut buffer = vec![0; 65_535];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let octets = buffer.get(..length).unwrap_or_default();
        let from = Endpoint::new(from.ip(), from.port());
        let Some(reply) = stun::answer(&addresses, *at, from, octets) else {
            continue;
        };
        let mut own = sockets.iter();
        if let Some((_, out)) = own.find(|(own, _)| *own == reply.from) {
            let to = SocketAddr::new(reply.to.ip, reply.to.port);
            // Nobody may be there any more.
            let _ = out.send_to(&reply.octets, to).await;
        }
    }
}

async fn connections(
    addresses: Addresses,
    at: Endpoint,
    listener: TcpListener,
    room: Arc<Semaphore>,
) {
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
            let _ = connection(addresses, at, from, stream).await;
            drop(permit);
        });
    }
}

async fn connection(
    addresses: Addresses,
    at: Endpoint,
    from: Endpoint,
    mut stream: TcpStream,
) -> io::Result<()> {
    let mut framer = StunFramer::default();
    let mut buffer = vec![0; 4096];
    loop {
        let read = tokio::time::timeout(IDLE, stream.read(&mut buffer)).await;
        let length = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if length == 0 {
            return Ok(());
        }
        framer.push(buffer.get(..length).unwrap_or_default());
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
