//! STUN messages and channel data out of a stream (RFC 8489, 6.2.2; RFC 8656,
//! 12.5), also with the lengths of RFC 4571 before them.

use crate::octets::{self, u16_at, u32_at};

const MAGIC_COOKIE: u32 = 0x2112_a442;

/// What a stream gave.
#[derive(Debug, PartialEq, Eq)]
pub enum StunFramed {
    /// A STUN message.
    Message(Vec<u8>),
    /// Channel data of TURN, or a packet of media.
    Other(Vec<u8>),
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
        let lead = if self.has_lengths { 2 } else { 0 };
        let rest = octets::from(&self.buffer, self.read);
        let head = octets::from(rest, lead);
        let kind = u16_at(head, 0)?;
        let length = if self.has_lengths {
            usize::from(u16_at(rest, 0)?)
        } else {
            let inside = usize::from(u16_at(head, 2)?);
            match kind >> 14 {
                0 => inside.saturating_add(20),
                1 => inside.saturating_add(4).next_multiple_of(4),
                _ => {
                    self.buffer.clear();
                    self.read = 0;
                    return Some(StunFramed::Lost);
                }
            }
        };
        let end = lead.saturating_add(length);
        let frame = rest.get(lead..end)?.to_vec();
        self.read = self.read.saturating_add(end);
        Some(
            if u32_at(&frame, 4) == Some(MAGIC_COOKIE) && kind >> 14 == 0 {
                StunFramed::Message(frame)
            } else {
                StunFramed::Other(frame)
            },
        )
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

    fn frames(stream: &[u8], size: usize) -> Vec<usize> {
        let mut framer = StunFramer::recognise(stream).expect("STUN");
        let mut lengths = Vec::new();
        for part in stream.chunks(size) {
            framer.push(part);
            while let Some(frame) = framer.poll() {
                match frame {
                    StunFramed::Message(octets) => lengths.push(octets.len()),
                    StunFramed::Other(octets) => lengths.push(1000 + octets.len()),
                    StunFramed::Lost => lengths.push(0),
                }
            }
        }
        lengths
    }

    #[test]
    fn any_segmentation_gives_the_same_frames() {
        let stream = [
            message(4),
            message(0),
            vec![0x40, 0, 0, 3, 1, 2, 3, 0],
            message(8),
        ]
        .concat();
        let with_lengths: Vec<u8> = [message(4), message(0)]
            .iter()
            .flat_map(|message| {
                let length = u16::try_from(message.len()).expect("short").to_be_bytes();
                [&length[..], message].concat()
            })
            .collect();
        for size in 1..=stream.len() {
            assert_eq!(frames(&stream, size), [24, 20, 1008, 28], "{size}");
            assert_eq!(frames(&with_lengths, size), [24, 20], "{size}");
        }
    }

    #[test]
    fn what_is_no_frame_is_said() {
        assert!(StunFramer::recognise(b"GET / HTTP/1.1\r\n").is_none());
        assert_eq!(
            frames(&[message(0), vec![0xff; 40]].concat(), 7)[..2],
            [20, 0]
        );
    }
}
