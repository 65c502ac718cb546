//! `flow`: the ladder of a call.

use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::args::{Flow, FlowFormat};
use super::gathering::{Gatherer, chosen, gather, tied};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::capture::Inputs;
use crate::engine::Config as EngineConfig;
use crate::inspector::Config;
use crate::output::escape::terminal;
use crate::output::findings::Findings;
use crate::output::ladder::{Ladder, Story, arrange, svg, text};
use crate::report::{
    CallRecord, DiagnosticRecord, MessageRecord, NatMappingRecord, Record, StreamRecord,
    TransactionRecord,
};

/// Without a choice, as many calls are drawn; more are listed.
const MAX_DRAWN: usize = 5;
/// Messages that are held for drawing.
const MAX_MESSAGES: usize = 1_000_000;

/// Runs the verb.
pub(super) fn run(args: &Flow) -> ExitStatus {
    // The last word is a call if it names no file.
    let mut paths: Vec<PathBuf> = args.files.clone();
    let mut wanted = args.call.clone();
    if wanted.is_none()
        && paths.len() > 1
        && let Some(last) = paths.last()
        && !last.exists()
        && last.as_os_str() != "-"
    {
        wanted = last.to_str().map(str::to_owned);
        paths.pop();
    }
    let keys = match args.keys.load() {
        Ok(keys) => keys,
        Err(status) => return status,
    };
    let inputs = match Inputs::open(&paths, 8 * 1024 * 1024 * 1024) {
        Ok(inputs) => inputs,
        Err((path, error)) => {
            notices::error(&format!("{}: {error}", path.display()));
            return ExitStatus::Input;
        }
    };
    let config = Config {
        engine: EngineConfig {
            messages: true,
            keys,
            ..EngineConfig::default()
        },
        show_digits: args.show_digits,
        calls_only: true,
        transactions: true,
        ..Config::default()
    };
    let Drawn {
        mut calls,
        mut messages,
        streams,
        transactions,
        findings,
        nats,
    } = gather(inputs, config, Drawn::default());
    calls.sort_by_key(|call| call.index);
    messages.sort_by(|a, b| a.timestamp.cmp(&b.timestamp));
    let chosen = match chosen(&calls, wanted.as_deref()) {
        Ok(chosen) => chosen,
        Err(status) => return status,
    };
    if wanted.is_none() && chosen.len() > MAX_DRAWN {
        return list(&chosen);
    }
    let mut drawn: Vec<&str> = Vec::new();
    let mut ladders: Vec<Ladder> = Vec::new();
    let mut beneath: Vec<Vec<u8>> = Vec::new();
    for call in chosen {
        if drawn.contains(&call.call_id.as_str()) {
            continue;
        }
        let group = tied(call, &calls);
        drawn.extend(group.iter().map(|call| call.call_id.as_str()));
        ladders.push(arrange(Story {
            calls: &group,
            messages: &messages,
            streams: &streams,
            transactions: &transactions,
            findings: &findings,
            nats: &nats,
        }));
        beneath.push(told(&group, &findings));
    }
    let written = match args.format {
        FlowFormat::Text => print(&ladders, &beneath),
        FlowFormat::Svg => {
            let mut out = io::stdout().lock();
            ladders
                .iter()
                .take(1)
                .try_for_each(|ladder| svg::draw(ladder, &mut out))
                .and_then(|()| out.flush())
        }
        FlowFormat::Html => {
            let mut out = io::stdout().lock();
            svg::page(&ladders, &mut out).and_then(|()| out.flush())
        }
    };
    output_status(written, "standard output")
}

/// What was found in calls that belong together, root first.
fn told(calls: &[&CallRecord], findings: &[DiagnosticRecord]) -> Vec<u8> {
    let index_of = |call_id: &str| {
        let mut calls = calls.iter();
        Some(calls.find(|call| call.call_id == call_id)?.index)
    };
    let mut own = Findings::default();
    for finding in findings {
        if finding.call_id.as_deref().and_then(index_of).is_some() {
            own.push(finding);
        }
    }
    let roots: Vec<String> = calls
        .iter()
        .filter_map(|call| call.root_cause.clone())
        .collect();
    let mut out = Vec::new();
    // A vector takes all.
    let _ = own.write(&mut out, &roots, index_of);
    out
}

fn list(calls: &[&CallRecord]) -> ExitStatus {
    let mut out = io::stdout().lock();
    let written = calls
        .iter()
        .try_for_each(|call| {
            let user =
                |user: &Option<String>| terminal(user.as_deref().unwrap_or("?")).into_owned();
            writeln!(
                out,
                "{:>5}  {} -> {}  {}  {}",
                call.index,
                user(&call.from_user),
                user(&call.to_user),
                call.outcome,
                terminal(&call.call_id)
            )
        })
        .and_then(|()| {
            writeln!(
                out,
                "{} calls; name one to draw it: flow FILE #",
                calls.len()
            )
        })
        .and_then(|()| out.flush());
    output_status(written, "standard output")
}

/// Prints the ladders, through a pager on a terminal.
fn print(ladders: &[Ladder], beneath: &[Vec<u8>]) -> io::Result<()> {
    let stdout = io::stdout();
    let width = comfy_table::Table::new()
        .width()
        .map_or(120, usize::from)
        .max(60);
    let draw = |out: &mut dyn Write| -> io::Result<()> {
        let mut out = out;
        for (number, (ladder, findings)) in ladders.iter().zip(beneath).enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            text::draw(ladder, &mut out, width)?;
            out.write_all(findings)?;
        }
        out.flush()
    };
    if !stdout.is_terminal() {
        return draw(&mut stdout.lock());
    }
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less -R -F -X -S".to_owned());
    let mut words = pager.split_whitespace();
    let spawned = words.next().map(|program| {
        Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .spawn()
    });
    match spawned {
        Some(Ok(mut child)) => {
            if let Some(mut stdin) = child.stdin.take() {
                // Who leaves the pager early has seen enough.
                let _ = draw(&mut stdin);
            }
            child.wait().map(drop)
        }
        _ => draw(&mut stdout.lock()),
    }
}

/// Everything that a ladder may need, in memory.
#[derive(Default)]
struct Drawn {
    calls: Vec<CallRecord>,
    messages: Vec<MessageRecord>,
    streams: Vec<StreamRecord>,
    /// Those that met an ICMP error.
    transactions: Vec<TransactionRecord>,
    findings: Vec<DiagnosticRecord>,
    nats: Vec<NatMappingRecord>,
}

impl Gatherer for Drawn {
    fn record(&mut self, record: Record) {
        match record {
            Record::Call(call) => self.calls.push(*call),
            Record::Message(message) if self.messages.len() < MAX_MESSAGES => {
                self.messages.push(*message);
            }
            Record::RtpStream(stream) => self.streams.push(*stream),
            Record::Diagnostic(finding) => self.findings.push(*finding),
            Record::NatMapping(row) => self.nats.push(*row),
            Record::Transaction(transaction) if transaction.icmp.is_some() => {
                self.transactions.push(*transaction);
            }
            _ => {}
        }
    }
}
