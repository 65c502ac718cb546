//! What many calls have in common.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::rounded;

/// RFC 6076 metrics and more, with the populations they rest on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the RFC's")]
pub struct StatsRecord {
    pub schema: String,
    pub calls: u64,
    pub outcomes: BTreeMap<String, u64>,
    /// RFC 6076, 4.1: from the first REGISTER of an attempt to its 200.
    pub registration_request_delay: Spread,
    /// RFC 6076, 4.2, per cent.
    pub ineffective_registration_attempts: Ratio,
    /// RFC 6076, 4.3.1: from the INVITE to the first response that is neither
    /// 100 nor a failure; challenges included.
    pub session_request_delay_successful: Spread,
    /// RFC 6076, 4.3.2: from the INVITE to its failure.
    pub session_request_delay_failed: Spread,
    /// RFC 6076, 4.4: from the BYE to its answer.
    pub session_disconnect_delay: Spread,
    /// RFC 6076, 4.5: from the answer to the BYE.
    pub session_duration_time: Spread,
    /// RFC 6076, 4.6, per cent: answered, of all but the redirected.
    pub session_establishment_ratio: Ratio,
    /// RFC 6076, 4.7, per cent: answered or 480, 486, 600, 603, of the same.
    pub session_establishment_effectiveness_ratio: Ratio,
    /// RFC 6076, 4.8, per cent: 408, 500, 503, 504 or no answer.
    pub ineffective_session_attempts: Ratio,
    /// RFC 6076, 4.9, per cent: answered and ended by a BYE.
    pub session_completion_ratio: Ratio,
    /// Calls whose first INVITE was not captured: counted nowhere above.
    pub excluded_calls: u64,
    pub requests: BTreeMap<String, u64>,
    pub responses: BTreeMap<String, u64>,
    pub retransmissions: u64,
    /// Streams of calls by codec.
    pub codecs: BTreeMap<String, u64>,
    /// Per cent, over streams of audio.
    pub loss_percent: Spread,
    pub jitter_ms: Spread,
    pub mos: Spread,
    /// Who hears whom, over agreed audio.
    pub audio: BTreeMap<String, u64>,
}

/// How values are spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are plain")]
pub struct Spread {
    /// How many values there are.
    pub count: u64,
    /// Values beyond the first million, which the rest does not rest on.
    pub omitted: u64,
    pub min: Option<f64>,
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
}

impl Spread {
    /// How values are spread, `omitted` of them aside.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places in a list"
    )]
    pub fn of(mut values: Vec<f64>, omitted: u64) -> Self {
        values.sort_by(f64::total_cmp);
        let count = values.len();
        // The nearest rank: a value that was really there.
        let at = |share: f64| {
            let rank = (share * count as f64).ceil() as usize;
            values.get(rank.max(1) - 1).copied()
        };
        Self {
            count: count as u64,
            omitted,
            min: values.first().copied(),
            mean: (count > 0).then(|| rounded(values.iter().sum::<f64>() / count as f64, 3)),
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            max: values.last().copied(),
        }
    }
}

/// A share, with what it is a share of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Ratio {
    /// Per cent; `null` of nothing.
    pub percent: Option<f64>,
    /// What counts.
    pub counted: u64,
    /// Of how many.
    pub of: u64,
}
