//! Fax by T.38 as two machines send it, with losses that what they repeat makes good, or not.

use super::{FaxTruth, FaxWayTruth, Maker};
use crate::net::Flow;

const MS: u64 = 1_000_000;

/// What a machine says in one step: tones, frames of T.30, or parts of a page.
#[derive(Clone, Copy)]
enum Step {
    Indicator(u8),
    Frame(&'static [u8]),
    Page(u16),
}

/// Both machines in turn, the caller sends two pages: who speaks, and what.
const SCRIPT: [(usize, Step); 17] = [
    (0, Step::Indicator(1)),
    (1, Step::Indicator(2)),
    (1, Step::Indicator(3)),
    (1, Step::Frame(&[0xff, 0xc8, 0x01, 0x00, 0x77, 0x1f])),
    (0, Step::Frame(&[0xff, 0xc8, 0xc1, 0x00, 0x04])),
    (0, Step::Indicator(15)),
    (1, Step::Frame(&[0xff, 0xc8, 0x21])),
    (0, Step::Indicator(14)),
    (0, Step::Page(30)),
    (0, Step::Frame(&[0xff, 0xc8, 0xf2])),
    (1, Step::Frame(&[0xff, 0xc8, 0x31])),
    (0, Step::Page(40)),
    (0, Step::Frame(&[0xff, 0xc8, 0xf4])),
    (1, Step::Frame(&[0xff, 0xc8, 0x31])),
    (0, Step::Frame(&[0xff, 0xc8, 0xdf])),
    (0, Step::Indicator(0)),
    (1, Step::Indicator(0)),
];

/// One direction while it is sent.
struct Way {
    flow: Flow,
    history: Vec<Vec<u8>>,
    /// Numbers that were captured.
    arrived: Vec<usize>,
    burst: u32,
}

/// Sends a fax from the caller to the callee. Hands back when it is over.
pub(super) fn make(maker: &mut Maker, call_id: &str, flow: Flow, from: u64, lossy: bool) -> u64 {
    let repeats = maker.rng.usize(0..=3);
    let way = |flow| Way {
        flow,
        history: Vec::new(),
        arrived: Vec::new(),
        burst: 0,
    };
    let mut ways = [way(flow), way(flow.reversed())];
    let mut at = from;
    for (by, step) in SCRIPT {
        for part in step.parts() {
            ways[by].send(maker, at, part, repeats, lossy);
            at += 20 * MS;
        }
        at += 50 * MS;
    }
    let truth = FaxTruth {
        pages: 2,
        ways: ways.map(|way| way.truth(repeats)),
    };
    maker.truth.faxes.insert(call_id.to_owned(), truth);
    at
}

impl Step {
    /// What each packet brings (ITU-T T.38, 7).
    fn parts(self) -> Vec<Vec<u8>> {
        match self {
            Self::Indicator(number) => vec![vec![number << 1]],
            // By V.21, octet by octet, then the end of the frame and of the signal.
            Self::Frame(octets) => {
                let spelled = |octet: &u8| vec![0xc0, 1, 0x80, 0, 0, *octet];
                let end = vec![0xc0, 1, 0x40];
                octets.iter().map(spelled).chain([end]).collect()
            }
            // By V.17, without error correction.
            Self::Page(packets) => (0..packets)
                .map(|number| {
                    let line = [[0x5a; 35].as_slice(), &number.to_be_bytes()].concat();
                    [&[0xd0, 1, 0xe0, 0, 36][..], &line].concat()
                })
                .collect(),
        }
    }
}

impl Way {
    fn send(&mut self, maker: &mut Maker, at: u64, part: Vec<u8>, repeats: usize, lossy: bool) {
        let number = self.history.len();
        let before = self.history.iter().rev().take(repeats);
        let sized = |part: &Vec<u8>| {
            let length = u8::try_from(part.len()).unwrap_or_default();
            [&[length][..], part].concat()
        };
        let again: Vec<Vec<u8>> = before.map(sized).collect();
        let count = u8::try_from(again.len()).unwrap_or_default();
        let sequence = u16::try_from(number).unwrap_or_default().to_be_bytes();
        let datagram = [&sequence[..], &sized(&part), &[0, count], &again.concat()].concat();
        self.history.push(part);
        // What comes first is seen: how much was lost before it nobody can know.
        if self.burst == 0 && number > 0 && lossy && maker.rng.u8(0..25) == 0 {
            self.burst = maker.rng.u32(1..=5);
        }
        if self.burst > 0 {
            self.burst -= 1;
            return;
        }
        self.arrived.push(number);
        maker.datagram(at, self.flow, &datagram);
    }

    fn truth(&self, repeats: usize) -> FaxWayTruth {
        let last = self.arrived.last().copied().unwrap_or_default();
        let is_lost = |number: &usize| !self.arrived.contains(number);
        let is_repeated = |number: &usize| {
            (number + 1..=number + repeats).any(|later| self.arrived.contains(&later))
        };
        let lost: Vec<usize> = (0..=last).filter(is_lost).collect();
        FaxWayTruth {
            packets: self.arrived.len() as u64,
            expected: last as u64 + 1,
            lost: lost.len() as u64,
            recovered: lost.iter().filter(|own| is_repeated(own)).count() as u64,
            is_cut: last + 1 < self.history.len(),
        }
    }
}
