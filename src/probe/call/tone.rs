//! The tone that a test call sends, and whether it is what comes back.

use std::f64::consts::TAU;

use crate::rtp::g711::Law;

/// Samples in a second.
pub(super) const RATE: u32 = 8000;
/// Samples in a packet: 20 ms.
pub(super) const FRAME: usize = 160;
/// Tones that nothing else in telephony sounds like: no dial tone, no ringing, no
/// test line, no digit. Each has whole periods in a frame, so that it is told
/// exactly.
const TONES: [u16; 8] = [550, 650, 1050, 1150, 1550, 1750, 1850, 1950];
/// -10 dBm0 (ITU-T O.41 has test tones so).
const AMPLITUDE: f64 = 7200.0;
/// The mean square of a sample below which a frame is silent: about -50 dBm0.
const SILENT: f64 = 2600.0;
/// The share of a frame's energy that is the tone's.
const PURE: f64 = 0.7;

/// What a frame sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    Tone,
    Other,
    Silence,
}

/// A tone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    /// In hertz.
    pub frequency: u16,
}

impl Tone {
    pub(super) fn choose(rng: &mut fastrand::Rng) -> Self {
        let frequency = rng.choice(TONES).unwrap_or(1050);
        Self { frequency }
    }

    fn step(self) -> f64 {
        TAU * f64::from(self.frequency) / f64::from(RATE)
    }

    /// A frame of it; all are alike.
    pub(super) fn frame(self, law: Law) -> Vec<u8> {
        let samples = (0..FRAME).map(|place| {
            #[expect(clippy::cast_precision_loss, reason = "a frame is short")]
            let sample = AMPLITUDE * (self.step() * place as f64).sin();
            #[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
            let sample = sample as i16;
            law.encode(sample)
        });
        samples.collect()
    }

    /// What octets sound like, by Goertzel's recurrence at the tone's frequency.
    pub(super) fn recognize(self, law: Law, octets: &[u8]) -> Sound {
        let factor = 2.0 * self.step().cos();
        let (mut last, mut before, mut energy) = (0.0, 0.0, 0.0);
        for octet in octets {
            let sample = f64::from(law.decode(*octet));
            energy += sample * sample;
            let own = sample + factor * last - before;
            before = last;
            last = own;
        }
        #[expect(clippy::cast_precision_loss, reason = "a packet is short")]
        let count = octets.len().max(1) as f64;
        if energy / count < SILENT {
            return Sound::Silence;
        }
        let power = last * last + before * before - factor * last * before;
        if 2.0 * power / (count * energy) >= PURE {
            Sound::Tone
        } else {
            Sound::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tone_is_known_and_nothing_else() {
        for law in [Law::Mu, Law::A] {
            for frequency in TONES {
                let tone = Tone { frequency };
                let frame = tone.frame(law);
                assert_eq!(tone.recognize(law, &frame), Sound::Tone);
                // Frames that begin elsewhere, or are half as long, sound the same.
                let turned = [&frame[37..], &frame[..37]].concat();
                assert_eq!(tone.recognize(law, &turned), Sound::Tone);
                assert_eq!(tone.recognize(law, &frame[..80]), Sound::Tone);
                for other in TONES.into_iter().filter(|own| *own != frequency) {
                    let other = Tone { frequency: other }.frame(law);
                    assert_eq!(tone.recognize(law, &other), Sound::Other);
                }
                let silence = [law.encode(0); FRAME];
                assert_eq!(tone.recognize(law, &silence), Sound::Silence);
                let mut rng = fastrand::Rng::with_seed(u64::from(frequency));
                let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(FRAME).collect();
                assert_eq!(tone.recognize(law, &noise), Sound::Other);
                assert_eq!(tone.recognize(law, &[]), Sound::Silence);
            }
        }
    }
}
