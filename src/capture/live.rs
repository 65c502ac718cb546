//! Packets off interfaces, by libpcap.
//!
//! Not in its immediate mode, which drops bursts: the kernel hands over blocks,
//! at the latest every 100 ms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcap::{Active, Capture, Device, Error, Precision};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::hep::{HepAddress, HepListener};
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::time::Timestamp;

/// How to watch.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// Which interfaces.
    pub interfaces: Vec<String>,
    /// A capture filter in libpcap's language.
    pub filter: Option<String>,
    /// Whether to take packets that are for other hosts.
    pub promiscuous: bool,
    /// Octets kept of a packet.
    pub snap_length: i32,
    /// MiB of buffer in the kernel.
    pub buffer_mib: i32,
    /// Where capture agents may send to.
    pub agents: Vec<HepAddress>,
}

/// Why there is nothing to watch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// It is not allowed.
    #[error("{interface}: no permission to capture")]
    Permission {
        /// The interface.
        interface: String,
    },
    /// The filter does not compile.
    #[error("the capture filter does not compile: {reason}")]
    Filter {
        /// libpcap's words.
        reason: String,
    },
    /// Anything else.
    #[error("{interface}: {reason}")]
    Other {
        /// The interface.
        interface: String,
        /// libpcap's words.
        reason: String,
    },
}

/// Interfaces that are watched.
pub struct Live {
    watched: Vec<Watched>,
    listeners: Vec<Listening>,
}

/// Agents are heard as if on an interface of IP packets.
struct Listening {
    name: String,
    listener: HepListener,
    frames: u32,
}

const RAW: LinkType = LinkType(101);

struct Watched {
    name: String,
    capture: Capture<Active>,
    link_type: LinkType,
    frames: u32,
    is_down: bool,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.watched.iter().map(|watched| &watched.name))
            .finish()
    }
}

/// What becomes of what is watched.
pub trait LiveSink {
    /// A packet; its capture point is the number of its interface. Answers
    /// whether more are wanted.
    fn packet(&mut self, packet: &Packet<'_>) -> bool;
    /// The time, at least ten times a second.
    fn tick(&mut self, now: Timestamp) -> bool;
    /// An interface went down, or came up again.
    fn notice(&mut self, interface: &str, what: &str);
}

/// How often an idle link is looked at.
const TICK: Duration = Duration::from_millis(100);
/// Rounds after the end: what the kernel gathered before it, and no more.
const LAST_ROUNDS: usize = 256;
/// Packets taken of one interface before the others have their turn.
const BATCH: usize = 1024;

impl Live {
    /// Opens all interfaces.
    ///
    /// # Errors
    ///
    /// The first that can't be opened, or the filter that does not compile.
    pub fn open(config: &LiveConfig) -> Result<Self, LiveError> {
        let mut watched = Vec::new();
        for name in &config.interfaces {
            let failed = |error: Error| failure(name, error);
            let mut capture = Capture::from_device(name.as_str())
                .map_err(failed)?
                .promisc(config.promiscuous && name != "any")
                .snaplen(config.snap_length)
                .buffer_size(config.buffer_mib.saturating_mul(1024 * 1024))
                .timeout(100)
                .precision(Precision::Nano)
                .open()
                .map_err(failed)?
                .setnonblock()
                .map_err(failed)?;
            if let Some(filter) = &config.filter {
                capture
                    .filter(filter, true)
                    .map_err(|error| LiveError::Filter {
                        reason: plain(&error),
                    })?;
            }
            let link_type = u32::try_from(capture.get_datalink().0).unwrap_or(u32::MAX);
            watched.push(Watched {
                name: name.clone(),
                capture,
                link_type: LinkType(link_type),
                frames: 0,
                is_down: false,
            });
        }
        let mut listeners = Vec::new();
        for address in &config.agents {
            let listener = HepListener::open(address.clone());
            let listener = listener.map_err(|error| LiveError::Other {
                interface: address.to_string(),
                reason: error.to_string(),
            })?;
            listeners.push(Listening {
                name: listener.address().to_string(),
                listener,
                frames: 0,
            });
        }
        Ok(Self { watched, listeners })
    }

    /// Agents, and packets of agents, that were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.listeners
            .iter()
            .map(|own| own.listener.refused())
            .sum()
    }

    /// Each interface's name and link type.
    pub fn interfaces(&self) -> impl Iterator<Item = (&str, LinkType)> {
        let watched = (self.watched.iter()).map(|own| (own.name.as_str(), own.link_type));
        watched.chain(self.listeners.iter().map(|own| (own.name.as_str(), RAW)))
    }

    /// Packets that the kernel or the interface dropped, by interface.
    pub fn dropped(&mut self) -> Vec<u64> {
        self.watched
            .iter_mut()
            .map(|watched| match watched.capture.stats() {
                Ok(stats) => u64::from(stats.dropped) + u64::from(stats.if_dropped),
                Err(_) => 0,
            })
            .collect()
    }

    /// Watches until `stop` is set or the sink has enough.
    ///
    /// # Errors
    ///
    /// When an interface is gone; what came before has been handed on.
    pub fn watch(&mut self, stop: &AtomicBool, into: &mut impl LiveSink) -> Result<(), LiveError> {
        loop {
            let Some(idle) = self.round(into)? else {
                return Ok(());
            };
            if !into.tick(now()) || stop.load(Ordering::Relaxed) {
                break;
            }
            if idle {
                self.wait();
            }
        }
        // What the kernel has begun to gather comes within its time.
        std::thread::sleep(TICK + TICK / 2);
        for _ in 0..LAST_ROUNDS {
            if self.round(into)? != Some(false) {
                break;
            }
        }
        Ok(())
    }

    /// Takes what is there of each interface; answers whether nothing was, or
    /// `None` once enough is.
    fn round(&mut self, into: &mut impl LiveSink) -> Result<Option<bool>, LiveError> {
        let mut idle = true;
        for (watched, number) in self.watched.iter_mut().zip(0_u16..) {
            for _ in 0..BATCH {
                match watched.next(CapturePoint(number), into)? {
                    Next::Packet(true) => idle = false,
                    Next::Packet(false) => return Ok(None),
                    Next::Nothing => break,
                }
            }
        }
        let first = u16::try_from(self.watched.len()).unwrap_or(u16::MAX);
        for (own, number) in self.listeners.iter_mut().zip(first..) {
            let (listener, frames) = (&mut own.listener, &mut own.frames);
            let taken = listener.take(BATCH, |data| {
                *frames = frames.saturating_add(1);
                into.packet(&Packet {
                    number: *frames,
                    timestamp: now(),
                    file: 0,
                    capture_point: CapturePoint(number),
                    link_type: RAW,
                    original_length: u32::try_from(data.len()).unwrap_or(u32::MAX),
                    data,
                })
            });
            match taken {
                Some(taken) => idle &= !taken,
                None => return Ok(None),
            }
        }
        Ok(Some(idle))
    }

    /// Waits until packets are there, a tenth of a second at the most.
    fn wait(&self) {
        // The socket of a link that is down is ready with an error all the
        // time: it is left out, so that waiting does not spin.
        let mut ready: Vec<PollFd<'_>> = self
            .watched
            .iter()
            .filter(|watched| !watched.is_down)
            .map(|watched| PollFd::new(&watched.capture, PollFlags::IN))
            .collect();
        let sockets: Vec<_> = self
            .listeners
            .iter()
            .flat_map(|own| own.listener.sockets())
            .collect();
        ready.extend(sockets.iter().map(|own| PollFd::new(own, PollFlags::IN)));
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(TICK.subsec_nanos()),
        };
        // A signal ends the wait early; the caller looks at its flag.
        let _ = poll(&mut ready, Some(&timeout));
    }
}

enum Next {
    Packet(bool),
    Nothing,
}

impl Watched {
    fn next(&mut self, point: CapturePoint, into: &mut impl LiveSink) -> Result<Next, LiveError> {
        match self.capture.next_packet() {
            Ok(packet) => {
                if self.is_down {
                    self.is_down = false;
                    into.notice(&self.name, "is up again");
                }
                self.frames = self.frames.saturating_add(1);
                let seconds = u64::try_from(packet.header.ts.tv_sec).unwrap_or(0);
                let fraction = u64::try_from(packet.header.ts.tv_usec).unwrap_or(0);
                let more = into.packet(&Packet {
                    number: self.frames,
                    // With Precision::Nano the field holds nanoseconds.
                    timestamp: Timestamp::from_nanos(
                        seconds
                            .saturating_mul(1_000_000_000)
                            .saturating_add(fraction),
                    ),
                    file: 0,
                    capture_point: point,
                    link_type: self.link_type,
                    original_length: packet.header.len,
                    data: packet.data,
                });
                Ok(Next::Packet(more))
            }
            Err(Error::TimeoutExpired | Error::NoMorePackets) => Ok(Next::Nothing),
            Err(error) => {
                let text = error.to_string();
                if text.contains("went down") || text.contains("is down") {
                    if !self.is_down {
                        self.is_down = true;
                        into.notice(&self.name, "went down; waiting for it to come back");
                    }
                    return Ok(Next::Nothing);
                }
                Err(failure(&self.name, error))
            }
        }
    }
}

fn failure(interface: &str, error: Error) -> LiveError {
    let reason = error.to_string();
    let lower = reason.to_ascii_lowercase();
    if lower.contains("permission") || lower.contains("not permitted") {
        LiveError::Permission {
            interface: interface.to_owned(),
        }
    } else {
        LiveError::Other {
            interface: interface.to_owned(),
            reason: plain(&error),
        }
    }
}

/// libpcap's words without the crate's before them.
fn plain(error: &Error) -> String {
    error.to_string().replace("libpcap error: ", "")
}

/// The host's clock: live, it is the capture's.
#[expect(clippy::disallowed_methods, reason = "the edge where time comes in")]
fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// The interfaces of this host, with what is known of them.
///
/// # Errors
///
/// When they can't be listed.
pub fn interfaces() -> Result<Vec<String>, LiveError> {
    let devices = Device::list().map_err(|error| failure("interfaces", error))?;
    Ok(devices
        .into_iter()
        .map(|device| {
            let addresses: Vec<String> = device
                .addresses
                .iter()
                .map(|address| address.addr.to_string())
                .collect();
            let up = if device.flags.is_up() { "up" } else { "down" };
            format!("{}  {up}  {}", device.name, addresses.join(" "))
        })
        .collect())
}
