//! `check`: diagnostics alone, and an exit status for machines.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::args::{CheckArgs, CheckFormat};
use super::baseline::Baseline;
use super::gathering::{Gatherer, gather};
use super::policy::Policy;
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::capture::Inputs;
use crate::engine::Config as EngineConfig;
use crate::expect::{Expectations, Observed, Unmet};
use crate::inspector::Config;
use crate::output::verdicts::{Verdicts, github, json, junit, ndjson, sarif, text};
use crate::report::{DiagnosticRecord, MessageRecord, Point, Record, StreamRecord, Subject};
use crate::rules::Credential;

/// The code under which unmet expectations are told.
const EXPECT: &str = "EXPECT";

/// Runs the verb.
pub(super) fn run(args: &CheckArgs) -> ExitStatus {
    match check(args) {
        Ok(status) | Err(status) => status,
    }
}

fn check(args: &CheckArgs) -> Result<ExitStatus, ExitStatus> {
    let wrong = |text: String| {
        notices::error(text.trim_end());
        ExitStatus::Usage
    };
    let policy = Policy::of(args).map_err(wrong)?;
    let expectations = args.expect.as_deref().map(expectations).transpose();
    let expectations = expectations.map_err(wrong)?;
    let credentials = args.credentials.as_deref().map(credentials).transpose();
    let credentials = credentials.map_err(wrong)?.unwrap_or_default();
    let baseline = match (&policy.baseline, &args.write_baseline) {
        (Some(path), None) => {
            let read = Baseline::read(path);
            Some(read.map_err(|error| wrong(format!("{}: {error}", path.display())))?)
        }
        _ => None,
    };
    let inputs = Inputs::open(&args.files, 8 * 1024 * 1024 * 1024).map_err(|(path, error)| {
        notices::error(&format!("{}: {error}", path.display()));
        ExitStatus::Input
    })?;
    let config = Config {
        engine: EngineConfig {
            messages: expectations.is_some(),
            keys: args.keys.load()?,
            ..EngineConfig::default()
        },
        profile: policy.profile,
        credentials,
        ..Config::default()
    };
    let mut judged = gather(inputs, config, Judging::default());
    judged.verdicts.arrange();
    let mut found = std::mem::take(&mut judged.verdicts.diagnostics);
    found.retain_mut(|own| {
        let call = judged.verdicts.call_of(own);
        policy.weigh(own, call)
    });
    judged.verdicts.diagnostics = found;
    if let Some(path) = &args.write_baseline {
        let written = Baseline::of(&judged.verdicts).write(path);
        return Ok(output_status(written, &path.display().to_string()));
    }
    if let Some(baseline) = baseline {
        baseline.apply(&mut judged.verdicts);
    }
    let unmet = expectations.map_or_else(Vec::new, |own| judged.unmet(&own));
    let is_met = unmet.is_empty();
    judged.tell(unmet);
    judged.verdicts.sort();
    let verdicts = &judged.verdicts;
    let out = BufWriter::new(io::stdout().lock());
    let status = output_status(write(args.format, verdicts, out), "standard output");
    if status != ExitStatus::Done {
        return Ok(status);
    }
    let calls = verdicts.calls.len() as u64;
    if calls < policy.min_calls {
        notices::error(&format!(
            "{calls} calls were found, fewer than the {} that --min-calls asks for",
            policy.min_calls
        ));
        return Ok(ExitStatus::Failed);
    }
    let fails = |own: &DiagnosticRecord| policy.fails(own);
    if !is_met || verdicts.standing().any(fails) {
        Ok(ExitStatus::Failed)
    } else {
        Ok(ExitStatus::Done)
    }
}

fn expectations(path: &Path) -> Result<Expectations, String> {
    let told = |error: String| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
    Expectations::parse(&text).map_err(told)
}

/// Reads a file of passwords; what is wrong with a line is told without it.
fn credentials(path: &Path) -> Result<Vec<Credential>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(place, line)| {
            Credential::parse(line).ok_or_else(|| {
                format!(
                    "{}: line {}: expected USER:REALM:PASSWORD or USER:REALM:ha1=HEX",
                    path.display(),
                    place + 1
                )
            })
        })
        .collect()
}

fn write(format: CheckFormat, verdicts: &Verdicts, mut out: impl Write) -> io::Result<()> {
    match format {
        CheckFormat::Text => text(verdicts, &mut out),
        CheckFormat::Json => json(verdicts, &mut out),
        CheckFormat::Ndjson => ndjson(verdicts, &mut out),
        CheckFormat::Sarif => sarif(verdicts, &mut out),
        CheckFormat::Junit => junit(verdicts, &mut out),
        CheckFormat::Github => github(verdicts, &mut out),
    }?;
    out.flush()
}

#[derive(Default)]
struct Judging {
    verdicts: Verdicts,
    messages: Vec<MessageRecord>,
    streams: Vec<StreamRecord>,
}

impl Judging {
    fn unmet(&mut self, expectations: &Expectations) -> Vec<Unmet> {
        self.messages.sort_by(|a, b| a.timestamp.cmp(&b.timestamp));
        expectations.unmet(Observed {
            calls: &self.verdicts.calls,
            messages: &self.messages,
            streams: &self.streams,
            diagnostics: &self.verdicts.diagnostics,
        })
    }

    /// Tells what was not as expected like what the rules found.
    fn tell(&mut self, unmet: Vec<Unmet>) {
        for (own, number) in unmet.into_iter().zip(1..) {
            let point = own.frame.map(|(file, frame)| Point {
                file,
                interface: String::new(),
                frames: vec![frame],
                frames_total: 1,
            });
            let subject = own.call_id.clone().unwrap_or_default();
            self.verdicts.diagnostics.push(DiagnosticRecord {
                id: format!("expectation-{number}"),
                code: EXPECT.to_owned(),
                name: "expectation".to_owned(),
                severity: "error".to_owned(),
                rfc: None,
                section: None,
                subject: Subject {
                    kind: "call".to_owned(),
                    id: subject,
                },
                party: None,
                method: None,
                message: format!("{}: {}", own.name, own.message),
                quote: None,
                fix: String::new(),
                caused_by: None,
                call_id: own.call_id,
                suppressed_by: None,
                points: point.into_iter().collect(),
                frames: None,
                confidence: 1.0,
            });
        }
    }
}

impl Gatherer for Judging {
    fn record(&mut self, record: Record) {
        match record {
            Record::Call(call) => self.verdicts.calls.push(*call),
            Record::Message(message) => self.messages.push(*message),
            Record::RtpStream(stream) => self.streams.push(*stream),
            Record::Diagnostic(diagnostic) => self.verdicts.diagnostics.push(*diagnostic),
            Record::Summary(summary) => {
                self.verdicts.complete = summary.complete;
                self.verdicts.packets = summary.packets;
            }
            _ => {}
        }
    }
}
