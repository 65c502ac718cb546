//! The one loop with sockets and clocks.
//!
//! It sends no faster and no more than it is allowed, whatever a probe wants;
//! a probe that does not end is ended.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use socket2::{Domain, Protocol, Type};
use tokio::net::{TcpSocket, UdpSocket};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::stream::{self, Arrival, Came, Teller};
pub use super::tap::Tap;
use super::{Carrier, Found, Input, Probe, Socket, Transmit, Trust};
use crate::net::Endpoint;
use crate::report::TlsEvidence;
use crate::time::{SECOND, Timestamp};

/// What a probe may do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address that it sends from.
    pub source: Option<IpAddr>,
    /// The interface that it sends on.
    pub interface: Option<String>,
    /// Packets in a second.
    pub rate: u32,
    /// Packets in all.
    pub packets: u64,
    /// When it is ended.
    pub deadline: Duration,
    /// Whom TLS trusts.
    pub trust: Option<Trust>,
    /// Whether a port that is said to be closed (ICMP) is told to the probe; what rests
    /// on silence is not to be cut short by it.
    pub hears_icmp: bool,
}

/// The most that may be sent in a second, whatever is asked for.
pub const MAX_RATE: u32 = 50;
/// Packets that may be sent at once.
const BURST: f64 = 5.0;
/// Packets of media in a second, from one socket: one each 20 ms, and what was held
/// up.
const MEDIA_RATE: f64 = 60.0;
/// Octets of a datagram that are read: all.
const MAX_DATAGRAM: usize = 65_535;
/// Arrivals that wait; what comes faster is dropped by the system.
const WAITING: usize = 256;
/// How long a probe that is to end has to undo what it did.
const UNDOING_NS: i64 = 3 * SECOND;
/// Connections whose protection is told.
const MAX_TLS: usize = 8;

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// What was found.
    pub found: Found,
    /// Why it was ended before it was done.
    pub cut_short: Option<&'static str>,
    /// How connections were protected.
    pub tls: Vec<TlsEvidence>,
}

/// Runs a probe to its end, each packet through the tap.
///
/// # Errors
///
/// When the system gives no sockets or timers at all.
pub fn run(probe: &mut dyn Probe, options: &Options, tap: &mut Tap) -> io::Result<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut tls = Vec::new();
    let cut_short = runtime.block_on(drive(probe, options, tap, &mut tls));
    // Streams that a far end holds open end with their tasks.
    runtime.shutdown_background();
    Ok(Run {
        found: probe.found(),
        cut_short,
        tls,
    })
}

/// The time of day, going on steadily.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began: Timestamp,
    since: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "here packets get their time")]
    fn new() -> Self {
        let began = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            began: Timestamp::from_nanos(u64::try_from(began.as_nanos()).unwrap_or(u64::MAX)),
            since: Instant::now(),
        }
    }

    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.since.elapsed().as_nanos()).unwrap_or(i64::MAX);
        self.began.offset(passed)
    }
}

/// Whom a socket sent to: one, or more than that.
type Peers = Arc<Mutex<Vec<Endpoint>>>;

/// A socket that is open.
#[derive(Debug)]
enum Open {
    Udp(Arc<UdpSocket>, Endpoint, Peers),
    /// Octets for the task that connects and writes.
    Stream(Sender<Vec<u8>>, Endpoint),
}

/// Packets that may be sent now.
#[derive(Debug)]
struct Allowance {
    requests: Pace,
    media: HashMap<u16, Pace>,
    left: u64,
}

/// So many in a second, and a few at once.
#[derive(Debug)]
struct Pace {
    rate: f64,
    tokens: f64,
    last: Timestamp,
}

impl Pace {
    const fn new(rate: f64, now: Timestamp) -> Self {
        Self {
            rate,
            tokens: BURST,
            last: now,
        }
    }

    fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let passed = now.millis_since(self.last) / 1000.0;
        self.last = now;
        self.tokens = (self.tokens + passed * self.rate).min(BURST);
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / self.rate));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

impl Allowance {
    fn new(options: &Options, now: Timestamp) -> Self {
        Self {
            requests: Pace::new(f64::from(options.rate.clamp(1, MAX_RATE)), now),
            media: HashMap::new(),
            left: options.packets,
        }
    }

    /// Takes one, or says how long to wait for it.
    fn take(&mut self, now: Timestamp, socket: Socket) -> Result<(), Duration> {
        let pace = match socket.is_media {
            true => (self.media)
                .entry(socket.number)
                .or_insert_with(|| Pace::new(MEDIA_RATE, now)),
            false => &mut self.requests,
        };
        pace.take(now)?;
        self.left = self.left.saturating_sub(1);
        Ok(())
    }
}

async fn drive(
    probe: &mut dyn Probe,
    options: &Options,
    tap: &mut Tap,
    tls: &mut Vec<TlsEvidence>,
) -> Option<&'static str> {
    let clock = Clock::new();
    let longest = i64::try_from(options.deadline.as_nanos()).unwrap_or(i64::MAX / 2);
    let mut end = clock.now().offset(longest);
    let (arrive, mut arrivals) = mpsc::channel(WAITING);
    let mut sockets = Sockets {
        options,
        arrive,
        open: HashMap::new(),
    };
    let mut allowance = Allowance::new(options, clock.now());
    // Connections that are waited for.
    let mut connecting = HashSet::new();
    let mut held: Option<Transmit> = None;
    let mut cut_short = None;
    // One listener for all the time: a signal between two waits is heard too.
    let mut interrupt = Box::pin(interrupted());
    probe.handle_timeout(clock.now());
    loop {
        let mut pause = None;
        while let Some(transmit) = held.take().or_else(|| probe.poll_transmit()) {
            if transmit.octets.is_empty() {
                let socket = transmit.socket.number;
                let opened = sockets.open(&transmit);
                let now = clock.now();
                match opened.map_err(|error| error.to_string()) {
                    // A connection is told when it is there.
                    Ok(_) if transmit.socket.transport.is_stream() => {
                        connecting.insert(socket);
                    }
                    Ok(local) => probe.handle(now, Input::Opened { socket, local }),
                    Err(why) => {
                        let (to, why) = (transmit.to, why.as_str());
                        probe.handle(now, Input::Refused { socket, to, why });
                    }
                }
                continue;
            }
            if cut_short.is_none() && allowance.left <= probe.reserve() {
                // What is left undoes what was begun.
                cut_short = Some("as many packets were sent as may be");
                let now = clock.now();
                probe.stop(now);
                end = now.offset(UNDOING_NS);
                continue;
            }
            if allowance.left == 0 {
                return cut_short;
            }
            if let Err(wait) = allowance.take(clock.now(), transmit.socket) {
                held = Some(transmit);
                pause = Some(wait);
                break;
            }
            let to = transmit.to;
            match sockets.send(&transmit).await {
                Ok(local) => {
                    let transport = transmit.socket.transport.wire();
                    let now = clock.now();
                    tap.packet(now, transport, (local, to), &transmit.octets, true);
                }
                Err(error) => {
                    let why = error.to_string();
                    let socket = transmit.socket.number;
                    let why = &why;
                    probe.handle(clock.now(), Input::Refused { socket, to, why });
                }
            }
        }
        let now = clock.now();
        if now >= end && cut_short.is_none() {
            cut_short = Some("it took longer than it may");
            probe.stop(now);
            end = now.offset(UNDOING_NS);
            continue;
        } else if now >= end {
            return cut_short;
        }
        let due = match (probe.poll_timeout(), &held) {
            (None, None) if connecting.is_empty() => return cut_short,
            (due, _) => due.map_or(end, |due| due.min(end)),
        };
        let until_due = Duration::from_nanos(u64::try_from(due.since(now)).unwrap_or(0));
        let wait = pause.map_or(until_due, |pause| pause.min(until_due));
        match next(&mut arrivals, interrupt.as_mut(), wait).await {
            Next::Arrived(arrival) => {
                connecting.remove(&arrival.socket);
                take(probe, (tap, &mut *tls), clock.now(), arrival);
            }
            Next::Time => probe.handle_timeout(clock.now()),
            Next::Interrupted if cut_short.is_none() => {
                cut_short = Some("it was interrupted");
                interrupt.set(interrupted());
                probe.stop(clock.now());
                end = clock.now().offset(UNDOING_NS);
            }
            Next::Interrupted => return cut_short,
        }
    }
}

enum Next {
    Arrived(Arrival),
    Time,
    Interrupted,
}

/// Waits for an interrupt; for ever, where the system tells of none.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn next(
    arrivals: &mut Receiver<Arrival>,
    interrupt: Pin<&mut impl Future<Output = ()>>,
    wait: Duration,
) -> Next {
    tokio::select! {
        biased;
        () = interrupt => Next::Interrupted,
        arrival = arrivals.recv() => arrival.map_or(Next::Time, Next::Arrived),
        () = tokio::time::sleep(wait) => Next::Time,
    }
}

fn take(
    probe: &mut dyn Probe,
    (tap, tls): (&mut Tap, &mut Vec<TlsEvidence>),
    now: Timestamp,
    arrival: Arrival,
) {
    let (socket, from, local) = (arrival.socket, arrival.from, arrival.local);
    match arrival.came {
        Came::Connected(secured) => {
            tap.is_decrypted |= secured.is_some();
            let room = tls.len() < MAX_TLS;
            tls.extend(secured.filter(|_| room).map(|own| *own));
            probe.handle(now, Input::Opened { socket, local });
        }
        Came::Octets(octets) => {
            let wire = arrival.carrier.wire();
            tap.packet(now, wire, (from, local), &octets, false);
            let octets = &octets;
            probe.handle(
                now,
                Input::Received {
                    socket,
                    local,
                    from,
                    octets,
                },
            );
        }
        Came::Failed(why) => {
            let (to, why) = (from, &why);
            probe.handle(now, Input::Refused { socket, to, why });
        }
    }
}

struct Sockets<'a> {
    options: &'a Options,
    arrive: Sender<Arrival>,
    open: HashMap<u16, Open>,
}

impl Sockets<'_> {
    /// Opens the socket, unless it is open; hands back its address.
    fn open(&mut self, transmit: &Transmit) -> io::Result<Endpoint> {
        let number = transmit.socket.number;
        let open = match self.open.remove(&number) {
            Some(open) => open,
            None if transmit.socket.transport == Carrier::Sctp => {
                return Err(io::Error::other("SCTP is not spoken here"));
            }
            None if transmit.socket.transport == Carrier::Udp => {
                self.udp(transmit.socket, transmit.to)?
            }
            None => self.stream(transmit.socket, transmit.to)?,
        };
        let (Open::Udp(_, local, _) | Open::Stream(_, local)) = open;
        self.open.insert(number, open);
        Ok(local)
    }

    /// Sends; hands back from where.
    async fn send(&mut self, transmit: &Transmit) -> io::Result<Endpoint> {
        self.open(transmit)?;
        match self.open.get(&transmit.socket.number) {
            Some(Open::Udp(socket, local, peers)) => {
                if let Ok(mut peers) = peers.lock()
                    && peers.len() < 2
                    && !peers.contains(&transmit.to)
                {
                    peers.push(transmit.to);
                }
                let to = SocketAddr::new(transmit.to.ip, transmit.to.port);
                // An error that is told here may be of a packet sent before.
                if socket.send_to(&transmit.octets, to).await.is_err() {
                    socket.send_to(&transmit.octets, to).await?;
                }
                Ok(*local)
            }
            Some(Open::Stream(write, local)) => {
                let closed = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                write.send(transmit.octets.clone()).await.map_err(closed)?;
                Ok(*local)
            }
            None => Err(io::Error::from(io::ErrorKind::NotConnected)),
        }
    }

    /// A socket that is bound to the address that leads to `to`.
    fn bound(&self, socket: Socket, to: Endpoint, kind: Type) -> io::Result<socket2::Socket> {
        let domain = if to.ip.is_ipv4() {
            Domain::IPV4
        } else {
            Domain::IPV6
        };
        let protocol = if kind == Type::DGRAM {
            Protocol::UDP
        } else {
            Protocol::TCP
        };
        let own = socket2::Socket::new(domain, kind, Some(protocol))?;
        own.set_nonblocking(true)?;
        // Connections to several servers may be wanted from one port.
        own.set_reuse_address(kind == Type::STREAM)?;
        #[cfg(target_os = "linux")]
        if let Some(interface) = &self.options.interface {
            own.bind_device(Some(interface.as_bytes()))?;
        }
        let ip = match self.options.source {
            Some(ip) => ip,
            None => route(to)?,
        };
        let at = |port| socket2::SockAddr::from(SocketAddr::new(ip, port));
        // A port that somebody has is no matter: the probe learns which it got.
        if own.bind(&at(socket.port.unwrap_or(0))).is_err() {
            own.bind(&at(0))?;
        }
        Ok(own)
    }

    fn udp(&self, socket: Socket, to: Endpoint) -> io::Result<Open> {
        let own: StdUdpSocket = self.bound(socket, to, Type::DGRAM)?.into();
        let local = own.local_addr()?;
        let local = Endpoint::new(local.ip(), local.port());
        if self.options.hears_icmp {
            hear_icmp(&own, to);
        }
        let peers = Peers::default();
        let (told, hears) = (Arc::clone(&peers), self.options.hears_icmp);
        let own = Arc::new(UdpSocket::from_std(own)?);
        let (reader, arrive, number) = (Arc::clone(&own), self.arrive.clone(), socket.number);
        tokio::spawn(async move {
            let mut buffer = vec![0; MAX_DATAGRAM];
            loop {
                let (length, from) = match reader.recv_from(&mut buffer).await {
                    Ok(came) => came,
                    Err(error) => {
                        // Of several peers it is not known whose it is.
                        let only = told.lock().ok().and_then(|own| match own[..] {
                            [only] => Some(only),
                            _ => None,
                        });
                        if let Some(from) = only.filter(|_| hears) {
                            let arrival = Arrival {
                                socket: number,
                                local,
                                from,
                                carrier: Carrier::Udp,
                                came: Came::Failed(error.to_string()),
                            };
                            if arrive.send(arrival).await.is_err() {
                                return;
                            }
                        }
                        tokio::task::yield_now().await;
                        continue;
                    }
                };
                let arrival = Arrival {
                    socket: number,
                    local,
                    from: Endpoint::new(from.ip().to_canonical(), from.port()),
                    carrier: Carrier::Udp,
                    came: Came::Octets(buffer.get(..length).unwrap_or_default().to_vec()),
                };
                if arrive.send(arrival).await.is_err() {
                    return;
                }
            }
        });
        Ok(Open::Udp(own, local, peers))
    }

    fn stream(&self, socket: Socket, to: Endpoint) -> io::Result<Open> {
        let own: std::net::TcpStream = self.bound(socket, to, Type::STREAM)?.into();
        let local = own.local_addr()?;
        let local = Endpoint::new(local.ip(), local.port());
        let own = TcpSocket::from_std_stream(own);
        let (write, wanted) = mpsc::channel::<Vec<u8>>(WAITING);
        let (arrive, number) = (self.arrive.clone(), socket.number);
        let (carrier, trust) = (socket.transport, self.options.trust.clone());
        tokio::spawn(async move {
            let tell = Teller {
                arrive,
                socket: number,
                local,
                from: to,
                carrier,
            };
            stream::carry(own, (carrier, to), trust, wanted, tell).await;
        });
        Ok(Open::Stream(write, local))
    }
}

/// Lets the system tell that a port is closed, where it can.
#[cfg(target_os = "linux")]
fn hear_icmp(socket: &StdUdpSocket, to: Endpoint) {
    use nix::sys::socket::{setsockopt, sockopt};
    // Without it a closed port is silent, as it was.
    let _ = match to.ip {
        IpAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true),
        IpAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true),
    };
}

#[cfg(not(target_os = "linux"))]
fn hear_icmp(_socket: &StdUdpSocket, _to: Endpoint) {}

/// The address that leads to an endpoint, as the system routes it; nothing is
/// sent.
fn route(to: Endpoint) -> io::Result<IpAddr> {
    let any: SocketAddr = if to.ip.is_ipv4() {
        (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = StdUdpSocket::bind(any)?;
    socket.connect(SocketAddr::new(to.ip, to.port))?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m081_no_more_is_sent_than_may_be() {
        let options = Options {
            source: None,
            interface: None,
            rate: 1000,
            packets: 7,
            deadline: Duration::from_secs(1),
            trust: None,
            hears_icmp: true,
        };
        let start = Timestamp::from_nanos(1_000_000_000_000);
        for (is_media, most) in [(false, 56), (true, 66)] {
            let mut allowance = Allowance::new(&options, start);
            let mut sent = 0;
            for ms in 0..1000 {
                let now = start.offset(ms * 1_000_000);
                let socket = Socket {
                    is_media,
                    ..Socket::new(1, Carrier::Udp)
                };
                while allowance.take(now, socket).is_ok() {
                    sent += 1;
                }
            }
            // The burst, and the ceiling for a second.
            assert!((most - 6..=most).contains(&sent), "{sent}");
            assert_eq!(allowance.left, 0);
        }
    }
}
