//! What a test expects of the calls in a capture, and whether it came so.
//!
//! An expectation file is TOML; each `[[expect]]` names calls and says how they
//! must have gone. Nothing here reads files or knows the wire.

mod flow;

use serde::Deserialize;

use self::flow::{Flow, Step};
use crate::report::{CallRecord, DiagnosticRecord, MessageRecord, StreamRecord};
use crate::rules::Severity;

/// What is expected, as the file says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// One after the other; each stands for itself.
    #[serde(default)]
    pub expect: Vec<Expectation>,
}

/// How some calls must have gone. What is not said is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Expectation {
    /// How it is spoken of.
    pub name: Option<String>,
    /// The caller's user.
    pub from: Option<String>,
    /// The callee's user.
    pub to: Option<String>,
    /// At least so many such calls; 1 unless said otherwise.
    pub calls: Option<usize>,
    /// Messages from end to end, in order.
    pub flow: Option<Flow>,
    /// One of these outcomes.
    pub outcome: Vec<String>,
    /// Milliseconds to the first sign of ringing, at most.
    pub pdd_ms: Option<f64>,
    /// Milliseconds to the answer, at most.
    pub answer_ms: Option<f64>,
    /// Milliseconds of talk, at least.
    pub talk_ms: Option<f64>,
    /// Who may end it.
    pub ended_by: Vec<String>,
    /// The audio.
    pub audio: Option<AudioExpectation>,
    /// The worst severity of a finding.
    pub worst: Option<String>,
    /// Rules that may not have found anything.
    pub without: Vec<String>,
    /// Rules that must have found something.
    pub with: Vec<String>,
}

/// What must have been heard.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AudioExpectation {
    /// `both`, `to-caller`, `to-callee` or `none`.
    pub direction: Option<String>,
    /// Packets each way that is expected, at least.
    pub packets: u64,
    /// One of these codecs.
    pub codecs: Vec<String>,
    /// Loss in percent, at most.
    pub loss_percent: Option<f64>,
    /// Mean jitter in milliseconds, at most.
    pub jitter_ms: Option<f64>,
    /// Mean opinion score, at least.
    pub mos: Option<f64>,
    /// Digits that were sent as events, in order.
    pub dtmf: Option<String>,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The expectation.
    pub name: String,
    /// The call, by its Call-ID; `None` if there is no such call.
    pub call_id: Option<String>,
    /// What was expected and what came instead.
    pub message: String,
    /// The frame where it went another way.
    pub frame: Option<(String, u32)>,
}

/// All that is known of the calls.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'r> {
    /// The calls.
    pub calls: &'r [CallRecord],
    /// Their messages.
    pub messages: &'r [MessageRecord],
    /// Their streams.
    pub streams: &'r [StreamRecord],
    /// What was found.
    pub diagnostics: &'r [DiagnosticRecord],
}

impl Expectations {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for expectation in &read.expect {
            expectation.validate()?;
        }
        if read.expect.is_empty() {
            return Err("it expects nothing: there is no [[expect]]".to_owned());
        }
        Ok(read)
    }

    /// What was not met.
    #[must_use]
    pub fn unmet(&self, observed: Observed<'_>) -> Vec<Unmet> {
        let all = self.expect.iter().enumerate();
        all.flat_map(|(place, expectation)| expectation.unmet(place + 1, observed))
            .collect()
    }
}

impl Expectation {
    fn validate(&self) -> Result<(), String> {
        let known = |word: &str, of: &[&str], what: &str| match of.contains(&word) {
            true => Ok(()),
            false => Err(format!(
                "{what} {word:?}: expected one of {}",
                of.join(", ")
            )),
        };
        for outcome in &self.outcome {
            const OUTCOMES: [&str; 10] = [
                "established",
                "completed",
                "cancelled",
                "busy",
                "declined",
                "redirected",
                "rejected",
                "failed",
                "timeout",
                "incomplete",
            ];
            known(outcome, &OUTCOMES, "outcome")?;
        }
        for side in &self.ended_by {
            known(side, &["caller", "callee", "proxy"], "ended-by")?;
        }
        if let Some(worst) = &self.worst {
            known(worst, &["error", "warning", "info", "none"], "worst")?;
        }
        if let Some(direction) = self.audio.as_ref().and_then(|own| own.direction.as_ref()) {
            known(
                direction,
                &["both", "to-caller", "to-callee", "none"],
                "direction",
            )?;
        }
        for code in self.without.iter().chain(&self.with) {
            if crate::rules::find(code).is_none() {
                return Err(format!("no rule is {code}; explain --list names all"));
            }
        }
        Ok(())
    }

    fn unmet(&self, place: usize, observed: Observed<'_>) -> Vec<Unmet> {
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| format!("expectation {place}"));
        let is = |wanted: &Option<String>, user: &Option<String>| {
            wanted.is_none() || wanted.as_deref() == user.as_deref()
        };
        let meant: Vec<&CallRecord> = observed
            .calls
            .iter()
            .filter(|call| is(&self.from, &call.from_user) && is(&self.to, &call.to_user))
            .collect();
        let mut unmet = Vec::new();
        let least = self.calls.unwrap_or(1);
        if meant.len() < least {
            let whose = match (&self.from, &self.to) {
                (None, None) => String::new(),
                (from, to) => format!(
                    " from {} to {}",
                    from.as_deref().unwrap_or("anybody"),
                    to.as_deref().unwrap_or("anybody")
                ),
            };
            unmet.push(Unmet {
                name: name.clone(),
                call_id: None,
                message: format!(
                    "expected at least {least} calls{whose}, found {}",
                    meant.len()
                ),
                frame: None,
            });
        }
        for call in meant {
            for (message, frame) in self.faults(call, observed) {
                unmet.push(Unmet {
                    name: name.clone(),
                    call_id: Some(call.call_id.clone()),
                    message,
                    frame,
                });
            }
        }
        unmet
    }

    /// What of one call is not as expected.
    fn faults(&self, call: &CallRecord, observed: Observed<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(flow) = &self.flow {
            let mut steps: Vec<Step<'_>> = Vec::new();
            for message in observed.messages {
                if message.call_id.as_deref() == Some(call.call_id.as_str()) {
                    steps.extend(Step::of(message, &steps));
                }
            }
            faults.extend(flow.fault(&steps));
        }
        let mut say = |text: String| faults.push((text, None));
        if !self.outcome.is_empty() && !self.outcome.contains(&call.outcome) {
            say(format!(
                "expected the outcome {}, it is {}",
                self.outcome.join(" or "),
                call.outcome
            ));
        }
        let most = [
            ("post-dial delay", self.pdd_ms, call.pdd_ms),
            ("time to the answer", self.answer_ms, call.answer_delay_ms),
        ];
        for (what, limit, own) in most {
            let Some(limit) = limit else { continue };
            match own {
                Some(own) if own <= limit => {}
                Some(own) => say(format!(
                    "expected a {what} of at most {limit} ms, it is {own} ms"
                )),
                None => say(format!(
                    "expected a {what} of at most {limit} ms, there is none"
                )),
            }
        }
        if let Some(least) = self.talk_ms
            && call.talk_ms.is_none_or(|own| own < least)
        {
            let own = call.talk_ms.map_or_else(
                || "there was none".to_owned(),
                |own| format!("it is {own} ms"),
            );
            say(format!("expected at least {least} ms of talk, {own}"));
        }
        let by = call.ended_by.clone().unwrap_or_else(|| "nobody".to_owned());
        if !self.ended_by.is_empty() && !self.ended_by.contains(&by) {
            say(format!(
                "expected the end by {}, it was by {by}",
                self.ended_by.join(" or ")
            ));
        }
        if let Some(audio) = &self.audio {
            faults.extend(audio.faults(call, observed.streams));
        }
        faults.extend(self.findings(call, observed.diagnostics));
        faults
    }

    fn findings(&self, call: &CallRecord, all: &[DiagnosticRecord]) -> Vec<Fault> {
        let own = |own: &&DiagnosticRecord| {
            own.call_id.as_deref() == Some(call.call_id.as_str()) && own.suppressed_by.is_none()
        };
        let worst = self.worst.as_deref();
        let mut faults = Vec::new();
        for finding in all.iter().filter(own) {
            let severity = Severity::of_name(&finding.severity);
            let too_bad = worst.is_some_and(|worst| severity > Severity::of_name(worst));
            let forbidden = self
                .without
                .iter()
                .any(|code| code.eq_ignore_ascii_case(&finding.code));
            if too_bad || forbidden {
                let place = finding.points.first();
                let frame =
                    place.and_then(|point| Some((point.file.clone(), *point.frames.first()?)));
                faults.push((
                    format!(
                        "found {} ({}): {}",
                        finding.code, finding.severity, finding.message
                    ),
                    frame,
                ));
            }
        }
        for code in &self.with {
            if !all
                .iter()
                .filter(own)
                .any(|own| code.eq_ignore_ascii_case(&own.code))
            {
                faults.push((
                    format!("expected {code} to find something, it did not"),
                    None,
                ));
            }
        }
        faults
    }
}

/// What is not as expected, and where.
type Fault = (String, Option<(String, u32)>);

impl AudioExpectation {
    fn faults(&self, call: &CallRecord, streams: &[StreamRecord]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut say = |text: String| faults.push((text, None));
        let wanted = self.direction.as_deref().unwrap_or("both");
        // The one that says most of each direction: at several capture points
        // there are several.
        let stream = |direction: &str| {
            let own = streams.iter().filter(|stream| {
                stream.call_id.as_deref() == Some(call.call_id.as_str())
                    && stream.direction.as_deref() == Some(direction)
            });
            own.max_by_key(|stream| stream.packets)
        };
        for direction in ["to-caller", "to-callee"] {
            let is_wanted = wanted == "both" || wanted == direction;
            let Some(stream) = stream(direction) else {
                if is_wanted {
                    say(format!("expected media {direction}, there are none"));
                }
                continue;
            };
            if !is_wanted {
                say(format!(
                    "expected no media {direction}, there are {} packets",
                    stream.packets
                ));
                continue;
            }
            if stream.packets < self.packets {
                say(format!(
                    "expected at least {} packets {direction}, there are {}",
                    self.packets, stream.packets
                ));
            }
            let codec = stream.codec.as_deref().unwrap_or("unknown");
            let name = codec.split('/').next().unwrap_or(codec);
            if !self.codecs.is_empty()
                && !self.codecs.iter().any(|own| own.eq_ignore_ascii_case(name))
            {
                say(format!(
                    "expected {} {direction}, it is {codec}",
                    self.codecs.join(" or ")
                ));
            }
            if let Some(limit) = self
                .loss_percent
                .filter(|limit| stream.loss_percent > *limit)
            {
                say(format!(
                    "expected at most {limit} % loss {direction}, it is {} %",
                    stream.loss_percent
                ));
            }
            let jitter = stream.jitter_ms.unwrap_or(f64::MAX);
            if let Some(limit) = self.jitter_ms.filter(|limit| jitter > *limit) {
                say(format!(
                    "expected at most {limit} ms of jitter {direction}, it is {}",
                    told(stream.jitter_ms, " ms")
                ));
            }
            let mos = stream.mos.unwrap_or(0.0);
            if let Some(limit) = self.mos.filter(|limit| mos < *limit) {
                say(format!(
                    "expected a MOS of at least {limit} {direction}, it is {}",
                    told(stream.mos, "")
                ));
            }
        }
        if let Some(digits) = &self.dtmf {
            let sent: Vec<&str> = ["to-caller", "to-callee"]
                .into_iter()
                .filter_map(stream)
                .map(|stream| stream.dtmf.as_str())
                .collect();
            if !sent.contains(&digits.as_str()) {
                say(format!(
                    "expected the digits {digits}, sent were {:?}",
                    sent.join(" ")
                ));
            }
        }
        faults
    }
}

fn told(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value}{unit}"))
}
