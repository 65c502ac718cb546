//! The transport of fax by datagrams (ITU-T T.38, 9): a sequence number, what is new, and what
//! makes good the loss of what was sent before.

use smallvec::SmallVec;

use crate::octets::{self, u8_at, u16_at};

/// One datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdptlPacket<'a> {
    /// Counts up from 0.
    pub sequence_number: u16,
    /// What is new: an [`super::Ifp`].
    pub primary: &'a [u8],
    /// What it repeats.
    pub recovery: Recovery<'a>,
}

/// How losses before a packet can be made good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery<'a> {
    /// What the packets before it brought, the last of them first.
    Redundancy(SmallVec<[&'a [u8]; 4]>),
    /// Parities over the packets before it.
    Parity {
        /// How many packets each parity is over.
        span: u8,
        /// How many parities there are; each is over packets that are so far apart.
        parities: u8,
    },
}

/// The most earlier packets that one datagram repeats or covers.
const MAX_RECOVERY: usize = 64;

impl<'a> UdptlPacket<'a> {
    /// Reads a datagram; `None` unless all of it is one packet.
    #[must_use]
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let sequence_number = u16_at(octets, 0)?;
        let (primary, rest) = part(octets::from(octets, 2))?;
        if primary.is_empty() {
            return None;
        }
        let kind = u8_at(rest, 0)?;
        let rest = octets::from(rest, 1);
        let (recovery, rest) = match kind {
            0 => {
                let (count, mut rest) = count(rest)?;
                let mut before = SmallVec::new();
                for _ in 0..count {
                    let (one, after) = part(rest)?;
                    before.push(one);
                    rest = after;
                }
                (Recovery::Redundancy(before), rest)
            }
            0x80 => {
                // The span is an INTEGER without bounds: its length comes first.
                let 1 = u8_at(rest, 0)? else { return None };
                let span = u8_at(rest, 1)?;
                let (parities, mut rest) = count(octets::from(rest, 2))?;
                for _ in 0..parities {
                    (_, rest) = part(rest)?;
                }
                let parities = u8::try_from(parities).ok()?;
                (Recovery::Parity { span, parities }, rest)
            }
            _ => return None,
        };
        rest.is_empty().then_some(Self {
            sequence_number,
            primary,
            recovery,
        })
    }
}

/// A length as the packed encoding rules have it (ITU-T X.691, 10.9), below 16 Ki, and what
/// follows it.
fn length(octets: &[u8]) -> Option<(usize, &[u8])> {
    let first = u8_at(octets, 0)?;
    match first >> 6 {
        0 | 1 => Some((usize::from(first), octets::from(octets, 1))),
        2 => {
            let length = u16_at(octets, 0)? & 0x3fff;
            Some((usize::from(length), octets::from(octets, 2)))
        }
        _ => None,
    }
}

/// A part with its length before it, and what follows.
fn part(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = length(octets)?;
    rest.split_at_checked(length)
}

fn count(octets: &[u8]) -> Option<(usize, &[u8])> {
    length(octets).filter(|(count, _)| *count <= MAX_RECOVERY)
}
