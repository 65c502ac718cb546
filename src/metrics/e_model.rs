//! The E-model (ITU-T G.107) with the codec values of G.113, appendix I.

/// Transmission rating and mean opinion score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// R, 0 to 100.
    pub r_factor: f64,
    /// Estimated mean opinion score, 1 to 4.5, on the narrow-band scale.
    pub mos: f64,
    /// The codec's equipment impairment without loss.
    pub impairment: f64,
    /// How well the codec bears loss.
    pub robustness: f64,
}

/// R with all defaults of G.107 and no delay.
const R_DEFAULT: f64 = 93.2;

/// The impairment and the robustness of a codec, where G.113 publishes both.
/// For G.711 the receiver is taken to conceal losses (its appendix I).
fn codec(name: &str) -> Option<(f64, f64)> {
    Some(match name.to_ascii_uppercase().as_str() {
        "PCMU" | "PCMA" => (0.0, 25.1),
        // What SDP calls G729 is decoded as G.729A.
        "G729" => (11.0, 19.0),
        "GSM-EFR" => (5.0, 10.0),
        _ => return None,
    })
}

/// The quality of a stream that lost `loss` (0 to 1) of its packets in runs of
/// `mean_burst`; `None` where no value of the codec is published.
///
/// `Ie,eff = Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl)` (G.107, 7.2).
#[must_use]
pub fn quality(codec_name: &str, loss: f64, mean_burst: f64) -> Option<Quality> {
    let (impairment, robustness) = codec(codec_name)?;
    let percent = (loss * 100.0).clamp(0.0, 100.0);
    // Bursts as long as chance alone would make them count as 1.
    let burst_ratio = (mean_burst * (1.0 - loss)).clamp(1.0, 8.0);
    let effective =
        impairment + (95.0 - impairment) * percent / (percent / burst_ratio + robustness);
    let r_factor = (R_DEFAULT - effective).clamp(0.0, 100.0);
    Some(Quality {
        r_factor,
        mos: mos(r_factor),
        impairment,
        robustness,
    })
}

/// G.107, annex B.
fn mos(r: f64) -> f64 {
    if r <= 0.0 {
        1.0
    } else if r >= 100.0 {
        4.5
    } else {
        (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_known_ratings() {
        for (r, expected) in [
            (-1.0, 1.0),
            (0.0, 1.0),
            (50.0, 2.58),
            (60.0, 3.1),
            (70.0, 3.6),
            (80.0, 4.02),
            (90.0, 4.34),
            (93.2, 4.41),
            (100.0, 4.5),
            (101.0, 4.5),
        ] {
            assert!((mos(r) - expected).abs() < 0.006, "{r}: {}", mos(r));
        }
    }

    #[test]
    fn scores_of_codecs_under_loss() {
        let check = |codec, loss, expected: Option<f64>| {
            let mos = quality(codec, loss, 1.0).map(|quality| quality.mos);
            match (mos, expected) {
                (Some(mos), Some(expected)) => {
                    assert!((mos - expected).abs() < 0.006, "{codec} {loss}: {mos}");
                }
                (mos, expected) => assert_eq!(mos, expected, "{codec}"),
            }
        };
        check("PCMU", 0.0, Some(4.41));
        check("pcma", 0.01, Some(4.33));
        check("PCMA", 0.05, Some(3.92));
        check("PCMA", 0.10, Some(3.41));
        check("G729", 0.0, Some(4.10));
        check("G729", 0.02, Some(3.79));
        check("opus", 0.0, None);
        check("iLBC", 0.0, None);
    }

    #[test]
    fn bursts_are_worse_than_scattered_losses() {
        let mos = |burst| quality("PCMU", 0.05, burst).map(|quality| quality.mos);
        assert!(mos(6.0) < mos(2.0));
        assert_eq!(mos(1.0), mos(0.5));
    }
}
