//! Messages on their way over hops, by datagrams and by what stands on TCP.

use rsip::Header;
use rsip::headers::untyped::UntypedHeader as _;

use super::{Message, Script};
use crate::net::{Endpoint, Flow, Transport};
use crate::sip::build;
use crate::workload::carried::Carried;
use crate::workload::{Maker, wire};

impl Script<'_> {
    /// Endpoints in the order of the way.
    pub(super) fn stops(&self) -> Vec<Endpoint> {
        let mut stops = vec![self.caller];
        stops.extend(self.proxy);
        stops.push(self.callee);
        stops
    }

    /// A request outside a dialog, sent once and without a body.
    pub(super) fn bare_request(&mut self, at: u64, method: &str, cseq: u32, branch: &str) -> u64 {
        self.request(at, method, cseq, branch, &Message::default(), false, false)
    }

    /// A request over all hops; hands back when it arrived.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    pub(super) fn request(
        &mut self,
        at: u64,
        method: &str,
        cseq: u32,
        branch: &str,
        message: &Message,
        inside: bool,
        again: bool,
    ) -> u64 {
        let hops = self.stops().len() - 1;
        let mut when = at;
        for hop in 0..hops {
            self.on_hop(when, hop, method, cseq, branch, message, inside, again);
            when += 300_000;
        }
        when
    }

    /// A request on one hop.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    pub(super) fn on_hop(
        &mut self,
        at: u64,
        hop: usize,
        method: &str,
        cseq: u32,
        branch: &str,
        message: &Message,
        inside: bool,
        again: bool,
    ) {
        let stops = self.stops();
        let mut headers = self.vias(hop, branch);
        headers.extend(self.identity(cseq, method, inside || method == "ACK"));
        headers.push(rsip::headers::MaxForwards::from(70 - u32::try_from(hop).unwrap_or(0)).into());
        headers.push(rsip::headers::UserAgent::new("made/1").into());
        let contact = build::uri(&self.user, self.caller);
        headers.push(Header::Contact(rsip::headers::Contact::new(format!(
            "<{contact}>"
        ))));
        headers.extend(message.extra.iter().cloned());
        let uri = build::uri(&self.peer, self.callee);
        let body = self.with_type(&mut headers, &message.body, method == "INVITE");
        let octets = build::request(rsip_method(method), uri, headers, &body);
        let flow = Flow {
            src: stops[hop],
            dst: stops[hop + 1],
            transport: self.transport,
        };
        self.count(method, again);
        self.send(at, hop, flow, &octets);
    }

    /// A response over all hops back; hands back when it arrived.
    pub(super) fn response(
        &mut self,
        at: u64,
        status: u16,
        method: &str,
        cseq: u32,
        branch: &str,
        message: &Message,
    ) -> u64 {
        let stops = self.stops();
        let mut when = at;
        for hop in (0..stops.len() - 1).rev() {
            let mut headers = self.vias(hop, branch);
            headers.extend(self.identity(cseq, method, true));
            headers.push(Header::Other("Server".into(), "made/2".into()));
            let contact = build::uri(&self.peer, self.callee);
            headers.push(Header::Contact(rsip::headers::Contact::new(format!(
                "<{contact}>"
            ))));
            headers.extend(message.extra.iter().cloned());
            let body = self.with_type(&mut headers, &message.body, false);
            let octets = build::response(status, headers, &body);
            let flow = Flow {
                src: stops[hop + 1],
                dst: stops[hop],
                transport: self.transport,
            };
            self.count(method, false);
            self.send(when, hop, flow, &octets);
            when += 300_000;
        }
        when
    }

    /// The stops that a request on hop `hop` has passed, the latest first.
    fn vias(&self, hop: usize, branch: &str) -> Vec<Header> {
        let stops = self.stops();
        (0..=hop)
            .rev()
            .map(|stop| build::via(self.transport, stops[stop], &format!("{branch}h{stop}")))
            .collect()
    }

    fn identity(&self, cseq: u32, method: &str, with_to_tag: bool) -> Vec<Header> {
        let from = build::uri(&self.user, self.caller);
        let to = build::uri(&self.peer, self.callee);
        let to_tag = if with_to_tag {
            format!(";tag={}", self.to_tag)
        } else {
            String::new()
        };
        vec![
            rsip::headers::From::new(format!("\"Caller\" <{from}>;tag={}", self.from_tag)).into(),
            rsip::headers::To::new(format!("<{to}>{to_tag}")).into(),
            rsip::headers::CallId::new(self.call_id.clone()).into(),
            rsip::headers::CSeq::new(format!("{cseq} {method}")).into(),
        ]
    }

    /// Adds the type of a body; pads it where the message is to be fragmented.
    fn with_type(&self, headers: &mut Vec<Header>, body: &[u8], pad: bool) -> Vec<u8> {
        if body.is_empty() {
            return Vec::new();
        }
        headers.push(rsip::headers::ContentType::new("application/sdp").into());
        let mut body = body.to_vec();
        if self.fragmented && pad {
            for number in 0..40 {
                body.extend(format!("a=x-padding:{number:0>30}\r\n").bytes());
            }
        }
        body
    }

    fn count(&mut self, _method: &str, again: bool) {
        self.maker.truth.sip_messages += 1;
        if again {
            self.maker.truth.retransmissions += 1;
            self.truth.retransmissions += 1;
        } else {
            self.truth.messages += 1;
        }
    }

    fn send(&mut self, at: u64, hop: usize, flow: Flow, octets: &[u8]) {
        match self.transport {
            Transport::Udp if self.fragmented && octets.len() > 1400 => {
                let identification = self.maker.identification();
                let mut frames = wire::fragments(flow, identification, octets, 1400);
                // Fragments may arrive in any order.
                self.maker.rng.shuffle(&mut frames);
                for (frame, number) in frames.into_iter().zip(0..) {
                    self.maker.push(at + number * 1000, frame);
                }
            }
            Transport::Udp => self.maker.datagram(at, flow, octets),
            _ => self.send_tcp(at, hop, flow, octets),
        }
    }

    /// Octets in segments of odd sizes, two of which may change places.
    fn send_tcp(&mut self, at: u64, hop: usize, flow: Flow, octets: &[u8]) {
        let end = usize::from(flow.dst == self.stops()[hop]);
        if self.tcp[hop].carried.is_none() {
            self.open(at, hop, end, flow);
        }
        let carried = self.tcp[hop].carried.as_mut();
        let rng = &mut self.maker.rng;
        let octets = carried.map_or_else(Vec::new, |own| own.carry(rng, end, octets));
        self.segments(at, hop, end, flow, &octets);
    }

    /// Opens a connection just before `at`, and what stands on it.
    fn open(&mut self, at: u64, hop: usize, end: usize, flow: Flow) {
        self.tcp[hop].next = [self.maker.rng.u32(..), self.maker.rng.u32(..)];
        let Maker { rng, truth, .. } = &mut *self.maker;
        let (carried, flights) = Carried::open(self.transport, rng, &mut truth.keys);
        self.tcp[hop].carried = Some(carried);
        let name = self.transport.name().to_owned();
        *truth.connections.entry(name).or_default() += 1;
        let mut when = at.saturating_sub(2000 + flights.len() as u64 * 20_000);
        for (side, flow) in [(end, flow), (1 - end, flow.reversed())] {
            let identification = self.maker.identification();
            let first = self.tcp[hop].next[side].wrapping_sub(1);
            let frame = wire::tcp(flow, identification, first, None, true, b"");
            self.maker.push(when, frame);
            when += 1000;
        }
        for (side, octets) in flights {
            let way = if side == end { flow } else { flow.reversed() };
            self.segments(when, hop, side, way, &octets);
            when += 20_000;
        }
    }

    fn segments(&mut self, at: u64, hop: usize, end: usize, flow: Flow, octets: &[u8]) {
        let mut sequence = self.tcp[hop].next[end];
        let mut frames = Vec::new();
        let mut rest = octets;
        while !rest.is_empty() {
            let length = self.maker.rng.usize(1..=900).min(rest.len());
            let (part, after) = rest.split_at(length);
            let identification = self.maker.identification();
            frames.push(wire::tcp(flow, identification, sequence, None, false, part));
            sequence = sequence.wrapping_add(u32::try_from(length).unwrap_or_default());
            rest = after;
        }
        if frames.len() > 1 && self.maker.rng.bool() {
            frames.swap(0, 1);
        }
        for (frame, number) in frames.into_iter().zip(0..) {
            self.maker.push(at + number * 1000, frame);
        }
        self.tcp[hop].next[end] = sequence;
    }
}

fn rsip_method(method: &str) -> rsip::Method {
    match method {
        "INVITE" => rsip::Method::Invite,
        "ACK" => rsip::Method::Ack,
        "BYE" => rsip::Method::Bye,
        "CANCEL" => rsip::Method::Cancel,
        "REGISTER" => rsip::Method::Register,
        _ => rsip::Method::Options,
    }
}
