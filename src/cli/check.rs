//! `check`: diagnostics alone, and an exit status for machines.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use super::args::{CheckArgs, CheckFormat, FailOn};
use super::gathering::{Gatherer, gather};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::capture::Inputs;
use crate::inspector::Config;
use crate::output::verdicts::{CallLine, Verdicts, github, json, junit, ndjson, sarif, text};
use crate::report::{DiagnosticRecord, Record};
use crate::rules::{self, Severity};

/// Runs the verb.
pub(super) fn run(args: &CheckArgs) -> ExitStatus {
    for code in args.select.iter().chain(&args.ignore) {
        if !is_known(code) {
            notices::error(&format!("no rule is {code}; explain --list names all"));
            return ExitStatus::Usage;
        }
    }
    let mut severities = HashMap::new();
    for word in &args.severity {
        let pair = word
            .split_once('=')
            .and_then(|(code, level)| Some((rules::find(code)?.code, Severity::of_name(level)?)));
        let Some((code, severity)) = pair else {
            notices::error(&format!(
                "--severity {word}: expected CODE=error, CODE=warning or CODE=info"
            ));
            return ExitStatus::Usage;
        };
        severities.insert(code, severity);
    }
    let inputs = match Inputs::open(&args.files, 8 * 1024 * 1024 * 1024) {
        Ok(inputs) => inputs,
        Err((path, error)) => {
            notices::error(&format!("{}: {error}", path.display()));
            return ExitStatus::Input;
        }
    };
    let mut verdicts = gather(inputs, Config::default(), Judging::default()).verdicts;
    verdicts.diagnostics.retain_mut(|diagnostic| {
        if let Some(severity) = severities.get(diagnostic.code.as_str()) {
            severity.name().clone_into(&mut diagnostic.severity);
        }
        is_wanted(args, diagnostic)
    });
    let out = BufWriter::new(io::stdout().lock());
    let written = write(args.format, &verdicts, out);
    let status = output_status(written, "standard output");
    if status != ExitStatus::Done {
        return status;
    }
    let calls = verdicts.calls.len() as u64;
    if calls < args.min_calls {
        notices::error(&format!(
            "{calls} calls were found, fewer than the {} that --min-calls asks for",
            args.min_calls
        ));
        return ExitStatus::Failed;
    }
    let limit = match args.fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    let fails = |diagnostic: &DiagnosticRecord| {
        let severity = Severity::of_name(&diagnostic.severity);
        limit.is_some_and(|limit| severity.is_some_and(|severity| severity >= limit))
    };
    if verdicts.diagnostics.iter().any(fails) {
        ExitStatus::Failed
    } else {
        ExitStatus::Done
    }
}

/// Whether a word names a rule, or the beginning of some.
fn is_known(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    rules::CATALOGUE
        .into_iter()
        .any(|rule| !word.is_empty() && rule.code.starts_with(&word))
}

fn is_wanted(args: &CheckArgs, diagnostic: &DiagnosticRecord) -> bool {
    let names = |words: &[String]| {
        words
            .iter()
            .any(|word| diagnostic.code.starts_with(&word.to_ascii_uppercase()))
    };
    (args.select.is_empty() || names(&args.select)) && !names(&args.ignore)
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
}

impl Gatherer for Judging {
    fn record(&mut self, record: Record) {
        match record {
            Record::Call(call) => self.verdicts.calls.push(CallLine {
                id: call.id,
                index: call.index,
                call_id: call.call_id,
                from: call.from_user,
                to: call.to_user,
                outcome: call.outcome,
                root_cause: call.root_cause,
                duration_s: call.duration_ms.map(|ms| ms / 1000.0),
            }),
            Record::Diagnostic(diagnostic) => self.verdicts.diagnostics.push(*diagnostic),
            Record::Summary(summary) => {
                self.verdicts.complete = summary.complete;
                self.verdicts.packets = summary.packets;
            }
            _ => {}
        }
    }
}
