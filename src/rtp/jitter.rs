//! Interarrival jitter (RFC 3550, 6.4.1 and A.8).

use crate::time::Timestamp;

/// The clock rates that are tried for a payload type whose codec is unknown.
pub const CLOCK_RATES: [u32; 4] = [8000, 16_000, 48_000, 90_000];

/// A difference that only a clock makes.
const CLOCK_STEP_MS: f64 = 60_000.0;

/// The jitter of one source at one clock rate.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    clock_rate: f64,
    estimate_ms: f64,
    max_ms: f64,
    sum_ms: f64,
    samples: u64,
    last: Option<(Timestamp, u32)>,
}

impl Jitter {
    /// A fresh estimate for a clock of `clock_rate` ticks in a second.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: f64::from(clock_rate.max(1)),
            estimate_ms: 0.0,
            max_ms: 0.0,
            sum_ms: 0.0,
            samples: 0,
            last: None,
        }
    }

    /// A packet with RTP timestamp `ticks` came at `arrival`:
    /// `J = J + (|D| - J) / 16`.
    #[inline]
    pub fn packet(&mut self, arrival: Timestamp, ticks: u32) {
        if let Some((last_arrival, last_ticks)) = self.last {
            let ticks = f64::from(ticks.wrapping_sub(last_ticks).cast_signed());
            let sent_ms = ticks * 1000.0 / self.clock_rate;
            let difference = (arrival.millis_since(last_arrival) - sent_ms).abs();
            // No network holds a packet for a minute: a clock was set.
            if difference < CLOCK_STEP_MS {
                self.estimate_ms += (difference - self.estimate_ms) / 16.0;
                self.max_ms = self.max_ms.max(self.estimate_ms);
            }
        }
        // The first packet counts with an estimate of 0, as tshark's mean does.
        self.sum_ms += self.estimate_ms;
        self.samples = self.samples.saturating_add(1);
        self.last = Some((arrival, ticks));
    }

    /// The source or its clock began anew: the next packet has no predecessor.
    pub const fn restart(&mut self) {
        self.last = None;
    }

    /// The mean of the estimate over all packets, in milliseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "packet counts stay below 2^53")]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.samples > 1).then(|| self.sum_ms / self.samples as f64)
    }

    /// The largest estimate, in milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> Option<f64> {
        (self.samples > 1).then_some(self.max_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and maximum for packets of 20 ms that arrive at these instants.
    fn jitter(arrivals_ms: &[u64]) -> (Option<f64>, Option<f64>) {
        let mut jitter = Jitter::new(8000);
        for (at, &arrival) in (0_u32..).zip(arrivals_ms) {
            jitter.packet(
                Timestamp::from_nanos(arrival * 1_000_000),
                at.wrapping_mul(160).wrapping_sub(320),
            );
        }
        (jitter.mean_ms(), jitter.max_ms())
    }

    #[test]
    fn the_estimate_follows_the_formula() {
        assert_eq!(jitter(&[]), (None, None));
        assert_eq!(jitter(&[100]), (None, None));
        assert_eq!(jitter(&[100, 120, 140]), (Some(0.0), Some(0.0)));
        // D = 16 once, then -16: J = 1, then 1 + 15/16.
        let (mean, max) = jitter(&[100, 136, 140]);
        assert_eq!(max, Some(1.9375));
        assert_eq!(mean, Some(2.9375 / 3.0));
    }

    #[test]
    fn a_clock_that_is_set_counts_for_nothing() {
        assert_eq!(
            jitter(&[7_200_000, 0, 20, 7_200_040]),
            (Some(0.0), Some(0.0))
        );
        assert!(jitter(&[0, 60_019]).1 > Some(3000.0));
        assert_eq!(jitter(&[0, 60_020]).1, Some(0.0));
    }
}
