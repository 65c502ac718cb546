//! What many calls have in common: RFC 6076 and spreads.

use std::collections::BTreeMap;

use crate::report::{Ratio, Record, SCHEMA, Spread, StatsRecord, Summary, rounded};

/// Values of one kind that are kept for percentiles.
const MAX_VALUES: usize = 1_000_000;

/// Gathers records.
#[derive(Debug, Default)]
pub struct Stats {
    calls: u64,
    excluded: u64,
    outcomes: BTreeMap<String, u64>,
    redirected: u64,
    answered: u64,
    effective: u64,
    ineffective: u64,
    completed: u64,
    request_delay: Values,
    failed_delay: Values,
    disconnect_delay: Values,
    durations: Values,
    registration_delay: Values,
    registration_attempts: u64,
    registration_failures: u64,
    codecs: BTreeMap<String, u64>,
    audio: BTreeMap<String, u64>,
    loss: Values,
    jitter: Values,
    mos: Values,
    summary: Option<Box<Summary>>,
}

/// Values of one kind, the first [`MAX_VALUES`] of them.
#[derive(Debug, Default)]
struct Values {
    kept: Vec<f64>,
    omitted: u64,
}

fn keep(values: &mut Values, value: Option<f64>) {
    let Some(value) = value else { return };
    if values.kept.len() < MAX_VALUES {
        values.kept.push(value);
    } else {
        values.omitted += 1;
    }
}

impl Stats {
    /// Takes one record.
    pub fn add(&mut self, record: Record) {
        match record {
            Record::Call(call) => {
                if call.started.is_none() {
                    self.excluded += 1;
                    return;
                }
                self.calls += 1;
                *self.outcomes.entry(call.outcome.clone()).or_default() += 1;
                let answered = call.answered.is_some();
                let status = call.final_status.unwrap_or_default();
                self.redirected += u64::from((300..400).contains(&status));
                self.answered += u64::from(answered);
                self.effective += u64::from(answered || matches!(status, 480 | 486 | 600 | 603));
                let no_answer = call.outcome == "timeout";
                self.ineffective += u64::from(no_answer || matches!(status, 408 | 500 | 503 | 504));
                self.completed += u64::from(call.outcome == "completed");
                if answered {
                    keep(&mut self.request_delay, call.pdd_ms);
                    if call.outcome == "completed" {
                        keep(&mut self.durations, call.talk_ms);
                    }
                } else if status >= 400 && status != 487 {
                    keep(&mut self.failed_delay, call.duration_ms);
                }
                for exchange in &call.exchanges {
                    if exchange.method == "BYE" {
                        keep(&mut self.disconnect_delay, exchange.delay_ms);
                    }
                }
                for media in &call.media {
                    if let Some(audio) = &media.audio {
                        *self.audio.entry(audio.clone()).or_default() += 1;
                    }
                }
            }
            Record::RtpStream(stream) => {
                if stream.call_id.is_none() {
                    return;
                }
                let codec = stream.codec.clone().unwrap_or_else(|| "unknown".to_owned());
                // Names are the sender's choice: only so many are told apart.
                let known = self.codecs.len() < 256 || self.codecs.contains_key(&codec);
                let codec = if known { codec } else { "other".to_owned() };
                *self.codecs.entry(codec).or_default() += 1;
                if stream.payload_kind == "audio" {
                    keep(&mut self.loss, Some(stream.loss_percent));
                    keep(&mut self.jitter, stream.jitter_ms);
                    keep(&mut self.mos, stream.mos);
                }
            }
            Record::Registration(registration) => {
                self.registration_attempts += registration.attempts;
                self.registration_failures += registration.failures;
                keep(&mut self.registration_delay, registration.register_delay_ms);
            }
            Record::Summary(summary) => self.summary = Some(summary),
            _ => {}
        }
    }

    /// What they have in common.
    #[must_use]
    pub fn finish(self) -> StatsRecord {
        let summary = self.summary.as_ref();
        let attempts = self.calls - self.redirected;
        StatsRecord {
            schema: SCHEMA.to_owned(),
            calls: self.calls,
            outcomes: self.outcomes,
            registration_request_delay: spread(self.registration_delay),
            ineffective_registration_attempts: ratio(
                self.registration_failures,
                self.registration_attempts,
            ),
            session_request_delay_successful: spread(self.request_delay),
            session_request_delay_failed: spread(self.failed_delay),
            session_disconnect_delay: spread(self.disconnect_delay),
            session_duration_time: spread(self.durations),
            session_establishment_ratio: ratio(self.answered, attempts),
            session_establishment_effectiveness_ratio: ratio(self.effective, attempts),
            ineffective_session_attempts: ratio(self.ineffective, self.calls),
            session_completion_ratio: ratio(self.completed, self.calls),
            excluded_calls: self.excluded,
            requests: summary
                .map(|summary| summary.requests.clone())
                .unwrap_or_default(),
            responses: summary
                .map(|summary| summary.responses.clone())
                .unwrap_or_default(),
            retransmissions: summary.map_or(0, |summary| summary.retransmissions),
            codecs: self.codecs,
            loss_percent: spread(self.loss),
            jitter_ms: spread(self.jitter),
            mos: spread(self.mos),
            audio: self.audio,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn ratio(counted: u64, of: u64) -> Ratio {
    Ratio {
        percent: (of > 0).then(|| rounded(counted as f64 * 100.0 / of as f64, 2)),
        counted,
        of,
    }
}

fn spread(values: Values) -> Spread {
    Spread::of(values.kept, values.omitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_name_values_that_were_there() {
        let of = |values: Vec<f64>| {
            let mut kept = Values::default();
            for value in values {
                keep(&mut kept, Some(value));
            }
            spread(kept)
        };
        assert_eq!(of(Vec::new()), Spread::default());
        let one = of(vec![7.0]);
        assert_eq!(
            (one.p50, one.p99, one.mean),
            (Some(7.0), Some(7.0), Some(7.0))
        );
        let hundred = of((1..=100).rev().map(f64::from).collect());
        assert_eq!(
            (hundred.p50, hundred.p95, hundred.p99, hundred.max),
            (Some(50.0), Some(95.0), Some(99.0), Some(100.0))
        );
        let full = of(vec![1.0; MAX_VALUES]);
        assert_eq!((full.count, full.omitted), (MAX_VALUES as u64, 0));
        let over = of(vec![1.0; MAX_VALUES + 1]);
        assert_eq!((over.count, over.omitted), (MAX_VALUES as u64, 1));
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert_eq!(ratio(0, 0).percent, None);
        assert_eq!(ratio(1, 3).percent, Some(33.33));
    }
}
