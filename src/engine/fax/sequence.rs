//! Which packets of a fax arrived, and which of the others were made good.

use crate::t38::{Recovery, UdptlPacket};

/// Numbers by which a packet may be ahead or behind; one that is further off begins anew.
pub(super) const MAX_STEP: u16 = 512;
/// How far back it is remembered which packets arrived.
const WINDOW: u64 = 128;

/// Numbers of one direction, as they came.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The first number of this count, and the highest, both without wrapping.
    first: u64,
    highest: u64,
    /// Bit `n`: the packet `n` before the highest arrived.
    seen: u128,
    /// Bit `n`: what it brought is known from others.
    made_good: u128,
    /// Packets expected by counts that ended.
    expected_before: u64,
    any: bool,
    /// Packets that arrived, each once.
    pub received: u64,
    /// Packets that did not arrive and were made good by others.
    pub recovered: u64,
    /// Packets that arrived again.
    pub duplicates: u64,
    /// Packets that arrived after later ones.
    pub out_of_order: u64,
    /// How often numbers began anew.
    pub restarts: u64,
}

impl Sequence {
    /// A count that begins with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        // Room below, for what is late at the beginning.
        let first = number as u64 + 0x1_0000;
        Self {
            first,
            highest: first,
            seen: 0,
            made_good: 0,
            expected_before: 0,
            any: false,
            received: 0,
            recovered: 0,
            duplicates: 0,
            out_of_order: 0,
            restarts: 0,
        }
    }

    /// Packets that were sent, as far as their numbers show.
    #[must_use]
    pub const fn expected(&self) -> u64 {
        let own = self.highest.saturating_sub(self.first) + 1;
        self.expected_before + if self.any { own } else { 0 }
    }

    /// Packets that did not arrive.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Packets whose content did not arrive in any way.
    #[must_use]
    pub const fn unrecovered(&self) -> u64 {
        self.lost().saturating_sub(self.recovered)
    }

    /// How far a number is ahead of the highest.
    pub(super) const fn step(&self, number: u16) -> i16 {
        number.wrapping_sub(self.highest as u16) as i16
    }

    /// Takes a packet, and what it makes good. `Some` tells by how much it is ahead, `None`
    /// that it was late or came again.
    pub fn packet(&mut self, packet: &UdptlPacket<'_>) -> Option<u16> {
        let number = packet.sequence_number;
        let step = self.arrived(number);
        match &packet.recovery {
            Recovery::Redundancy(before) => self.repeats(number, before.len()),
            Recovery::Parity { span, parities } => self.covers(number, *span, *parities),
        }
        step
    }

    /// Takes a number. `Some` tells by how much it is ahead, `None` that it was late or came
    /// again.
    pub(super) fn arrived(&mut self, number: u16) -> Option<u16> {
        let step = self.step(number);
        if !self.any {
            self.any = true;
            self.seen = 1;
            self.received += 1;
            return Some(1);
        }
        if step.unsigned_abs() >= MAX_STEP {
            self.expected_before = self.expected();
            self.restarts += 1;
            self.first = u64::from(number) + 0x1_0000;
            self.highest = self.first;
            (self.seen, self.made_good) = (1, 0);
            self.received += 1;
            return Some(1);
        }
        if let Ok(ahead @ 1..) = u16::try_from(step) {
            self.highest += u64::from(ahead);
            let shift = |bits: u128| bits.checked_shl(u32::from(ahead)).unwrap_or(0);
            self.seen = shift(self.seen) | 1;
            self.made_good = shift(self.made_good);
            self.received += 1;
            return Some(ahead);
        }
        let back = u64::from(step.unsigned_abs());
        let Some(bit) = Self::bit(back) else {
            self.duplicates += 1;
            return None;
        };
        if self.seen & bit != 0 {
            self.duplicates += 1;
            return None;
        }
        self.seen |= bit;
        self.received += 1;
        self.out_of_order += 1;
        if self.made_good & bit != 0 {
            self.made_good &= !bit;
            self.recovered = self.recovered.saturating_sub(1);
        }
        self.first = self.first.min(self.highest.saturating_sub(back));
        None
    }

    /// The packet `number` repeats so many before it.
    fn repeats(&mut self, number: u16, count: usize) {
        for back in 1..=count {
            self.make_good(number, back);
        }
    }

    /// The packet `number` has so many parities, each over `span` packets before it that are as
    /// far apart: what a single one of them brought follows from the others.
    fn covers(&mut self, number: u16, span: u8, parities: u8) {
        let (span, parities) = (usize::from(span), usize::from(parities));
        if (span * parities) as u64 >= WINDOW {
            // What lies further back is not remembered.
            return;
        }
        for group in 1..=parities {
            let members = || (0..span).map(move |member| group + member * parities);
            let mut missing = members().filter(|back| !self.is_known(number, *back));
            if let Some(lone) = missing.next()
                && missing.next().is_none()
            {
                drop(missing);
                self.make_good(number, lone);
            }
        }
    }

    /// How far behind the highest the packet is that came `back` before `number`, if that is
    /// remembered and was expected.
    fn place(&self, number: u16, back: usize) -> Option<u128> {
        let behind = u64::from(self.step(number).min(0).unsigned_abs()) + back as u64;
        (self.highest.saturating_sub(behind) >= self.first).then(|| Self::bit(behind))?
    }

    fn is_known(&self, number: u16, back: usize) -> bool {
        self.place(number, back)
            .is_some_and(|bit| (self.seen | self.made_good) & bit != 0)
    }

    fn make_good(&mut self, number: u16, back: usize) {
        if let Some(bit) = self.place(number, back)
            && (self.seen | self.made_good) & bit == 0
        {
            self.made_good |= bit;
            self.recovered += 1;
        }
    }

    fn bit(behind: u64) -> Option<u128> {
        (behind < WINDOW).then(|| 1 << behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers with what each repeats or covers, and expected: sent, lost, made good, again,
    /// late, anew.
    #[track_caller]
    fn check(numbers: &[(u16, usize)], expected: [u64; 6]) {
        let mut own = Sequence::new(numbers[0].0);
        for (number, repeats) in numbers {
            own.arrived(*number);
            own.repeats(*number, *repeats);
        }
        let got = [
            own.expected(),
            own.lost(),
            own.recovered,
            own.duplicates,
            own.out_of_order,
            own.restarts,
        ];
        assert_eq!(got, expected, "{numbers:?}");
    }

    #[test]
    fn what_is_missing_is_lost_unless_it_was_repeated() {
        check(&[(0, 0), (1, 1), (2, 2)], [3, 0, 0, 0, 0, 0]);
        check(&[(0, 0), (3, 2), (4, 3)], [5, 2, 2, 0, 0, 0]);
        check(&[(0, 0), (4, 2), (5, 3)], [6, 3, 2, 0, 0, 0]);
        // It came after all: not lost, and nothing had to be made good.
        check(&[(0, 0), (2, 1), (1, 1)], [3, 0, 0, 0, 1, 0]);
        check(&[(0, 0), (1, 1), (1, 1)], [2, 0, 0, 1, 0, 0]);
        check(&[(65_534, 0), (65_535, 1), (1, 3)], [4, 1, 1, 0, 0, 0]);
        // Repeats of what was before the first are no gain.
        check(&[(7, 3), (8, 3)], [2, 0, 0, 0, 0, 0]);
        check(&[(600, 0), (601, 1), (0, 0), (1, 1)], [4, 0, 0, 0, 0, 1]);
        check(&[(0, 0), (511, 0)], [512, 510, 0, 0, 0, 0]);
        check(&[(0, 0), (512, 0)], [2, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_parity_makes_good_one_of_its_group() {
        // Three parities over three packets each: of 9 before it, each third one.
        let of = |missing: &[u16]| {
            let mut own = Sequence::new(0);
            for number in (0..=9).filter(|number| !missing.contains(number)) {
                own.arrived(number);
            }
            own.covers(9, 3, 3);
            [own.lost(), own.recovered]
        };
        assert_eq!(of(&[]), [0, 0]);
        assert_eq!(of(&[4]), [1, 1]);
        assert_eq!(of(&[4, 5, 6]), [3, 3]);
        // Two of one group.
        assert_eq!(of(&[1, 4]), [2, 0]);
        assert_eq!(of(&[1, 4, 5]), [3, 1]);
        // More than is remembered says nothing.
        let mut own = Sequence::new(0);
        own.arrived(0);
        own.arrived(2);
        own.covers(2, 2, 64);
        assert_eq!([own.lost(), own.recovered], [1, 0]);
        own.covers(2, 1, 2);
        assert_eq!([own.lost(), own.recovered], [1, 1]);
    }
}
