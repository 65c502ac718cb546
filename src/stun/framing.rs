//! STUN messages and channel data out of a stream (RFC 8489, 6.2.2; RFC 8656,
//! 12.5), also with the lengths of RFC 4571 before them.

use crate::octets::{self, u16_at, u32_at};

const MAGIC_COOKIE: u32 = 0x2112_a442;

/// What a stream gave.
#[derive(Debug, PartialEq, Eq)]
pub enum StunFramed {
    /// A STUN message.
    Message(Vec<u8>),
    /// Channel data of TURN, without what fills it up.
    Channel(Vec<u8>),
    /// The channel data before was not filled up to a multiple of four octets
    /// (RFC 8656, 12.5).
    NotPadded,
    /// A packet of media, where lengths stand before the frames (RFC 4571).
    Media(Vec<u8>),
    /// No frame begins here: the stream is lost.
    Lost,
}

/// Cuts one direction of a stream into frames.
#[derive(Debug, Default)]
pub struct StunFramer {
    buffer: Vec<u8>,
    /// Octets of it that were handed out.
    read: usize,
    has_lengths: bool,
    /// Octets that should fill up the frame before.
    padding: usize,
    /// Whether a frame was not filled up.
    is_loose: bool,
}

impl StunFramer {
    /// A framer for a stream that begins with these octets, if they are STUN.
    #[must_use]
    pub fn recognise(octets: &[u8]) -> Option<Self> {
        let is_stun = |octets: &[u8]| {
            u16_at(octets, 0).is_some_and(|kind| kind & 0xc000 == 0)
                && u32_at(octets, 4) == Some(MAGIC_COOKIE)
        };
        if is_stun(octets) {
            Some(Self::default())
        } else if is_stun(octets::from(octets, 2)) {
            Some(Self {
                has_lengths: true,
                ..Self::default()
            })
        } else {
            None
        }
    }

    /// Adds octets that follow those before.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.drain(..self.read.min(self.buffer.len()));
        self.read = 0;
        self.buffer.extend_from_slice(octets);
    }

    /// Octets held back; never more than a frame.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buffer.len().saturating_sub(self.read)
    }

    /// What was not handed out yet, where no frames follow any more.
    #[must_use]
    pub fn into_rest(mut self) -> Vec<u8> {
        self.buffer.drain(..self.read.min(self.buffer.len()));
        self.buffer
    }

    /// The next frame.
    pub fn poll(&mut self) -> Option<StunFramed> {
        if self.has_lengths {
            return self.poll_length();
        }
        if self.padding > 0 {
            let is_padded = self.is_padded()?;
            let padding = std::mem::take(&mut self.padding);
            if !is_padded {
                self.is_loose = true;
                return Some(StunFramed::NotPadded);
            }
            self.read = self.read.saturating_add(padding);
        }
        let rest = octets::from(&self.buffer, self.read);
        let (kind, inside) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        let length = match kind >> 14 {
            0 => inside.saturating_add(20),
            1 => inside.saturating_add(4),
            _ => return Some(self.lose()),
        };
        let frame = rest.get(..length)?.to_vec();
        if kind >> 14 == 0 && u32_at(&frame, 4) != Some(MAGIC_COOKIE) {
            return Some(self.lose());
        }
        self.read = self.read.saturating_add(length);
        if kind >> 14 == 0 {
            return Some(StunFramed::Message(frame));
        }
        self.padding = length.wrapping_neg() % 4;
        Some(StunFramed::Channel(frame))
    }

    /// The next frame of a stream with lengths (RFC 4571, 2; RFC 6544, 3).
    fn poll_length(&mut self) -> Option<StunFramed> {
        let rest = octets::from(&self.buffer, self.read);
        let end = usize::from(u16_at(rest, 0)?).saturating_add(2);
        let frame = rest.get(2..end)?.to_vec();
        self.read = self.read.saturating_add(end);
        let is_stun = frame.first().is_some_and(|first| *first < 0x40);
        Some(if is_stun && u32_at(&frame, 4) == Some(MAGIC_COOKIE) {
            StunFramed::Message(frame)
        } else {
            StunFramed::Media(frame)
        })
    }

    fn lose(&mut self) -> StunFramed {
        self.buffer.clear();
        self.read = 0;
        StunFramed::Lost
    }

    /// Whether the next frame begins behind the octets that fill up the one before, as it
    /// should. Unknown until enough of it is there.
    fn is_padded(&self) -> Option<bool> {
        let rest = octets::from(&self.buffer, self.read);
        let behind = begins(octets::from(rest, self.padding))?;
        // Where both look like one, it is as it was before.
        match begins(rest)? {
            true => Some(behind && !self.is_loose),
            false => Some(true),
        }
    }
}

/// Whether a frame begins here, as far as its first octets tell.
fn begins(octets: &[u8]) -> Option<bool> {
    match u16_at(octets, 0)? {
        0..0x4000 => {
            let cookie = octets::span(octets, 4, 4);
            let is_prefix = MAGIC_COOKIE.to_be_bytes().starts_with(cookie);
            (cookie.len() == 4 || !is_prefix).then_some(is_prefix)
        }
        kind => Some((0x4000..=0x4fff).contains(&kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u8) -> Vec<u8> {
        let mut octets = vec![0, 1, 0, length, 0x21, 0x12, 0xa4, 0x42];
        octets.extend([9; 12]);
        octets.resize(20 + usize::from(length), 0);
        octets
    }

    /// What a stream gives that comes in parts of a size.
    fn frames(stream: &[u8], size: usize) -> Vec<String> {
        let mut framer = StunFramer::recognise(stream).expect("STUN");
        let mut told = Vec::new();
        for part in stream.chunks(size) {
            framer.push(part);
            while let Some(frame) = framer.poll() {
                told.push(match frame {
                    StunFramed::Message(octets) => format!("stun {}", octets.len()),
                    StunFramed::Channel(octets) => format!("channel {}", octets.len()),
                    StunFramed::Media(octets) => format!("media {}", octets.len()),
                    other => format!("{other:?}"),
                });
            }
        }
        told
    }

    fn check(stream: &[u8], expected: &[&str]) {
        for size in 1..=stream.len() {
            assert_eq!(frames(stream, size), expected, "{size}");
        }
    }

    #[test]
    fn any_segmentation_gives_the_same_frames() {
        let channel = |length: u8, padding: usize| {
            let mut octets = vec![0x40, 0, 0, length];
            octets.resize(4 + usize::from(length) + padding, 9);
            octets
        };
        check(
            &[message(4), message(0), channel(3, 1), message(8)].concat(),
            &["stun 24", "stun 20", "channel 7", "stun 28"],
        );
        // Filled up with anything, or with nothing; whole frames need nothing.
        check(
            &[message(0), channel(1, 3), channel(2, 2), channel(4, 0)].concat(),
            &["stun 20", "channel 5", "channel 6", "channel 8"],
        );
        check(
            &[
                message(0),
                channel(1, 0),
                message(0),
                channel(2, 0),
                channel(4, 0),
            ]
            .concat(),
            &[
                "stun 20",
                "channel 5",
                "NotPadded",
                "stun 20",
                "channel 6",
                "NotPadded",
                "channel 8",
            ],
        );
        // The length of the second looks like the channel of a third.
        check(
            &[
                message(0),
                channel(2, 0),
                channel(9, 0),
                channel(0x41, 0),
                channel(4, 0),
            ]
            .concat(),
            &[
                "stun 20",
                "channel 6",
                "NotPadded",
                "channel 13",
                "NotPadded",
                "channel 69",
                "NotPadded",
                "channel 8",
            ],
        );
        let frames = [message(4), message(0), vec![0x80; 12]];
        let with_lengths = frames.iter().flat_map(|frame| {
            let length = u16::try_from(frame.len()).expect("short").to_be_bytes();
            [&length[..], frame].concat()
        });
        let with_lengths: Vec<u8> = with_lengths.collect();
        check(&with_lengths, &["stun 24", "stun 20", "media 12"]);
    }

    #[test]
    fn what_is_no_frame_is_said() {
        assert!(StunFramer::recognise(b"GET / HTTP/1.1\r\n").is_none());
        let stream = [message(0), vec![0xff; 40]].concat();
        assert_eq!(frames(&stream, 7)[..2], ["stun 20", "Lost"]);
    }
}
