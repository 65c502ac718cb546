//! WebSocket (RFC 6455), with permessage-deflate (RFC 7692), as SIP uses it
//! (RFC 7118).

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use flate2::{Decompress, FlushDecompress};

use crate::octets::{self, u8_at, u16_at, u32_at};

/// The longest head of the request that opens one, or of its answer.
const MAX_HEAD: usize = 16 * 1024;
/// The longest message, inflated: four times the longest datagram.
const MAX_MESSAGE: usize = 256 * 1024;

/// Octets that an inflater holds: its window, and what goes with it.
const INFLATER: usize = 48 * 1024;

/// What the first octets of a direction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Not HTTP, or HTTP that opens no WebSocket.
    No,
    /// It may be: more is needed.
    More,
    /// It is.
    Yes(Head),
}

/// The HTTP request that opens a WebSocket, or the answer that grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its octets; frames begin behind them.
    pub length: usize,
    /// Whether it asks, and not grants.
    pub is_request: bool,
    /// Whether it names the protocol `sip` (RFC 7118, 4).
    pub names_sip: bool,
}

/// Looks for the HTTP request that opens a WebSocket, or for the answer that grants
/// it (RFC 6455, 4).
#[must_use]
pub fn opening(octets: &[u8]) -> Opening {
    let starts = |word: &[u8]| {
        let length = word.len().min(octets.len());
        octets.get(..length) == word.get(..length)
    };
    if !starts(b"GET ") && !starts(b"HTTP/1.1 101") {
        return Opening::No;
    }
    let head = octets::span(octets, 0, MAX_HEAD);
    let Some(end) = memchr::memmem::find(head, b"\r\n\r\n") else {
        return match octets.len() < MAX_HEAD {
            true => Opening::More,
            false => Opening::No,
        };
    };
    let lines = octets::span(head, 0, end)
        .split(|octet| *octet == b'\n')
        .skip(1);
    let (mut opens, mut names_sip) = (false, false);
    for line in lines {
        let mut parts = line.splitn(2, |octet| *octet == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let lists = |token: &[u8]| {
            let mut values = value.split(|octet| *octet == b',');
            values.any(|own| own.trim_ascii().eq_ignore_ascii_case(token))
        };
        match name.trim_ascii() {
            name if name.eq_ignore_ascii_case(b"Upgrade") => opens |= lists(b"websocket"),
            name if name.eq_ignore_ascii_case(b"Sec-WebSocket-Protocol") => {
                names_sip |= lists(b"sip");
            }
            _ => {}
        }
    }
    match opens {
        true => Opening::Yes(Head {
            length: end.saturating_add(4),
            is_request: starts(b"GET "),
            names_sip,
        }),
        false => Opening::No,
    }
}

/// What a direction holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebFramed {
    /// A message, whole and inflated.
    Message(Vec<u8>),
    /// A ping or a pong.
    KeepAlive,
    /// The side closes.
    Close,
    /// A message that is longer than is kept, or can't be inflated.
    Unread,
    /// What follows is no frame: nothing more can be read.
    Lost,
}

/// Takes one direction of a WebSocket apart.
#[derive(Debug, Default)]
pub struct WebFramer {
    pending: Vec<u8>,
    /// Octets at its front that are done with.
    read: usize,
    /// Octets of a frame that are passed over.
    skip: u64,
    message: Vec<u8>,
    /// Whether a message has begun, and whether it is compressed.
    under_way: Option<bool>,
    /// What has begun can't be told whole.
    spoiled: bool,
    inflater: Option<Box<Decompress>>,
    lost: bool,
}

impl WebFramer {
    /// Takes octets that follow those before.
    pub fn push(&mut self, octets: &[u8]) {
        if !self.lost {
            self.pending.drain(..self.read.min(self.pending.len()));
            self.read = 0;
            self.pending.extend_from_slice(octets);
        }
    }

    /// Octets that are held.
    #[must_use]
    pub fn pending(&self) -> usize {
        (self.pending.len())
            .saturating_sub(self.read)
            .saturating_add(self.message.len())
            .saturating_add(self.inflater.as_ref().map_or(0, |_| INFLATER))
    }

    /// The next thing in it.
    pub fn poll(&mut self) -> Option<WebFramed> {
        loop {
            if self.skip > 0 {
                let held = self.pending.len().saturating_sub(self.read) as u64;
                let passed = usize::try_from(self.skip.min(held)).unwrap_or_default();
                self.read = self.read.saturating_add(passed);
                self.skip = self.skip.saturating_sub(passed as u64);
                if self.skip > 0 {
                    return None;
                }
            }
            if self.lost {
                return None;
            }
            match self.frame() {
                Frame::More => return None,
                Frame::Nothing => {}
                Frame::Told(told) => {
                    if told == WebFramed::Lost {
                        self.lost = true;
                        self.pending.clear();
                        self.read = 0;
                        self.message.clear();
                    }
                    return Some(told);
                }
            }
        }
    }

    /// Takes one frame off (RFC 6455, 5.2).
    fn frame(&mut self) -> Frame {
        let head = octets::from(&self.pending, self.read);
        let (Some(first), Some(second)) = (u8_at(head, 0), u8_at(head, 1)) else {
            return Frame::More;
        };
        let (is_last, kind) = (first & 0x80 != 0, first & 0x0f);
        let is_control = kind >= 8;
        let (length, mut at) = match second & 0x7f {
            126 => (u16_at(head, 2).map(u64::from), 4_usize),
            127 => {
                let high = u32_at(head, 2).map(u64::from);
                let low = u32_at(head, 6).map(u64::from);
                (high.zip(low).map(|(high, low)| high << 32 | low), 10)
            }
            short => (Some(u64::from(short)), 2),
        };
        let Some(length) = length else {
            return Frame::More;
        };
        let is_compressed = first & 0x40 != 0;
        let begins = matches!(kind, 1 | 2);
        // Reserved bits and kinds, long or cut controls, parts out of order, a
        // length of 63 bits: no program sends these.
        let wrong = first & 0x30 != 0
            || !matches!(kind, 0..=2 | 8..=10)
            || (is_control && (length > 125 || !is_last || is_compressed))
            || (kind == 0 && (self.under_way.is_none() || is_compressed))
            || (begins && self.under_way.is_some())
            || length >> 63 != 0;
        if wrong {
            return Frame::Told(WebFramed::Lost);
        }
        let mask = match second & 0x80 != 0 {
            true => match head.get(at..at.saturating_add(4)) {
                Some(mask) => {
                    at = at.saturating_add(4);
                    <[u8; 4]>::try_from(mask).unwrap_or_default()
                }
                None => return Frame::More,
            },
            false => [0; 4],
        };
        let held = self.message.len() as u64;
        if !is_control && held.saturating_add(length) > MAX_MESSAGE as u64 {
            self.read = self.read.saturating_add(at);
            self.skip = length;
            self.message.clear();
            self.spoiled = true;
            self.under_way.get_or_insert(is_compressed);
            return self.end_of(is_last);
        }
        let end = at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        let Some(payload) = head.get(at..end) else {
            return Frame::More;
        };
        if is_control {
            self.read = self.read.saturating_add(end);
            return Frame::Told(match kind {
                8 => WebFramed::Close,
                _ => WebFramed::KeepAlive,
            });
        }
        if !self.spoiled {
            let unmasked = payload.iter().zip(mask.iter().cycle());
            self.message
                .extend(unmasked.map(|(octet, mask)| octet ^ mask));
        }
        self.under_way.get_or_insert(is_compressed);
        self.read = self.read.saturating_add(end);
        self.end_of(is_last)
    }

    /// The message, where this was its last frame.
    fn end_of(&mut self, is_last: bool) -> Frame {
        if !is_last {
            return Frame::Nothing;
        }
        let is_compressed = self.under_way.take() == Some(true);
        let message = std::mem::take(&mut self.message);
        if std::mem::take(&mut self.spoiled) {
            // Later messages may refer back to it.
            if is_compressed {
                self.inflater = None;
            }
            return Frame::Told(WebFramed::Unread);
        }
        if !is_compressed {
            return Frame::Told(WebFramed::Message(message));
        }
        Frame::Told(match self.inflate(message) {
            Some(inflated) => WebFramed::Message(inflated),
            None => {
                self.inflater = None;
                WebFramed::Unread
            }
        })
    }

    /// RFC 7692, 7.2.2: four octets were cut off each message.
    fn inflate(&mut self, mut message: Vec<u8>) -> Option<Vec<u8>> {
        message.extend_from_slice(&[0, 0, 0xff, 0xff]);
        let inflater = self
            .inflater
            .get_or_insert_with(|| Box::new(Decompress::new(false)));
        let mut inflated = Vec::new();
        let begun = inflater.total_in();
        loop {
            let read = usize::try_from(inflater.total_in().saturating_sub(begun)).ok()?;
            let rest = octets::from(&message, read);
            if inflated.len() > MAX_MESSAGE {
                return None;
            }
            inflated.reserve(4096);
            let before = (inflater.total_in(), inflater.total_out());
            let status = inflater
                .decompress_vec(rest, &mut inflated, FlushDecompress::Sync)
                .ok()?;
            if status == flate2::Status::StreamEnd {
                // A sender may end its stream with each message.
                inflater.reset(false);
                return Some(inflated);
            }
            if before == (inflater.total_in(), inflater.total_out()) {
                break;
            }
        }
        (inflated.len() <= MAX_MESSAGE).then_some(inflated)
    }
}

/// What one step gave.
enum Frame {
    More,
    Nothing,
    Told(WebFramed),
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const MASK: [u8; 4] = [0xa5, 1, 0x5a, 0xff];

    fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
        let bit = if masked { 0x80 } else { 0 };
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..=125 => frame.push(bit | u8::try_from(short).expect("short")),
            long => {
                frame.push(bit | 126);
                frame.extend(u16::try_from(long).expect("short").to_be_bytes());
            }
        }
        if masked {
            frame.extend(MASK);
        }
        let mask = if masked { MASK } else { [0; 4] };
        frame.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(own, mask)| own ^ mask),
        );
        frame
    }

    fn read(octets: &[u8], size: usize) -> Vec<String> {
        let mut framer = WebFramer::default();
        let mut told = Vec::new();
        for part in octets.chunks(size) {
            framer.push(part);
            while let Some(framed) = framer.poll() {
                told.push(match framed {
                    WebFramed::Message(message) => String::from_utf8_lossy(&message).into_owned(),
                    other => format!("{other:?}"),
                });
            }
        }
        told
    }

    /// A message of a sender that keeps its window, without the last four octets.
    fn deflated(messages: &[&str]) -> Vec<Vec<u8>> {
        let mut packer =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        messages
            .iter()
            .map(|message| {
                packer
                    .write_all(message.as_bytes())
                    .expect("a vector takes all");
                packer.flush().expect("a vector takes all");
                let mut packed = std::mem::take(packer.get_mut());
                assert!(packed.ends_with(&[0, 0, 0xff, 0xff]));
                packed.truncate(packed.len() - 4);
                packed
            })
            .collect()
    }

    #[test]
    fn any_segmentation_gives_the_same_messages() {
        let long = "x".repeat(300);
        let packed = deflated(&["INVITE INVITE INVITE", "INVITE INVITE BYE"]);
        let stream = [
            frame(0x81, true, b"REGISTER"),
            frame(0x01, true, b"OPT"),
            frame(0x89, true, b"ping"),
            frame(0x00, true, b"IO"),
            frame(0x80, false, b"NS"),
            frame(0xc1, false, &packed[0]),
            frame(0x41, true, &packed[1][..3]),
            frame(0x80, true, &packed[1][3..]),
            frame(0x82, false, long.as_bytes()),
            frame(0x82, true, b""),
            frame(0x88, true, &[3, 0xe8]),
        ]
        .concat();
        let expected = [
            "REGISTER",
            "KeepAlive",
            "OPTIONS",
            "INVITE INVITE INVITE",
            "INVITE INVITE BYE",
            &long,
            "",
            "Close",
        ];
        for size in 1..=stream.len() {
            assert_eq!(read(&stream, size), expected, "{size}");
        }
    }

    #[test]
    fn what_is_too_long_or_no_frame_is_told() {
        let check = |octets: &[u8], expected: &[&str]| {
            assert_eq!(read(octets, octets.len().max(1)), expected);
        };
        // Zeros that become more than is kept.
        let bomb = deflated(&[&"0".repeat(MAX_MESSAGE + 1)]);
        let last = frame(0x81, false, b"BYE");
        check(
            &[frame(0xc1, false, &bomb[0]), last.clone()].concat(),
            &["Unread", "BYE"],
        );
        let room = deflated(&[&"0".repeat(MAX_MESSAGE)]);
        assert_eq!(
            read(&frame(0xc1, false, &room[0]), 100)[0].len(),
            MAX_MESSAGE
        );
        check(&frame(0xc1, false, b"\xff\xff\xff"), &["Unread"]);
        let mut huge = vec![0x82, 127, 0, 0, 0, 0, 0, 4, 0, 1];
        huge.extend(vec![b'x'; MAX_MESSAGE + 1]);
        check(&[huge, last].concat(), &["Unread", "BYE"]);
        // Reserved bits, reserved kinds, a part of nothing, a part in a part, a cut
        // control.
        for wrong in [
            &[0x91, 0][..],
            &[0x83, 0],
            &[0x80, 0],
            &[0x01, 0, 0x81, 0],
            &[0x09, 0],
        ] {
            check(wrong, &["Lost"]);
        }
    }

    #[test]
    fn the_opening_is_known_by_its_upgrade() {
        let check = |text: &str, expected| assert_eq!(opening(text.as_bytes()), expected, "{text}");
        let head = "GET /ws HTTP/1.1\r\nHost: a\r\nupgrade: h2c, WebSocket\r\n\r\n";
        let opens = |text: &str, is_request, names_sip| {
            let length = text.len();
            let expected = Head {
                length,
                is_request,
                names_sip,
            };
            check(&format!("{text}x"), Opening::Yes(expected));
        };
        opens(head, true, false);
        for cut in 1..head.len() {
            check(&head[..cut], Opening::More);
        }
        let answer = "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n";
        opens(answer, false, false);
        let more = "Sec-WebSocket-Protocol: msrp, SIP\r\n\r\n";
        for (text, is_request) in [(head, true), (answer, false)] {
            let text = text.trim_end().to_owned() + "\r\n" + more;
            opens(&text, is_request, true);
        }
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Opening::No);
        check("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n", Opening::No);
        check("INVITE sip:a SIP/2.0\r\n", Opening::No);
        check(&format!("GET /{}", "x".repeat(MAX_HEAD)), Opening::No);
    }
}
