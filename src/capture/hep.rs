//! Packets from capture agents, and packets to a collector (HEP).

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use etherparse::PacketBuilder;

use crate::hep;
use crate::net::Transport;

/// Agents that may be connected at once.
const MAX_AGENTS: usize = 256;
/// Packets that wait to be sent; more are dropped, and counted.
const MAX_WAITING: usize = 16 * 1024;
/// How long a collector may take to be reached, or to take a packet.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long is waited before a collector is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Where HEP goes to, or comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HepAddress {
    /// Over UDP or over TCP.
    pub transport: Transport,
    /// The address.
    pub at: SocketAddr,
}

impl std::str::FromStr for HepAddress {
    type Err = String;

    /// `udp:HOST:PORT`, `tcp:HOST:PORT`; without a host this one alone.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text}: expected udp:HOST:PORT or tcp:HOST:PORT");
        let (transport, rest) = text.split_once(':').ok_or_else(bad)?;
        let transport = match transport {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            _ => return Err(bad()),
        };
        let at = match rest.parse::<u16>() {
            Ok(port) => SocketAddr::from(([127, 0, 0, 1], port)),
            Err(_) => {
                let mut found = rest
                    .to_socket_addrs()
                    .map_err(|error| format!("{text}: {error}"))?;
                found.next().ok_or_else(bad)?
            }
        };
        Ok(Self { transport, at })
    }
}

impl std::fmt::Display for HepAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.transport.name(), self.at)
    }
}

/// Takes what agents send.
#[derive(Debug)]
pub struct HepListener {
    address: HepAddress,
    socket: Socket,
    agents: Vec<Agent>,
    buffer: Vec<u8>,
    /// Packets that were no HEP, or that agents sent who were too many.
    refused: u64,
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    Tcp(TcpListener),
}

/// One that is connected.
#[derive(Debug)]
struct Agent {
    stream: TcpStream,
    peer: SocketAddr,
    held: Vec<u8>,
    is_over: bool,
}

impl HepListener {
    /// Listens.
    ///
    /// # Errors
    ///
    /// When the address can't be bound.
    pub fn open(address: HepAddress) -> io::Result<Self> {
        let socket = match address.transport {
            Transport::Udp => {
                let socket = UdpSocket::bind(address.at)?;
                socket.set_nonblocking(true)?;
                Socket::Udp(socket)
            }
            _ => {
                let listener = TcpListener::bind(address.at)?;
                listener.set_nonblocking(true)?;
                Socket::Tcp(listener)
            }
        };
        let at = match &socket {
            Socket::Udp(own) => own.local_addr()?,
            Socket::Tcp(own) => own.local_addr()?,
        };
        Ok(Self {
            address: HepAddress { at, ..address },
            socket,
            agents: Vec::new(),
            buffer: vec![0; 65_536],
            refused: 0,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> &HepAddress {
        &self.address
    }

    /// Packets that were none, or whose agents were too many.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands each packet that has come to `each`, as an IP packet from the agent to
    /// here, so that it can be kept and read like any other; at most so many.
    /// Answers whether there were any, or `None` once `each` wants no more.
    pub fn take(&mut self, most: usize, mut each: impl FnMut(&[u8]) -> bool) -> Option<bool> {
        let here = self.address.at;
        let mut taken = 0;
        match &self.socket {
            Socket::Udp(socket) => {
                while taken < most {
                    let Ok((length, peer)) = socket.recv_from(&mut self.buffer) else {
                        break;
                    };
                    taken += 1;
                    let payload = self.buffer.get(..length).unwrap_or_default();
                    if !each(&packet(peer, here, payload)) {
                        return None;
                    }
                }
            }
            Socket::Tcp(listener) => {
                while let Ok((stream, peer)) = listener.accept() {
                    if self.agents.len() >= MAX_AGENTS || stream.set_nonblocking(true).is_err() {
                        self.refused += 1;
                        continue;
                    }
                    self.agents.push(Agent {
                        stream,
                        peer,
                        held: Vec::new(),
                        is_over: false,
                    });
                }
                for agent in &mut self.agents {
                    let mut room = most / 8 + 1;
                    while room > 0 && !agent.is_over {
                        match agent.stream.read(&mut self.buffer) {
                            Ok(0) => agent.is_over = true,
                            Ok(length) => {
                                agent
                                    .held
                                    .extend(self.buffer.get(..length).unwrap_or_default());
                                room -= 1;
                                taken += 1;
                            }
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                            Err(_) => agent.is_over = true,
                        }
                        let read = agent.packets(here, &mut each)?;
                        agent.held.drain(..read);
                        if !agent.held.is_empty() && !hep::may_be_version_three(&agent.held) {
                            self.refused += 1;
                            agent.is_over = true;
                        }
                    }
                }
                self.agents.retain(|agent| !agent.is_over);
            }
        }
        Some(taken > 0)
    }

    /// The sockets on which something may come.
    pub fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let own = match &self.socket {
            Socket::Udp(own) => own.as_fd(),
            Socket::Tcp(own) => own.as_fd(),
        };
        std::iter::once(own).chain(self.agents.iter().map(|agent| agent.stream.as_fd()))
    }
}

impl Agent {
    /// Whole packets of what has come; how many octets they are. `None` once no more
    /// are wanted.
    fn packets(&self, here: SocketAddr, each: &mut impl FnMut(&[u8]) -> bool) -> Option<usize> {
        let mut read = 0;
        loop {
            let rest = self.held.get(read..).unwrap_or_default();
            let length = hep::length(rest)
                .filter(|length| *length >= hep::SHORTEST && hep::is_version_three(rest));
            let Some(whole) = length.and_then(|length| rest.get(..length)) else {
                return Some(read);
            };
            read += whole.len();
            if !each(&packet(self.peer, here, whole)) {
                return None;
            }
        }
    }
}

/// A payload as an IP packet.
fn packet(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let builder = match (from, to) {
        (SocketAddr::V4(from), SocketAddr::V4(to)) => {
            PacketBuilder::ipv4(from.ip().octets(), to.ip().octets(), 64)
        }
        _ => {
            let six = |own: SocketAddr| match own.ip() {
                std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                std::net::IpAddr::V6(ip) => ip.octets(),
            };
            PacketBuilder::ipv6(six(from), six(to), 64)
        }
    };
    let builder = builder.udp(from.port(), to.port());
    let mut made = Vec::with_capacity(builder.size(payload.len()));
    // A vector takes all; what is too long for a datagram is none.
    let _ = builder.write(&mut made, payload);
    made
}

/// Sends to a collector, from a thread of its own: a capture never waits for it.
#[derive(Debug)]
pub struct HepSender {
    queue: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<u64>>,
    dropped: u64,
}

impl HepSender {
    /// Begins to send.
    ///
    /// # Errors
    ///
    /// When no socket can be made.
    pub fn open(to: HepAddress) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(MAX_WAITING);
        let thread = match to.transport {
            Transport::Udp => {
                let any: SocketAddr = match to.at {
                    SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
                    SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(to.at)?;
                std::thread::spawn(move || send_datagrams(&socket, &waiting))
            }
            _ => std::thread::spawn(move || send_stream(to.at, &waiting)),
        };
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            dropped: 0,
        })
    }

    /// Sends a packet, or drops it where too many wait.
    pub fn send(&mut self, packet: Vec<u8>) {
        let taken = (self.queue.as_ref()).is_some_and(|queue| queue.try_send(packet).is_ok());
        self.dropped += u64::from(!taken);
    }

    /// Sends what waits, and tells how many packets were not sent.
    pub fn finish(mut self) -> u64 {
        self.queue = None;
        let failed = self.thread.take().and_then(|thread| thread.join().ok());
        self.dropped + failed.unwrap_or_default()
    }
}

fn send_datagrams(socket: &UdpSocket, waiting: &Receiver<Vec<u8>>) -> u64 {
    let mut failed = 0;
    while let Ok(packet) = waiting.recv() {
        // A port that was closed is told of with the packet after: that one is not
        // the one that was lost.
        let sent = socket.send(&packet).or_else(|_| socket.send(&packet));
        failed += u64::from(sent.is_err());
    }
    failed
}

fn send_stream(to: SocketAddr, waiting: &Receiver<Vec<u8>>) -> u64 {
    let mut failed = 0;
    let mut stream: Option<TcpStream> = None;
    let mut tried: Option<std::time::Instant> = None;
    while let Ok(packet) = waiting.recv() {
        if stream.is_none() && tried.is_none_or(|at| at.elapsed() >= PAUSE) {
            stream = TcpStream::connect_timeout(&to, PATIENCE)
                .and_then(|stream| stream.set_write_timeout(Some(PATIENCE)).map(|()| stream))
                .ok();
            tried = Some(instant());
        }
        let sent = stream.as_mut().map(|stream| stream.write_all(&packet));
        if !matches!(sent, Some(Ok(()))) {
            failed += 1;
            stream = None;
        }
    }
    failed
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a collector was not there"
)]
fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_words() {
        let check = |text: &str, expected: Option<&str>| {
            let read = text.parse::<HepAddress>().map(|own| own.to_string());
            assert_eq!(read.ok().as_deref(), expected, "{text}");
        };
        check("udp:9060", Some("udp:127.0.0.1:9060"));
        check("udp:192.0.2.1:9060", Some("udp:192.0.2.1:9060"));
        check("tcp:[::1]:9061", Some("tcp:[::1]:9061"));
        check("tls:192.0.2.1:9060", None);
        check("udp:", None);
        check("9060", None);
        check("udp:192.0.2.1", None);
    }
}
