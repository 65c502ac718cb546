//! The ladder of a call: hosts as lanes, messages as rungs, media as spans.

mod nats;
pub mod svg;
pub mod text;

use self::nats::Nats;
use super::escape::terminal;
use crate::report::{
    CallRecord, DiagnosticRecord, FaxStreamRecord, MessageRecord, NatMappingRecord, StreamRecord,
    TransactionRecord,
};

/// Rungs of one ladder; a longer one says how many it leaves out.
const MAX_RUNGS: usize = 2000;
/// Lanes of one ladder.
const MAX_LANES: usize = 24;

/// What is drawn, whatever it is drawn with.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    /// What it is about.
    pub title: String,
    /// Hosts, in the order of the way.
    pub lanes: Vec<String>,
    /// Which of them are NATs.
    pub nats: Vec<usize>,
    /// What passed, in the order of time.
    pub rungs: Vec<Rung>,
    /// Rungs that are left out.
    pub omitted: usize,
    /// Streams that are drawn, with their lanes.
    drawn: Vec<(String, usize, usize)>,
}

/// One message, or one span of media.
#[derive(Clone, Debug)]
pub struct Rung {
    /// Seconds since the first.
    pub at_s: f64,
    /// Lane of the sender.
    pub from: usize,
    /// Lane of the receiver.
    pub to: usize,
    /// Lane of the NAT that it passes.
    pub through: Option<usize>,
    /// What it is.
    pub label: String,
    /// What else there is to say.
    pub note: String,
    /// How often it was sent.
    pub copies: u32,
    /// How to draw it.
    pub kind: RungKind,
}

/// How a rung is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RungKind {
    /// A request.
    Request,
    /// A provisional response.
    Provisional,
    /// A 2xx.
    Success,
    /// A failure.
    Failure,
    /// Media.
    Media,
}

/// What a ladder is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Story<'r> {
    /// Calls that belong together.
    pub calls: &'r [&'r CallRecord],
    /// Messages; those of other calls are passed over.
    pub messages: &'r [MessageRecord],
    /// Streams; those of other calls are passed over.
    pub streams: &'r [StreamRecord],
    /// Transactions; those of other calls are passed over.
    pub transactions: &'r [TransactionRecord],
    /// What was found; what is only worth knowing is passed over.
    pub findings: &'r [DiagnosticRecord],
    /// Rows of NATs' translation tables.
    pub nats: &'r [NatMappingRecord],
}

/// Arranges calls that belong together: their messages without the copies
/// seen elsewhere, ICMP errors, and their streams.
#[must_use]
pub fn arrange(story: Story<'_>) -> Ladder {
    let mut ladder = Ladder::default();
    let nats = Nats::of(&story);
    // The way of the INVITE gives the order of the lanes; media hosts follow.
    for call in story.calls {
        for hop in &call.hops {
            for end in hop {
                let (host, port) = parts_of(end);
                let host = nats.host(host, port);
                ladder.lane(host);
                if let Some(nat) = nats.nat_of(host) {
                    ladder.lane(nat);
                }
            }
        }
    }
    let begin = story
        .messages
        .iter()
        .filter(|message| story.is_ours(message.call_id.as_deref()))
        .map(|message| seconds(&message.timestamp))
        .reduce(f64::min)
        .unwrap_or(0.0);
    for message in story.messages {
        if story.is_ours(message.call_id.as_deref()) && !message.duplicate {
            ladder.message(message, begin, story.note_of(message), &nats);
        }
    }
    for transaction in story.transactions {
        if story.is_ours(Some(&transaction.call_id)) {
            ladder.icmp(transaction, begin, &nats);
        }
    }
    for stream in story.streams {
        if story.is_ours(stream.call_id.as_deref()) {
            ladder.stream(stream, begin, &nats);
        }
    }
    for media in story.calls.iter().flat_map(|call| &call.media) {
        for fax in media.t38.iter().flat_map(|own| &own.streams) {
            ladder.fax(fax, begin, &nats);
        }
    }
    let lanes = ladder.lanes.iter().enumerate();
    ladder.nats = lanes
        .filter_map(|(lane, host)| nats.is_nat(host).then_some(lane))
        .collect();
    ladder.rungs.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    if ladder.rungs.len() > MAX_RUNGS {
        ladder.omitted += ladder.rungs.len() - MAX_RUNGS;
        ladder.rungs.truncate(MAX_RUNGS);
    }
    let titles: Vec<String> = story.calls.iter().map(|call| title(call)).collect();
    ladder.title = titles.join("; ");
    ladder
}

impl Story<'_> {
    fn is_ours(&self, call_id: Option<&str>) -> bool {
        let mut calls = self.calls.iter();
        calls.any(|call| Some(call.call_id.as_str()) == call_id)
    }

    /// What is said beside a message.
    fn note_of(&self, message: &MessageRecord) -> String {
        let mut note = Vec::new();
        if message.status.is_some() && message.method.as_deref() != Some("INVITE") {
            note.push(terminal(message.method.as_deref().unwrap_or_default()).into_owned());
        }
        if let Some(sdp) = &message.sdp {
            note.push(format!("SDP {}", terminal(sdp)));
        }
        let call = self
            .calls
            .iter()
            .find(|call| Some(&call.call_id) == message.call_id.as_ref());
        if let Some(call) = call.filter(|_| self.calls.len() > 1) {
            note.push(format!("(call {})", call.index));
        }
        let shows = |own: &&DiagnosticRecord| {
            own.severity != "info"
                && own.call_id == message.call_id
                && own.points.iter().any(|point| {
                    point.file == message.file && point.frames.contains(&message.frame)
                })
        };
        let mut codes: Vec<&str> = Vec::new();
        for own in self.findings.iter().filter(shows) {
            if !codes.contains(&own.code.as_str()) {
                codes.push(&own.code);
            }
        }
        if !codes.is_empty() {
            note.push(format!("! {}", codes.join(" ")));
        }
        note.join(" ")
    }
}

fn seconds(text: &str) -> f64 {
    text.parse::<jiff::Timestamp>()
        .map_or(0.0, |at| at.as_duration().as_secs_f64())
}

impl Ladder {
    /// The lane of a host, made if it is new; `None` where there are too many.
    fn lane(&mut self, host: &str) -> Option<usize> {
        if let Some(known) = self.lanes.iter().position(|known| known == host) {
            return Some(known);
        }
        if self.lanes.len() >= MAX_LANES {
            return None;
        }
        self.lanes.push(host.to_owned());
        Some(self.lanes.len() - 1)
    }
}

impl Ladder {
    /// The lanes between which something passed; without them it is left out.
    fn lanes(&mut self, src: (&str, u16), dst: (&str, u16), nats: &Nats<'_>) -> Option<Lanes> {
        let (src, dst) = (nats.host(src.0, src.1), nats.host(dst.0, dst.1));
        let ends = self.lane(src).zip(self.lane(dst));
        self.omitted += usize::from(ends.is_none());
        let (from, to) = ends?;
        let nat = nats.between(src, dst);
        Some(Lanes {
            from,
            to,
            through: nat.and_then(|nat| self.lane(nat)),
        })
    }

    fn message<'r>(
        &mut self,
        message: &'r MessageRecord,
        begin: f64,
        note: String,
        nats: &Nats<'r>,
    ) {
        let src = (message.src_ip.as_str(), message.src_port);
        let dst = (message.dst_ip.as_str(), message.dst_port);
        let Some(Lanes { from, to, through }) = self.lanes(src, dst, nats) else {
            return;
        };
        let (label, kind) = match message.status {
            Some(status) => {
                let phrase = message.reason_phrase.as_deref().unwrap_or_default();
                let kind = match status {
                    0..=199 => RungKind::Provisional,
                    200..=299 => RungKind::Success,
                    _ => RungKind::Failure,
                };
                (format!("{status} {}", terminal(phrase)), kind)
            }
            None => {
                let method = message.method.as_deref().unwrap_or("?");
                (terminal(method).into_owned(), RungKind::Request)
            }
        };
        let known = self
            .rungs
            .iter_mut()
            .rev()
            .filter(|_| message.retransmission)
            .find(|before| before.from == from && before.to == to && before.label == label);
        if let Some(before) = known {
            before.copies += 1;
            return;
        }
        self.rungs.push(Rung {
            at_s: seconds(&message.timestamp) - begin,
            from,
            to,
            through,
            label,
            note,
            copies: 1,
            kind,
        });
    }

    /// An ICMP error goes the way back.
    fn icmp<'r>(&mut self, transaction: &'r TransactionRecord, begin: f64, nats: &Nats<'r>) {
        let (Some(kind), Some(after), Some(started)) =
            (&transaction.icmp, transaction.icmp_ms, &transaction.started)
        else {
            return;
        };
        let src = (transaction.dst_ip.as_str(), transaction.dst_port);
        let dst = (transaction.src_ip.as_str(), transaction.src_port);
        let Some(Lanes { from, to, through }) = self.lanes(src, dst, nats) else {
            return;
        };
        self.rungs.push(Rung {
            at_s: seconds(started) - begin + after / 1000.0,
            from,
            to,
            through,
            label: format!("ICMP {}", terminal(kind)),
            note: format!("to {}", terminal(&transaction.method)),
            copies: 1,
            kind: RungKind::Failure,
        });
    }

    fn fax<'r>(&mut self, fax: &'r FaxStreamRecord, begin: f64, nats: &Nats<'r>) {
        let src = (fax.src_ip.as_str(), fax.src_port);
        let dst = (fax.dst_ip.as_str(), fax.dst_port);
        let Some(Lanes { from, to, through }) = self.lanes(src, dst, nats) else {
            return;
        };
        let lasted = seconds(&fax.ended) - seconds(&fax.started);
        let made_good = match fax.recovered {
            0 => String::new(),
            recovered => format!(" ({recovered} made good)"),
        };
        self.rungs.push(Rung {
            at_s: seconds(&fax.started) - begin,
            from,
            to,
            through,
            label: "T.38 fax".to_owned(),
            note: format!(
                "{} packets, {lasted:.1} s, {} lost{made_good}, :{} to :{} at {}",
                fax.packets,
                fax.lost,
                fax.src_port,
                fax.dst_port,
                terminal(&fax.capture_point)
            ),
            copies: 1,
            kind: RungKind::Media,
        });
    }

    fn stream<'r>(&mut self, stream: &'r StreamRecord, begin: f64, nats: &Nats<'r>) {
        // Inside TURN they pass between the client and its server.
        let turn = stream.tunnel.as_ref().filter(|own| own.kind == "turn");
        let src_ip = turn.map_or(&stream.src_ip, |own| &own.src_ip);
        let dst_ip = turn.map_or(&stream.dst_ip, |own| &own.dst_ip);
        let src = (src_ip.as_str(), stream.src_port);
        let dst = (dst_ip.as_str(), stream.dst_port);
        let Some(Lanes { from, to, through }) = self.lanes(src, dst, nats) else {
            return;
        };
        let is_lost = nats.is_lost(stream);
        let to = match through.filter(|_| is_lost) {
            Some(nat) => nat,
            None => to,
        };
        // The same packets on the other side of a NAT are drawn once.
        let is_same = |own: &(String, usize, usize)| {
            (own.1, own.2) == (from, to) && stream.same_as.contains(&own.0)
        };
        if through.is_some() && self.drawn.iter().any(is_same) {
            return;
        }
        self.drawn.push((stream.id.clone(), from, to));
        let lasted = seconds(&stream.ended) - seconds(&stream.started);
        let mut note = vec![
            format!("{} packets, {lasted:.1} s", stream.packets),
            format!("{} lost", stream.lost),
        ];
        if is_lost {
            note.insert(0, format!("never gets in to {}", stream.dst_ip));
        }
        if turn.is_some() {
            note.push("inside TURN".to_owned());
        }
        if let Some(jitter) = stream.jitter_ms {
            note.push(format!("jitter {jitter:.1} ms"));
        }
        if let Some(mos) = stream.mos {
            note.push(format!("MOS {mos:.2}"));
        }
        if stream.rtcp_reports > 0 {
            let mut told = format!("RTCP {} reports", stream.rtcp_reports);
            if let Some(far) = stream.far_loss_percent {
                told += &format!(" (far end lost {far} %");
                if let Some(rtt) = stream.rtt_ms {
                    told += &format!(", RTT {rtt:.1} ms");
                }
                told.push(')');
            }
            note.push(told);
        }
        if stream.icmp_errors > 0 {
            note.push(format!("{} ICMP errors", stream.icmp_errors));
        }
        if !stream.dtmf.is_empty() {
            note.push(format!("digits {}", stream.dtmf));
        }
        note.push(format!(
            ":{} to :{} at {}",
            stream.src_port,
            stream.dst_port,
            terminal(&stream.capture_points.join(" "))
        ));
        self.rungs.push(Rung {
            at_s: seconds(&stream.started) - begin,
            from,
            to,
            through,
            label: format!("RTP {}", terminal(stream.codec.as_deref().unwrap_or("?"))),
            note: note.join(", "),
            copies: 1,
            kind: RungKind::Media,
        });
    }
}

impl Rung {
    /// What stands beside it, copies counted.
    #[must_use]
    pub fn told(&self) -> String {
        match self.copies {
            0 | 1 => self.note.clone(),
            copies => format!("×{copies} {}", self.note).trim_end().to_owned(),
        }
    }
}

/// Where a rung is drawn.
struct Lanes {
    from: usize,
    to: usize,
    through: Option<usize>,
}

/// The host of `host:port`, brackets removed, and the port.
fn parts_of(endpoint: &str) -> (&str, u16) {
    let (host, port) = endpoint.rsplit_once(':').unwrap_or((endpoint, ""));
    (host.trim_matches(['[', ']']), port.parse().unwrap_or(0))
}

fn title(call: &CallRecord) -> String {
    let user = |user: &Option<String>| terminal(user.as_deref().unwrap_or("?")).into_owned();
    let audio: Vec<&str> = call
        .media
        .iter()
        .filter_map(|media| media.audio.as_deref())
        .collect();
    let audio = if audio.is_empty() {
        String::new()
    } else {
        format!(", audio {}", audio.join(" then "))
    };
    format!(
        "call {}: {} to {}, {}{audio}",
        call.index,
        user(&call.from_user),
        user(&call.to_user),
        call.outcome
    )
}
