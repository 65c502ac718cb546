//! One direction of a TCP connection, in order (RFC 9293, 3.4).

use std::collections::{BTreeMap, VecDeque};

use crate::link::Segment;

/// What a segment made available.
#[derive(Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Octets that follow those before.
    Octets(Vec<u8>),
    /// This many octets are missing for good.
    Gap(u64),
}

/// Puts segments in order. What came first is kept where segments overlap.
#[derive(Debug, Default)]
pub struct TcpStream {
    /// The next octet wanted, counted from the first one seen; `None` before.
    next: Option<u32>,
    /// Octets ahead of the next one wanted, by distance from the first.
    waiting: BTreeMap<u64, Box<[u8]>>,
    waiting_bytes: usize,
    /// Octets delivered or given up.
    position: u64,
    ready: VecDeque<Delivery>,
}

impl TcpStream {
    /// Takes a segment that follows all before it, as most do: its octets are
    /// handed back as they are. `None`: it is to be given to
    /// [`TcpStream::segment`].
    #[inline]
    pub fn in_order<'a>(&mut self, segment: &Segment<'a>) -> Option<&'a [u8]> {
        let is_next = self.next.is_none_or(|next| next == segment.sequence);
        let is_plain = !segment.syn && segment.missing == 0 && !segment.payload.is_empty();
        if !is_next || !is_plain || !self.waiting.is_empty() || !self.ready.is_empty() {
            return None;
        }
        self.next = Some(segment.sequence);
        self.step(segment.payload.len() as u64);
        Some(segment.payload)
    }

    /// Takes one segment of this direction. `limit` bounds what may wait.
    pub fn segment(&mut self, segment: &Segment<'_>, limit: usize) {
        let mut sequence = segment.sequence;
        if segment.syn {
            sequence = sequence.wrapping_add(1);
            if self.next.is_none() {
                self.next = Some(sequence);
            }
        }
        let octets = segment.payload.len();
        let missing = segment.missing as usize;
        if octets == 0 && missing == 0 {
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        // Within half of the number space, a difference has a sign.
        let ahead = i64::from(sequence.wrapping_sub(next).cast_signed());
        let already = usize::try_from(-ahead).unwrap_or(0);
        let ahead = u64::try_from(ahead).unwrap_or(0);
        let Some(fresh) = segment.payload.get(already..) else {
            return;
        };
        // A keep-alive repeats one octet of before.
        if fresh.is_empty() && missing == 0 {
            return;
        }
        if ahead == 0 {
            self.deliver(fresh);
            if missing > 0 {
                self.give_up(u64::from(segment.missing));
            }
        } else if ahead <= u64::from(u32::MAX / 4) {
            let at = self.position.saturating_add(ahead);
            let longer = self
                .waiting
                .get(&at)
                .is_none_or(|before| before.len() < fresh.len());
            // The same place twice: the longer one holds all.
            if longer {
                self.waiting_bytes += fresh.len();
                if let Some(before) = self.waiting.insert(at, fresh.into()) {
                    self.waiting_bytes -= before.len();
                }
            }
        }
        self.drain();
        if self.waiting_bytes > limit || self.waiting.len() > 4096 {
            self.skip_gap();
        }
    }

    /// The other side has all octets before `acknowledgment`: what is missing
    /// here was lost by the capture, not by the network.
    pub fn acknowledged(&mut self, acknowledgment: u32) {
        let Some(next) = self.next else { return };
        let Some((&at, _)) = self.waiting.first_key_value() else {
            return;
        };
        let wanted = at.saturating_sub(self.position);
        let acknowledged = acknowledgment.wrapping_sub(next).cast_signed();
        if u64::try_from(acknowledged).is_ok_and(|acknowledged| acknowledged > wanted) {
            self.skip_gap();
        }
    }

    /// Stops waiting for what is missing before the first octets that wait.
    pub fn skip_gap(&mut self) {
        if let Some((&at, _)) = self.waiting.first_key_value() {
            self.give_up(at.saturating_sub(self.position));
            self.drain();
        }
    }

    /// Ends the stream: what waits is delivered, gaps and all.
    pub fn finish(&mut self) {
        while !self.waiting.is_empty() {
            self.skip_gap();
        }
    }

    /// What is ready, in order.
    pub fn poll(&mut self) -> Option<Delivery> {
        let delivery = self.ready.pop_front();
        if delivery.is_none() {
            // Most directions need it once or never.
            self.ready = VecDeque::new();
        }
        delivery
    }

    /// Octets that wait.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    fn deliver(&mut self, octets: &[u8]) {
        if !octets.is_empty() {
            self.ready.push_back(Delivery::Octets(octets.to_vec()));
            self.step(octets.len() as u64);
        }
    }

    fn give_up(&mut self, missing: u64) {
        if missing > 0 {
            self.ready.push_back(Delivery::Gap(missing));
            self.step(missing);
        }
    }

    fn step(&mut self, octets: u64) {
        self.position = self.position.saturating_add(octets);
        let octets = u32::try_from(octets & 0xffff_ffff).unwrap_or_default();
        self.next = self.next.map(|next| next.wrapping_add(octets));
    }

    fn drain(&mut self) {
        while let Some(first) = self.waiting.first_entry() {
            if *first.key() > self.position {
                return;
            }
            let (at, octets) = first.remove_entry();
            self.waiting_bytes = self.waiting_bytes.saturating_sub(octets.len());
            let already = usize::try_from(self.position.saturating_sub(at)).unwrap_or(usize::MAX);
            if let Some(fresh) = octets.get(already..) {
                self.deliver(fresh);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Network;
    use crate::net::{Endpoint, Flow, Transport};

    fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
        let ip = "192.0.2.1".parse().expect("an address");
        Segment {
            flow: Flow {
                src: Endpoint::new(ip, 1),
                dst: Endpoint::new(ip, 2),
                transport: Transport::Tcp,
            },
            network: Network {
                src: ip,
                dst: ip,
                ttl: 64,
                dscp: 0,
                identification: None,
            },
            sequence,
            acknowledgment: None,
            syn: false,
            fin: false,
            rst: false,
            payload,
            missing: 0,
        }
    }

    fn read(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        while let Some(delivery) = stream.poll() {
            match delivery {
                Delivery::Octets(octets) => text.push_str(&String::from_utf8_lossy(&octets)),
                Delivery::Gap(octets) => text.push_str(&format!("[{octets}]")),
            }
        }
        text
    }

    fn stream(segments: &[(u32, &[u8])]) -> TcpStream {
        let mut stream = TcpStream::default();
        for &(sequence, payload) in segments {
            stream.segment(&segment(sequence, payload), 100);
        }
        stream
    }

    #[test]
    fn m029_order_overlap_and_repetition() {
        let check = |segments: &[(u32, &[u8])], expected: &str| {
            assert_eq!(read(&mut stream(segments)), expected, "{segments:?}");
        };
        check(&[(5, b"abc"), (8, b"def")], "abcdef");
        check(&[(5, b"abc"), (5, b"abc"), (8, b"def")], "abcdef");
        check(&[(5, b"abc"), (11, b"ghi"), (8, b"def")], "abcdefghi");
        check(&[(5, b"abc"), (7, b"Xde"), (10, b"f")], "abcdef");
        check(&[(5, b"a"), (8, b"de"), (8, b"def"), (6, b"bc")], "abcdef");
        check(&[(5, b"a"), (8, b"def"), (8, b"de"), (6, b"bc")], "abcdef");
        check(&[(u32::MAX, b"ab"), (1, b"cd")], "abcd");
        check(&[(5, b"abc"), (2, b"old")], "abc");
    }

    #[test]
    fn a_syn_starts_the_count() {
        let mut stream = TcpStream::default();
        let mut syn = segment(4, b"");
        syn.syn = true;
        stream.segment(&syn, 100);
        stream.segment(&segment(8, b"def"), 100);
        assert_eq!(read(&mut stream), "");
        stream.segment(&segment(5, b"abc"), 100);
        assert_eq!(read(&mut stream), "abcdef");
    }

    #[test]
    fn m029_gaps_end_by_acknowledgment_limit_and_end() {
        let lossy: &[(u32, &[u8])] = &[(5, b"abc"), (10, b"fgh")];
        let mut acknowledged = stream(lossy);
        acknowledged.acknowledged(10);
        assert_eq!(read(&mut acknowledged), "abc");
        acknowledged.acknowledged(13);
        assert_eq!(read(&mut acknowledged), "[2]fgh");
        let mut ended = stream(lossy);
        ended.finish();
        assert_eq!(read(&mut ended), "abc[2]fgh");
        let mut flooded = stream(lossy);
        flooded.segment(&segment(20, &[b'x'; 101]), 100);
        assert!(read(&mut flooded).starts_with("abc[2]fgh"));
        let mut cut = segment(8, b"d");
        cut.missing = 4;
        let mut cut_stream = stream(&[(5, b"abc")]);
        cut_stream.segment(&cut, 100);
        cut_stream.segment(&segment(13, b"i"), 100);
        assert_eq!(read(&mut cut_stream), "abcd[4]i");
    }
}
