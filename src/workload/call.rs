//! Calls as their parties play them.

mod hop;

use rsip::Header;

use super::carried::Carried;
use super::media::{self, Talk};
use super::path::{self, Agent, Relay};
use super::{CallTruth, Maker, Plan, fax};
use crate::net::{Endpoint, Flow, Transport};

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Answered and hung up by the caller.
    Completed,
    /// Challenged first, then completed.
    Challenged,
    /// Held and resumed in between.
    Held,
    /// Nothing reaches the caller's ear.
    OneWay,
    /// Answered, and still up at the end.
    Established,
    /// Given up while it rang.
    Cancelled,
    /// 486.
    Busy,
    /// 404.
    NotFound,
    /// 603.
    Declined,
    /// 302.
    Redirected,
    /// 503.
    Failed,
    /// No answer at all, the INVITE sent seven times.
    TimedOut,
    /// A registration: no call.
    Registration,
    /// An OPTIONS ping: no call, though its answer has a description.
    Ping,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Completed,
        Self::Challenged,
        Self::Held,
        Self::OneWay,
        Self::Established,
        Self::Cancelled,
        Self::Busy,
        Self::NotFound,
        Self::Declined,
        Self::Redirected,
        Self::Failed,
        Self::TimedOut,
        Self::Registration,
        Self::Ping,
    ];
}

impl Kind {
    /// Whether somebody picks up.
    const fn is_answered(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Challenged | Self::Held | Self::OneWay | Self::Established
        )
    }
}

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// One side of a connection over TCP.
#[derive(Debug, Default)]
struct TcpEnds {
    next: [u32; 2],
    /// What stands on it, once it is open.
    carried: Option<Carried>,
}

/// How media find their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As the descriptions say.
    Direct,
    Ice,
    /// By a relay of the caller's.
    Turn,
    /// As the descriptions say; after a while the call becomes a fax.
    Fax,
}

/// A call while it is played.
struct Script<'m> {
    maker: &'m mut Maker,
    call_id: String,
    from_tag: String,
    to_tag: String,
    user: String,
    peer: String,
    caller: Endpoint,
    callee: Endpoint,
    /// Between the two, if any.
    proxy: Option<Endpoint>,
    transport: Transport,
    fragmented: bool,
    tcp: [TcpEnds; 2],
    way: Way,
    branch: u32,
    truth: CallTruth,
}

/// What a request says beside the usual.
#[derive(Clone, Debug, Default)]
struct Message {
    body: Vec<u8>,
    extra: Vec<Header>,
}

/// A response that asks for credentials in this header field.
fn challenge(name: &str) -> Message {
    Message {
        extra: vec![Header::Other(
            name.into(),
            "Digest realm=\"made.example\", nonce=\"abc\"".into(),
        )],
        ..Message::default()
    }
}

/// Plays one call.
pub(super) fn make(maker: &mut Maker, plan: &Plan, number: u64, kind: Kind, start: u64) {
    let style = match plan {
        Plan { tcp: true, .. } => 2,
        Plan { rich: true, .. } => maker.rng.u8(0..18),
        Plan { varied: true, .. } => maker.rng.u8(0..8),
        _ => 0,
    };
    let six = style == 1;
    let transport = match style {
        2 => Transport::Tcp,
        8 | 9 => Transport::Tls,
        10 => Transport::Ws,
        11 => Transport::Wss,
        _ => Transport::Udp,
    };
    let way = match style {
        9 | 12 | 13 => Way::Ice,
        11 | 14 | 15 => Way::Turn,
        16 | 17 => Way::Fax,
        _ => Way::Direct,
    };
    let caller_port = match transport {
        Transport::Udp => 5060,
        _ => maker.rng.u16(20_000..60_000),
    };
    let caller = maker.endpoint(six, caller_port);
    let callee = maker.endpoint(six, 5060);
    let proxy = matches!(style, 3 | 4).then(|| maker.endpoint(six, 5060));
    let mut script = Script {
        call_id: format!("call{number}-{:x}@made.example", maker.rng.u32(..)),
        from_tag: format!("f{number:x}"),
        to_tag: format!("t{number:x}"),
        user: format!("caller{number}"),
        peer: format!("callee{number}"),
        caller,
        callee,
        proxy,
        transport,
        fragmented: style == 5,
        tcp: [TcpEnds::default(), TcpEnds::default()],
        way,
        branch: 0,
        truth: CallTruth {
            began_ns: start,
            hops: 1 + usize::from(proxy.is_some()),
            ..CallTruth::default()
        },
        maker,
    };
    match kind {
        Kind::Registration => script.registration(start),
        Kind::Ping => script.ping(start),
        other => {
            script.call(plan, other, start);
            let truth = script.truth;
            script.maker.truth.calls.insert(script.call_id, truth);
        }
    }
}

impl Script<'_> {
    fn call(&mut self, plan: &Plan, kind: Kind, start: u64) {
        let caller_media = self.maker.media_port();
        let callee_media = self.maker.media_port();
        let codec = self.maker.rng.u8(0..4);
        let codec = if plan.dynamic { 1 } else { codec };
        let (codec, payload_type, clock_rate, octets) = match codec {
            0 => ("PCMA", 8, 8000, 160),
            1 => ("opus", 111, 48_000, 80),
            2 => ("G729", 18, 8000, 20),
            _ => ("PCMU", 0, 8000, 160),
        };
        let mut at = start;
        let mut ends = [
            Endpoint::new(self.caller.ip, caller_media),
            Endpoint::new(self.callee.ip, callee_media),
        ];
        let relay = (self.way == Way::Turn && plan.media && kind.is_answered()).then(|| {
            let (relay, ready) = Relay::allocate(self.maker, &self.call_id, ends[0], start);
            at = ready;
            relay
        });
        if let Some(relay) = &relay {
            ends[0] = relay.relayed;
        }
        let agents = (self.way == Way::Ice).then(|| ends.map(|other| self.agent(other)));
        // What stands in the descriptions, where media go at last by another way too.
        let described = ends;
        let sdp = |side: usize, direction: &str, version: u32| {
            let mut body = description(
                described[side],
                codec,
                payload_type,
                clock_rate,
                direction,
                version,
            );
            if let Some(agents) = &agents {
                body.extend(agents[side].lines().bytes());
            }
            Message {
                body,
                ..Message::default()
            }
        };
        let offer = sdp(0, "sendrecv", 1);
        let answer = sdp(1, "sendrecv", 1);
        self.truth.purposes.push("setup".to_owned());
        let mut cseq = 1;
        if kind == Kind::TimedOut {
            let branch = self.next_branch();
            for wait in [0, 500, 1500, 3500, 7500, 15_500, 31_500] {
                let again = wait > 0;
                self.on_hop(
                    at + wait * MS,
                    0,
                    "INVITE",
                    cseq,
                    &branch,
                    &offer,
                    false,
                    again,
                );
            }
            self.truth.outcome = "timeout".to_owned();
            self.truth.hops = 1;
            return;
        }
        if kind == Kind::Challenged {
            let challenge = challenge("Proxy-Authenticate");
            let branch = self.next_branch();
            let first = self.request(at, "INVITE", cseq, &branch, &offer, false, false);
            let done = self.response(first + 2 * MS, 407, "INVITE", cseq, &branch, &challenge);
            at = self.bare_request(done + MS, "ACK", cseq, &branch) + MS;
            cseq += 1;
            self.truth.purposes.push("setup".to_owned());
        }
        let branch = self.next_branch();
        let mut last = self.request(at, "INVITE", cseq, &branch, &offer, false, false);
        if self.transport == Transport::Udp && plan.impaired && self.maker.rng.u8(0..5) == 0 {
            // Nobody answers for T1, so the first hop sends it again.
            self.on_hop(
                at + 500 * MS,
                0,
                "INVITE",
                cseq,
                &branch,
                &offer,
                false,
                true,
            );
            last += 505 * MS;
        }
        last = self.response(
            last + 20 * MS,
            180,
            "INVITE",
            cseq,
            &branch,
            &Message::default(),
        );
        let refusal = match kind {
            Kind::Busy => Some((486, "busy")),
            Kind::NotFound => Some((404, "rejected")),
            Kind::Declined => Some((603, "declined")),
            Kind::Redirected => Some((302, "redirected")),
            Kind::Failed => Some((503, "failed")),
            _ => None,
        };
        if let Some((status, outcome)) = refusal {
            last = self.response(
                last + 800 * MS,
                status,
                "INVITE",
                cseq,
                &branch,
                &Message::default(),
            );
            self.bare_request(last + MS, "ACK", cseq, &branch);
            self.truth.outcome = outcome.to_owned();
            return;
        }
        if kind == Kind::Cancelled {
            last = self.bare_request(last + S, "CANCEL", cseq, &branch);
            last = self.response(last + MS, 200, "CANCEL", cseq, &branch, &Message::default());
            last = self.response(last + MS, 487, "INVITE", cseq, &branch, &Message::default());
            self.bare_request(last + MS, "ACK", cseq, &branch);
            self.truth.outcome = "cancelled".to_owned();
            self.truth.purposes.push("cancel".to_owned());
            return;
        }
        let answered = self.response(last + 700 * MS, 200, "INVITE", cseq, &branch, &answer);
        let ack_branch = self.next_branch();
        self.request(
            answered + MS,
            "ACK",
            cseq,
            &ack_branch,
            &Message::default(),
            true,
            false,
        );
        let seconds = if plan.media { plan.talk_s } else { 2 };
        let talk = seconds * S + self.maker.rng.u64(0..S);
        let mut end = answered + talk;
        let mut pause = None;
        if kind == Kind::Held {
            let hold_at = answered + talk / 3;
            let resume_at = answered + 2 * talk / 3;
            for (when, direction, back, purpose, version) in [
                (hold_at, "sendonly", "recvonly", "hold", 2),
                (resume_at, "sendrecv", "sendrecv", "resume", 3),
            ] {
                cseq += 1;
                let (offer, answer) = (sdp(0, direction, version), sdp(1, back, version));
                let branch = self.next_branch();
                let last = self.request(when, "INVITE", cseq, &branch, &offer, true, false);
                let last = self.response(last + 5 * MS, 200, "INVITE", cseq, &branch, &answer);
                let branch = self.next_branch();
                self.request(
                    last + MS,
                    "ACK",
                    cseq,
                    &branch,
                    &Message::default(),
                    true,
                    false,
                );
                self.truth.purposes.push(purpose.to_owned());
            }
            // Both are silent while on hold; the phone plays no music.
            pause = Some((hold_at, resume_at + 20 * MS));
        }
        if plan.media {
            let mut from = answered + 10 * MS;
            if let Some(agents) = &agents {
                ends = agents.each_ref().map(|agent| agent.host);
                from = path::check(self.maker, &self.call_id, agents, answered + 2 * MS);
            }
            if let Some(relay) = &relay {
                relay.permit(self.maker, ends[1], answered + 2 * MS);
            }
            let digits = if plan.impaired && self.maker.rng.u8(0..3) == 0 {
                "12*A#"
            } else {
                ""
            };
            let mut talk = Talk {
                call_id: self.call_id.clone(),
                flow: Flow {
                    src: ends[0],
                    dst: ends[1],
                    transport: Transport::Udp,
                },
                payload_type,
                clock_rate,
                octets,
                from,
                until: end,
                pause,
                impaired: plan.impaired,
                digits: digits.to_owned(),
                relay: relay.clone(),
            };
            media::make(self.maker, &talk);
            if kind != Kind::OneWay {
                talk.flow = talk.flow.reversed();
                talk.digits.clear();
                media::make(self.maker, &talk);
            }
            self.truth.audio = Some(
                if kind == Kind::OneWay {
                    "caller-hears-nothing"
                } else {
                    "both"
                }
                .to_owned(),
            );
        }
        if self.way == Way::Fax && plan.media && kind != Kind::OneWay {
            cseq += 1;
            end = self.fax(plan, end + 20 * MS, cseq);
        }
        if kind == Kind::Established {
            self.truth.outcome = "established".to_owned();
            return;
        }
        cseq += 1;
        let branch = self.next_branch();
        let last = self.request(end, "BYE", cseq, &branch, &Message::default(), true, false);
        self.response(last + MS, 200, "BYE", cseq, &branch, &Message::default());
        self.truth.outcome = "completed".to_owned();
        self.truth.purposes.push("hangup".to_owned());
        if let Some(relay) = &relay {
            relay.release(self.maker, &self.call_id, end + 100 * MS);
        }
    }

    /// Asks for fax in place of sound, and sends it. Hands back when it is over.
    fn fax(&mut self, plan: &Plan, at: u64, cseq: u32) -> u64 {
        let ends = [self.caller, self.callee].map(|own| Endpoint {
            port: self.maker.media_port(),
            ..own
        });
        let [offer, answer] = ends.map(|end| Message {
            body: image(end),
            ..Message::default()
        });
        let branch = self.next_branch();
        let last = self.request(at, "INVITE", cseq, &branch, &offer, true, false);
        let last = self.response(last + 5 * MS, 200, "INVITE", cseq, &branch, &answer);
        let branch = self.next_branch();
        let nothing = Message::default();
        let last = self.request(last + MS, "ACK", cseq, &branch, &nothing, true, false);
        self.truth.purposes.push("t38".to_owned());
        let flow = Flow {
            src: ends[0],
            dst: ends[1],
            transport: Transport::Udp,
        };
        fax::make(
            self.maker,
            &self.call_id,
            flow,
            last + 20 * MS,
            plan.impaired,
        )
    }

    /// An agent of ICE with a port for media beside the one that is described.
    fn agent(&mut self, other: Endpoint) -> Agent {
        let port = self.maker.media_port();
        Agent {
            fragment: format!("{:08x}", self.maker.rng.u32(..)),
            password: format!("{:032x}", self.maker.rng.u128(..)),
            host: Endpoint::new(other.ip, port),
            other,
        }
    }

    fn registration(&mut self, start: u64) {
        let mut at = start;
        let answers = [challenge("WWW-Authenticate"), Message::default()];
        for ((cseq, status), answer) in [(1, 401), (2, 200)].into_iter().zip(answers) {
            let branch = self.next_branch();
            at = self.bare_request(at, "REGISTER", cseq, &branch);
            at = self.response(at + MS, status, "REGISTER", cseq, &branch, &answer) + MS;
        }
    }

    fn ping(&mut self, start: u64) {
        let branch = self.next_branch();
        let at = self.bare_request(start, "OPTIONS", 1, &branch);
        let at_port = Endpoint::new(self.callee.ip, self.maker.media_port());
        let answer = Message {
            body: description(at_port, "PCMU", 0, 8000, "sendrecv", 1),
            ..Message::default()
        };
        self.response(at + MS, 200, "OPTIONS", 1, &branch, &answer);
    }

    fn next_branch(&mut self) -> String {
        self.branch += 1;
        format!("{}n{}", self.from_tag, self.branch)
    }
}

fn image(Endpoint { ip, port }: Endpoint) -> Vec<u8> {
    format!(
        "v=0\r\no=- 1 9 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=image {port} udptl t38\r\n\
         a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
    )
    .into_bytes()
}

fn description(
    Endpoint { ip, port }: Endpoint,
    codec: &str,
    payload_type: u8,
    clock_rate: u32,
    direction: &str,
    version: u32,
) -> Vec<u8> {
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let channels = if codec == "opus" { "/2" } else { "" };
    format!(
        "v=0\r\no=- 1 {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {payload_type} 101\r\na=rtpmap:{payload_type} {codec}/{clock_rate}{channels}\r\n\
         a=rtpmap:101 telephone-event/{clock_rate}\r\na={direction}\r\n"
    )
    .into_bytes()
}
