//! Made-up traffic whose truth is known: the measure that tests and benchmarks
//! hold the analysis against.
//!
//! [`generate`] makes the same packets from the same seed. The [`Truth`] is
//! kept while they are made, or counted over them naively; it owes nothing to
//! the engine.

mod call;
mod carried;
mod fax;
mod media;
mod noise;
mod path;
mod stun;
mod wire;
mod wrap;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use fastrand::Rng;

use crate::net::{Endpoint, Flow};
use crate::packet::LinkType;
use crate::pcap::PcapWriter;
use crate::time::Timestamp;

pub use call::Kind;
pub use wrap::Wrap;

/// What to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The same seed gives the same packets.
    pub seed: u64,
    /// Calls and requests outside calls.
    pub calls: u64,
    /// Seconds over which they begin.
    pub window_s: u64,
    /// Seconds that an answered call lasts, about.
    pub talk_s: u64,
    /// Which kinds there are, picked evenly.
    pub kinds: Vec<Kind>,
    /// Whether loss, repetition, reordering, jitter and digits occur.
    pub impaired: bool,
    /// Whether some calls are signalled over TCP, IPv6, fragments or a proxy.
    pub varied: bool,
    /// Whether some calls are signalled over TLS and WebSockets, some media go by ICE and
    /// TURN, and some calls are faxes.
    pub rich: bool,
    /// Whether all of it is signalled over TCP.
    pub tcp: bool,
    /// Whether answered calls have media.
    pub media: bool,
    /// Whether all sound has a payload type that only a description explains.
    pub dynamic: bool,
    /// The share of packets that belong to nothing of interest.
    pub noise: f64,
}

impl Plan {
    /// A little of everything.
    #[must_use]
    pub fn mix(seed: u64, calls: u64) -> Self {
        Self {
            seed,
            calls,
            window_s: 60,
            talk_s: 4,
            kinds: Kind::ALL.to_vec(),
            impaired: true,
            varied: true,
            rich: false,
            tcp: false,
            media: true,
            dynamic: false,
            noise: 0.2,
        }
    }

    /// The same, with TLS, WebSockets, ICE, TURN and fax.
    #[must_use]
    pub fn rich(seed: u64, calls: u64) -> Self {
        Self {
            rich: true,
            ..Self::mix(seed, calls)
        }
    }

    /// Mostly RTP: calls that talk.
    #[must_use]
    pub fn rtp(seed: u64, calls: u64) -> Self {
        Self {
            window_s: 120,
            talk_s: 60,
            kinds: vec![Kind::Completed],
            impaired: false,
            varied: false,
            noise: 0.0,
            ..Self::mix(seed, calls)
        }
    }

    /// Signalling alone.
    #[must_use]
    pub fn sip(seed: u64, calls: u64) -> Self {
        Self {
            window_s: calls / 100 + 10,
            media: false,
            impaired: false,
            varied: false,
            noise: 0.0,
            ..Self::mix(seed, calls)
        }
    }
}

/// What is true of the packets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Outcome of each call, by Call-ID.
    pub calls: BTreeMap<String, CallTruth>,
    /// RTP streams.
    pub streams: BTreeMap<(String, u32), StreamTruth>,
    /// Connections that carry SIP, by their transport.
    pub connections: BTreeMap<String, u64>,
    /// Secrets of those that are TLS, as a key log (RFC 9850).
    pub keys: String,
    /// Relays of TURN, by the Call-ID that they serve.
    pub turns: BTreeMap<String, TurnTruth>,
    /// Faxes, by Call-ID.
    pub faxes: BTreeMap<String, FaxTruth>,
    /// What ICE found, by Call-ID.
    pub ice: BTreeMap<String, IceTruth>,
    /// SIP messages, copies included.
    pub sip_messages: u64,
    /// Of these, sent again.
    pub retransmissions: u64,
    /// Packets in all.
    pub packets: u64,
    /// Packets of noise.
    pub noise_packets: u64,
}

/// What is true of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallTruth {
    /// When it began, in nanoseconds since 1970.
    pub began_ns: u64,
    /// As the contract names it.
    pub outcome: String,
    /// Messages without copies.
    pub messages: u64,
    /// Copies.
    pub retransmissions: u64,
    /// Who hears whom, as the contract names it; `None` where unanswered.
    pub audio: Option<String>,
    /// Hops of the INVITE.
    pub hops: usize,
    /// Purposes of the exchanges inside the dialog, in order.
    pub purposes: Vec<String>,
}

/// What is true of one allocation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnTruth {
    /// What the server gave: address and port.
    pub relayed: String,
    /// Whether data go in a channel, else in indications.
    pub has_channel: bool,
    /// As the contract names it.
    pub state: String,
    /// Packets to peers, and from them.
    pub packets: [u64; 2],
}

/// What is true of one fax.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaxTruth {
    /// Pages sent, and confirmed.
    pub pages: u32,
    /// What the caller's machine sent, and the callee's.
    pub ways: [FaxWayTruth; 2],
}

/// What is true of one direction of a fax.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaxWayTruth {
    /// Datagrams captured.
    pub packets: u64,
    /// Datagrams up to the last one captured.
    pub expected: u64,
    /// Missing of these.
    pub lost: u64,
    /// Of the missing, those that others repeat.
    pub recovered: u64,
    /// Whether the last one captured is not the last one sent.
    pub is_cut: bool,
}

/// What is true of one session of ICE.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IceTruth {
    /// The selected pair: the caller's address and the callee's.
    pub selected: [String; 2],
    /// Checks that each sent: the caller, the callee.
    pub checks: [u64; 2],
    /// Of these, sent again.
    pub retransmissions: [u64; 2],
}

/// What is true of one stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamTruth {
    /// Its call.
    pub call_id: String,
    /// Packets captured.
    pub packets: u64,
    /// Missing between the first and the last.
    pub lost: u64,
    /// Captured more than once.
    pub duplicates: u64,
    /// Mean of the RFC 3550 estimate, computed naively.
    pub jitter_ms: f64,
    /// Digits pressed.
    pub digits: String,
}

/// Packets and their truth.
#[derive(Debug)]
pub struct Workload {
    /// Frames of Ethernet in the order of time.
    pub packets: Vec<(Timestamp, Vec<u8>)>,
    /// What is true of them.
    pub truth: Truth,
}

impl Workload {
    /// Writes them as a capture file.
    ///
    /// # Errors
    ///
    /// When `out` can't be written.
    pub fn write<W: Write>(&self, out: W) -> std::io::Result<W> {
        let mut writer = PcapWriter::new(out, LinkType(1))?;
        for (at, data) in &self.packets {
            writer.packet(*at, data, 0)?;
        }
        writer.finish()
    }
}

/// One packet on its way into the capture.
#[derive(Debug)]
struct Sent {
    at: u64,
    data: Vec<u8>,
    rtp: Option<RtpSent>,
}

/// What the naive count needs of an RTP packet.
#[derive(Clone, Debug)]
struct RtpSent {
    flow: Flow,
    ssrc: u32,
    extended_sequence: u32,
    timestamp: u32,
    clock_rate: u32,
    is_event: bool,
}

/// Gathers packets while a plan is carried out.
#[derive(Debug)]
struct Maker {
    rng: Rng,
    sent: Vec<Sent>,
    truth: Truth,
    next_identification: u16,
    next_port: u16,
    next_host: u32,
}

/// 2026-01-01 00:00 UTC.
const BEGIN_NS: u64 = 1_767_225_600_000_000_000;

/// Makes the packets of a plan.
#[must_use]
pub fn generate(plan: &Plan) -> Workload {
    let mut maker = Maker {
        rng: Rng::with_seed(plan.seed),
        sent: Vec::new(),
        truth: Truth::default(),
        next_identification: 1,
        next_port: 10_000,
        next_host: 0,
    };
    for number in 0..plan.calls {
        let kind = plan.kinds[usize::try_from(number).unwrap_or(0) % plan.kinds.len().max(1)];
        let mut offset = maker.rng.u64(0..plan.window_s.max(1) * 1_000_000_000);
        if kind == Kind::TimedOut {
            // Early enough for the capture to outlast 64*T1.
            offset %= 20_000_000_000;
        }
        let start = BEGIN_NS + offset;
        call::make(&mut maker, plan, number, kind, start);
    }
    let useful = maker.sent.len();
    noise::make(&mut maker, plan, useful);
    maker.sent.sort_by_key(|sent| sent.at);
    count_streams(&mut maker);
    maker.truth.packets = maker.sent.len() as u64;
    let end = maker.sent.last().map_or(0, |sent| sent.at);
    for call in maker.truth.calls.values_mut() {
        if call.outcome == "timeout" && end < call.began_ns + 32_000_000_000 {
            // The capture ends before the caller may give up.
            call.outcome = "incomplete".to_owned();
        }
    }
    Workload {
        packets: maker
            .sent
            .into_iter()
            .map(|sent| (Timestamp::from_nanos(sent.at), sent.data))
            .collect(),
        truth: maker.truth,
    }
}

/// Counts each stream over the packets as they were captured.
fn count_streams(maker: &mut Maker) {
    let mut streams: BTreeMap<(String, u32), Vec<(u64, RtpSent)>> = BTreeMap::new();
    for sent in &maker.sent {
        if let Some(rtp) = &sent.rtp {
            streams
                .entry((rtp.flow.to_string(), rtp.ssrc))
                .or_default()
                .push((sent.at, rtp.clone()));
        }
    }
    for (key, packets) in streams {
        let Some(truth) = maker.truth.streams.get_mut(&key) else {
            continue;
        };
        let distinct: BTreeSet<u32> = packets
            .iter()
            .map(|(_, rtp)| rtp.extended_sequence)
            .collect();
        let (first, last) = (distinct.first(), distinct.last());
        let span = first
            .zip(last)
            .map_or(0, |(first, last)| u64::from(last - first) + 1);
        truth.packets = packets.len() as u64;
        truth.lost = span - distinct.len() as u64;
        truth.duplicates = packets.len() as u64 - distinct.len() as u64;
        truth.jitter_ms = naive_jitter(&packets);
    }
}

/// RFC 3550, 6.4.1, over the packets of sound that were not seen before.
fn naive_jitter(packets: &[(u64, RtpSent)]) -> f64 {
    let mut seen = BTreeSet::new();
    let (mut jitter, mut sum, mut count) = (0.0_f64, 0.0, 0.0);
    let mut last: Option<(u64, u32)> = None;
    for (at, rtp) in packets {
        if !seen.insert(rtp.extended_sequence) || rtp.is_event {
            continue;
        }
        if let Some((last_at, last_timestamp)) = last {
            #[expect(clippy::cast_precision_loss, reason = "seconds, not years")]
            let arrived_ms = (*at as f64 - last_at as f64) / 1e6;
            let ticks = rtp.timestamp.wrapping_sub(last_timestamp).cast_signed();
            let sent_ms = f64::from(ticks) * 1000.0 / f64::from(rtp.clock_rate);
            jitter += ((arrived_ms - sent_ms).abs() - jitter) / 16.0;
        }
        sum += jitter;
        count += 1.0;
        last = Some((*at, rtp.timestamp));
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

impl Maker {
    /// An address nobody else has.
    fn endpoint(&mut self, six: bool, port: u16) -> Endpoint {
        self.next_host += 1;
        let [_, a, b, c] = self.next_host.to_be_bytes();
        let ip = if six {
            std::net::Ipv6Addr::new(
                0x2001,
                0xdb8,
                0,
                0,
                0,
                0,
                u16::from(a),
                u16::from_be_bytes([b, c]),
            )
            .into()
        } else {
            std::net::Ipv4Addr::new(10, a, b, c).into()
        };
        Endpoint::new(ip, port)
    }

    /// An even port for media.
    fn media_port(&mut self) -> u16 {
        self.next_port = if self.next_port >= 60_000 {
            10_000
        } else {
            self.next_port + 2
        };
        self.next_port
    }

    fn push(&mut self, at: u64, data: Vec<u8>) {
        self.sent.push(Sent {
            at,
            data,
            rtp: None,
        });
    }

    /// A datagram in one packet.
    fn datagram(&mut self, at: u64, flow: Flow, payload: &[u8]) {
        let identification = self.identification();
        self.push(at, wire::udp(flow, identification, payload));
    }

    fn identification(&mut self) -> u16 {
        self.next_identification = self.next_identification.wrapping_add(1).max(1);
        self.next_identification
    }

    /// A transaction of STUN.
    fn transaction(&mut self) -> [u8; 12] {
        std::array::from_fn(|_| self.rng.u8(..))
    }
}
