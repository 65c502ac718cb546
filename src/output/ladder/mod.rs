//! The ladder of a call: hosts as lanes, messages as rungs, media as spans.

pub mod svg;
pub mod text;

use super::escape::terminal;
use crate::report::{CallRecord, MessageRecord, StreamRecord};

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
    /// What passed, in the order of time.
    pub rungs: Vec<Rung>,
    /// Rungs that are left out.
    pub omitted: usize,
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
    /// What it is.
    pub label: String,
    /// What else there is to say.
    pub note: String,
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

/// Arranges calls that belong together: their messages without the copies
/// seen elsewhere, and their streams.
#[must_use]
pub fn arrange(
    calls: &[&CallRecord],
    messages: &[MessageRecord],
    streams: &[StreamRecord],
) -> Ladder {
    let mut ladder = Ladder::default();
    let is_ours = |call_id: Option<&str>| {
        calls
            .iter()
            .any(|call| Some(call.call_id.as_str()) == call_id)
    };
    let seconds = |text: &str| {
        text.parse::<jiff::Timestamp>()
            .map_or(0.0, |at| at.as_duration().as_secs_f64())
    };
    let own: Vec<&MessageRecord> = messages
        .iter()
        .filter(|message| is_ours(message.call_id.as_deref()))
        .collect();
    // The way of the INVITE gives the order of the lanes; media hosts follow.
    for call in calls {
        for hop in &call.hops {
            for end in hop {
                ladder.lane(host_of(end));
            }
        }
    }
    let begin = own
        .iter()
        .map(|message| seconds(&message.timestamp))
        .reduce(f64::min)
        .unwrap_or(0.0);
    let several = calls.len() > 1;
    for message in own {
        if message.duplicate {
            continue;
        }
        let (Some(from), Some(to)) = (ladder.lane(&message.src_ip), ladder.lane(&message.dst_ip))
        else {
            ladder.omitted += 1;
            continue;
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
        if message.retransmission
            && let Some(before) = ladder
                .rungs
                .iter_mut()
                .rev()
                .find(|before| before.from == from && before.to == to && before.label == label)
        {
            // Copies sent again are counted at the first.
            let count = before
                .note
                .strip_prefix('×')
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok())
                .unwrap_or(1);
            let rest = before
                .note
                .strip_prefix(&format!("×{count}"))
                .unwrap_or(&before.note);
            before.note = format!("×{} {}", count + 1, rest.trim_start())
                .trim_end()
                .to_owned();
            continue;
        }
        let mut note = Vec::new();
        if kind != RungKind::Request && message.method.as_deref() != Some("INVITE") {
            note.push(terminal(message.method.as_deref().unwrap_or_default()).into_owned());
        }
        if let Some(sdp) = &message.sdp {
            note.push(format!("SDP {}", terminal(sdp)));
        }
        if several
            && let Some(call) = calls
                .iter()
                .find(|call| Some(&call.call_id) == message.call_id.as_ref())
        {
            note.push(format!("(call {})", call.index));
        }
        ladder.rungs.push(Rung {
            at_s: seconds(&message.timestamp) - begin,
            from,
            to,
            label,
            note: note.join(" "),
            kind,
        });
    }
    for stream in streams {
        if !is_ours(stream.call_id.as_deref()) {
            continue;
        }
        let (Some(from), Some(to)) = (ladder.lane(&stream.src_ip), ladder.lane(&stream.dst_ip))
        else {
            ladder.omitted += 1;
            continue;
        };
        let lasted = seconds(&stream.ended) - seconds(&stream.started);
        let mut note = vec![
            format!("{} packets, {lasted:.1} s", stream.packets),
            format!("{} lost", stream.lost),
        ];
        if let Some(jitter) = stream.jitter_ms {
            note.push(format!("jitter {jitter:.1} ms"));
        }
        if let Some(mos) = stream.mos {
            note.push(format!("MOS {mos:.2}"));
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
        ladder.rungs.push(Rung {
            at_s: seconds(&stream.started) - begin,
            from,
            to,
            label: format!("RTP {}", terminal(stream.codec.as_deref().unwrap_or("?"))),
            note: note.join(", "),
            kind: RungKind::Media,
        });
    }
    ladder.rungs.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    if ladder.rungs.len() > MAX_RUNGS {
        ladder.omitted += ladder.rungs.len() - MAX_RUNGS;
        ladder.rungs.truncate(MAX_RUNGS);
    }
    ladder.title = calls
        .iter()
        .map(|call| title(call))
        .collect::<Vec<_>>()
        .join("; ");
    ladder
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

/// The host of `host:port`, brackets removed.
fn host_of(endpoint: &str) -> &str {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    host.trim_matches(['[', ']'])
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
