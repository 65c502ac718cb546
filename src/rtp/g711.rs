//! G.711: eight bits for a sample of speech (ITU-T G.711).

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// PCMU, payload type 0.
    Mu,
    /// PCMA, payload type 8.
    A,
}

/// What is added before the logarithm of the µ-law is taken, on 14 bits.
const BIAS: i32 = 33;
/// The largest magnitude on 14 bits that the µ-law can tell.
const MU_CLIP: i32 = 8158;

impl Law {
    /// The law of a payload type (RFC 3551, 6).
    #[must_use]
    pub const fn of(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Mu),
            8 => Some(Self::A),
            _ => None,
        }
    }

    /// A sample of 16 bits, coded.
    #[must_use]
    pub fn encode(self, sample: i16) -> u8 {
        let magnitude = i32::from(sample).saturating_abs();
        let (code, flip) = match self {
            Self::Mu => {
                let biased = (magnitude >> 2).min(MU_CLIP).saturating_add(BIAS);
                let segment = biased.ilog2().saturating_sub(5);
                let step = (biased >> segment.saturating_add(1)) & 0x0f;
                let sign = if sample < 0 { 0x80 } else { 0 };
                (sign | segment << 4 | step.cast_unsigned(), 0xff)
            }
            Self::A => {
                let scaled = (magnitude >> 4).min(2047);
                let segment = scaled.max(16).ilog2().saturating_sub(4);
                // The first two segments have steps of one size.
                let segment = if scaled < 16 {
                    0
                } else {
                    segment.saturating_add(1)
                };
                let step = (scaled >> segment.saturating_sub(1)) & 0x0f;
                let sign = if sample < 0 { 0 } else { 0x80 };
                (sign | segment << 4 | step.cast_unsigned(), 0x55)
            }
        };
        u8::try_from(code & 0xff).unwrap_or_default() ^ flip
    }

    /// A coded sample, on 16 bits.
    #[must_use]
    pub fn decode(self, code: u8) -> i16 {
        let (magnitude, is_negative) = match self {
            Self::Mu => {
                let code = !code;
                let (segment, step) = (code >> 4 & 7, i32::from(code & 0x0f));
                let biased = (step.saturating_mul(2).saturating_add(BIAS)) << segment;
                (biased.saturating_sub(BIAS) << 2, code & 0x80 != 0)
            }
            Self::A => {
                let code = code ^ 0x55;
                let (segment, step) = (code >> 4 & 7, i32::from(code & 0x0f));
                let scaled = match segment {
                    0 => step.saturating_mul(2).saturating_add(1),
                    _ => (step.saturating_mul(2).saturating_add(33)) << segment.saturating_sub(1),
                };
                (scaled << 3, code & 0x80 == 0)
            }
        };
        let sample = if is_negative {
            magnitude.saturating_neg()
        } else {
            magnitude
        };
        i16::try_from(sample).unwrap_or(if is_negative { i16::MIN } else { i16::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_recommendation() {
        // Codes of the largest values, and around zero.
        for (law, code, sample) in [
            (Law::Mu, 0x80, 32_124),
            (Law::Mu, 0x00, -32_124),
            (Law::Mu, 0xff, 0),
            (Law::Mu, 0x7f, 0),
            (Law::Mu, 0xf0, 120),
            (Law::Mu, 0xef, 132),
            (Law::A, 0xaa, 32_256),
            (Law::A, 0x2a, -32_256),
            (Law::A, 0xd5, 8),
            (Law::A, 0x55, -8),
            (Law::A, 0xda, 248),
            (Law::A, 0xc5, 264),
        ] {
            assert_eq!(law.decode(code), sample, "{law:?} {code:#x}");
        }
    }

    #[test]
    fn what_is_coded_comes_back_as_near_as_may_be() {
        for law in [Law::Mu, Law::A] {
            for code in 0..=255 {
                let sample = law.decode(code);
                assert_eq!(law.decode(law.encode(sample)), sample, "{law:?} {code:#x}");
            }
            for sample in (i16::MIN..=i16::MAX).step_by(7) {
                let back = i32::from(law.decode(law.encode(sample)));
                let away = (back - i32::from(sample)).abs();
                // Half a step of the segment, and what is cut off at the top.
                let allowed = i32::from(sample).abs() / 16 + 16;
                assert!(away <= allowed.max(16), "{law:?} {sample} {back}");
            }
        }
    }
}
