//! What a receiver knows of one source: RFC 3550, A.1, with loss told exactly.

/// RFC 3550, A.1.
const MAX_DROPOUT: u16 = 3000;
/// RFC 3550, A.1.
const MAX_MISORDER: u16 = 100;
/// Sequence numbers that are remembered one by one. More than
/// [`MAX_MISORDER`], so that every packet that still counts finds its place.
const WINDOW: u32 = 512;
const WORDS: usize = 8;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The first, or the next, or one after a loss.
    InOrder,
    /// Late, but not yet seen.
    Reordered,
    /// Seen before.
    Duplicate,
    /// Far from what was expected; the next packet decides.
    Jump,
    /// The source began anew with this packet and the one before.
    Restarted,
}

/// Sequence numbers and arrivals of one source.
///
/// Constant in size: a window of bits tells duplicates and fills gaps, and
/// what slides out of it unseen is lost for good.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Receiver {
    // What every packet touches is first.
    base: u32,
    highest: u32,
    bad_sequence: Option<u16>,
    distinct: u64,
    lost_run: u64,
    window: [u64; WORDS],
    duplicates: u64,
    out_of_order: u64,
    loss_bursts: u64,
    burst_max: u64,
    settled_lost: u64,
    /// Packets expected before the last restart.
    expected_before: u64,
}

impl Receiver {
    /// A receiver whose first packet has this sequence number.
    #[must_use]
    pub fn new(sequence_number: u16) -> Self {
        let mut receiver = Self {
            base: 0,
            highest: 0,
            bad_sequence: None,
            window: [0; WORDS],
            expected_before: 0,
            distinct: 0,
            duplicates: 0,
            out_of_order: 0,
            lost_run: 0,
            loss_bursts: 0,
            burst_max: 0,
            settled_lost: 0,
        };
        receiver.begin(sequence_number);
        receiver
    }

    fn begin(&mut self, sequence_number: u16) {
        // One cycle up, so that a packet from before the first has room.
        self.base = u32::from(sequence_number).saturating_add(0x1_0000);
        self.highest = self.base;
        self.window = [0; WORDS];
        self.bad_sequence = None;
        self.set(self.base);
        self.distinct = self.distinct.saturating_add(1);
    }

    /// A packet after the first.
    #[inline]
    pub fn packet(&mut self, sequence_number: u16) -> Received {
        let highest = u16::try_from(self.highest & 0xffff).unwrap_or_default();
        let ahead = sequence_number.wrapping_sub(highest);
        if ahead == 0 {
            self.duplicates = self.duplicates.saturating_add(1);
            return Received::Duplicate;
        }
        if ahead < MAX_DROPOUT {
            self.bad_sequence = None;
            self.advance(u32::from(ahead));
            self.distinct = self.distinct.saturating_add(1);
            return Received::InOrder;
        }
        let behind = highest.wrapping_sub(sequence_number);
        if behind <= MAX_MISORDER {
            let extended = self.highest.saturating_sub(u32::from(behind));
            if self.is_set(extended) {
                self.duplicates = self.duplicates.saturating_add(1);
                return Received::Duplicate;
            }
            self.set(extended);
            self.base = self.base.min(extended);
            self.distinct = self.distinct.saturating_add(1);
            self.out_of_order = self.out_of_order.saturating_add(1);
            return Received::Reordered;
        }
        if self.bad_sequence == Some(sequence_number) {
            // Two packets in sequence: the other side began anew.
            self.settle();
            self.expected_before = self.expected_since_start();
            self.begin(sequence_number.wrapping_sub(1));
            self.advance(1);
            self.distinct = self.distinct.saturating_add(1);
            return Received::Restarted;
        }
        self.bad_sequence = Some(sequence_number.wrapping_add(1));
        Received::Jump
    }

    fn advance(&mut self, steps: u32) {
        for _ in 0..steps {
            self.highest = self.highest.saturating_add(1);
            self.leave(self.highest.saturating_sub(WINDOW));
            self.clear(self.highest);
        }
        self.set(self.highest);
    }

    /// A sequence number slides out of the window: seen or lost for good.
    #[inline]
    fn leave(&mut self, extended: u32) {
        if extended < self.base {
            return;
        }
        if self.is_set(extended) {
            self.end_run();
        } else {
            self.settled_lost = self.settled_lost.saturating_add(1);
            self.lost_run = self.lost_run.saturating_add(1);
        }
    }

    #[inline]
    fn end_run(&mut self) {
        if self.lost_run > 0 {
            self.loss_bursts = self.loss_bursts.saturating_add(1);
            self.burst_max = self.burst_max.max(self.lost_run);
            self.lost_run = 0;
        }
    }

    /// Lets everything slide out.
    fn settle(&mut self) {
        let from = self
            .highest
            .saturating_sub(WINDOW.saturating_sub(1))
            .max(self.base);
        for extended in from..=self.highest {
            self.leave(extended);
        }
        self.end_run();
        // What has left must not leave again.
        self.window = [u64::MAX; WORDS];
    }

    #[inline]
    fn slot(extended: u32) -> (usize, u64) {
        let place = extended % WINDOW;
        ((place / 64) as usize, 1_u64 << (place % 64))
    }

    #[inline]
    fn is_set(&self, extended: u32) -> bool {
        let (word, bit) = Self::slot(extended);
        self.window.get(word).is_some_and(|word| word & bit != 0)
    }

    #[inline]
    fn set(&mut self, extended: u32) {
        let (word, bit) = Self::slot(extended);
        if let Some(word) = self.window.get_mut(word) {
            *word |= bit;
        }
    }

    #[inline]
    fn clear(&mut self, extended: u32) {
        let (word, bit) = Self::slot(extended);
        if let Some(word) = self.window.get_mut(word) {
            *word &= !bit;
        }
    }

    /// The lowest sequence number since the last restart.
    #[must_use]
    pub const fn first_sequence_number(&self) -> u32 {
        self.base & 0xffff
    }

    /// The highest sequence number received.
    #[must_use]
    pub const fn highest_sequence_number(&self) -> u32 {
        self.highest & 0xffff
    }

    /// Cycles and the highest sequence number received (RFC 3550, 6.4.1).
    #[must_use]
    pub const fn extended_highest(&self) -> u32 {
        // The count began one cycle up.
        self.highest.saturating_sub(0x1_0000)
    }

    fn expected_since_start(&self) -> u64 {
        let here = u64::from(self.highest.saturating_sub(self.base)).saturating_add(1);
        self.expected_before.saturating_add(here)
    }

    /// Ends the count: packets still missing are lost.
    #[must_use]
    pub fn finish(mut self) -> ReceiverReport {
        self.settle();
        let expected = self.expected_since_start();
        ReceiverReport {
            expected,
            lost: expected.saturating_sub(self.distinct),
            duplicates: self.duplicates,
            out_of_order: self.out_of_order,
            loss_bursts: self.loss_bursts,
            burst_max: self.burst_max,
        }
    }
}

/// What a receiver counted in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverReport {
    /// From the first to the highest sequence number.
    pub expected: u64,
    /// Expected, less distinct sequence numbers received.
    pub lost: u64,
    /// Packets whose sequence number had been received.
    pub duplicates: u64,
    /// Packets that came after one with a higher sequence number.
    pub out_of_order: u64,
    /// Runs of lost packets.
    pub loss_bursts: u64,
    /// The longest run.
    pub burst_max: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(sequence: impl IntoIterator<Item = u16>) -> ReceiverReport {
        let mut sequence = sequence.into_iter();
        let mut receiver = Receiver::new(sequence.next().expect("a packet"));
        for number in sequence {
            receiver.packet(number);
        }
        receiver.finish()
    }

    fn counts(expected: u64, lost: u64, duplicates: u64, out_of_order: u64) -> ReceiverReport {
        ReceiverReport {
            expected,
            lost,
            duplicates,
            out_of_order,
            ..ReceiverReport::default()
        }
    }

    #[test]
    fn m023_clean_wrapping_duplicated_and_reordered_sources() {
        assert_eq!(report([7]), counts(1, 0, 0, 0));
        assert_eq!(report(0..1000), counts(1000, 0, 0, 0));
        assert_eq!(
            report((65_000..=65_535).chain(0..100)),
            counts(636, 0, 0, 0)
        );
        assert_eq!(report([1, 2, 2, 3, 1, 3]), counts(3, 0, 3, 0));
        assert_eq!(report([1, 3, 2, 4]), counts(4, 0, 0, 1));
        // A packet from before the first moves the start.
        assert_eq!(report([5, 4, 6]), counts(3, 0, 0, 1));
        assert_eq!(report([0, 65_535, 1]), counts(3, 0, 0, 1));
    }

    #[test]
    fn losses_come_in_bursts() {
        let lossy =
            report((0..2000).filter(|number| !matches!(number, 10 | 20..=24 | 1990..=1995)));
        assert_eq!(
            lossy,
            ReceiverReport {
                loss_bursts: 3,
                burst_max: 6,
                ..counts(2000, 12, 0, 0)
            }
        );
        // A late packet shortens its burst.
        let late = report((0..10).chain([12]).chain([10]).chain(13..30));
        assert_eq!((late.lost, late.loss_bursts, late.burst_max), (1, 1, 1));
    }

    #[test]
    fn m023_jumps_on_both_sides_of_the_bounds() {
        assert_eq!(report([0, 2999]).lost, 2998);
        // A lone jump is noise, two in sequence are a restart.
        assert_eq!(report([0, 3000]), counts(1, 0, 0, 0));
        assert_eq!(report([0, 1, 30_000, 30_001, 30_002]), counts(5, 0, 0, 0));
        assert_eq!(report([0, 1, 30_000, 2, 3]), counts(4, 0, 0, 0));
        let within = report((0..102).filter(|&number| number != 1).chain([1]));
        assert_eq!((within.lost, within.out_of_order), (0, 1));
        let beyond = report((0..103).filter(|&number| number != 1).chain([1]));
        assert_eq!((beyond.lost, beyond.out_of_order), (1, 0));
    }

    #[test]
    fn m020_m023_agrees_with_a_naive_count_under_shuffling() {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move |bound: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % bound
        };
        for _ in 0..200 {
            let first = u16::try_from(random(65_536)).expect("16 bits");
            let mut arrivals = Vec::new();
            for at in 0..700_u64 {
                let copies = [1, 0, 2][usize::from(random(10) == 0) + usize::from(random(20) == 0)];
                for copy in 0..copies {
                    arrivals.push((at + copy + random(30), at));
                }
            }
            arrivals.sort_unstable();
            let order: Vec<u64> = arrivals.iter().map(|&(_, at)| at).collect();
            let distinct: std::collections::BTreeSet<u64> = order.iter().copied().collect();
            let span = distinct.last().expect("some") - distinct.first().expect("some") + 1;
            let report = report(
                order
                    .iter()
                    .map(|&at| first.wrapping_add(u16::try_from(at).expect("16 bits"))),
            );
            assert_eq!(report.expected, span);
            assert_eq!(report.lost, span - distinct.len() as u64);
            assert_eq!(report.duplicates, (order.len() - distinct.len()) as u64);
        }
    }
}
