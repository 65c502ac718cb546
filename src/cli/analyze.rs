//! `analyze`: captures in, a report out.

use std::io::{self, IsTerminal as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
#[cfg(feature = "live")]
use std::sync::{Arc, atomic::AtomicBool};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Analyze;
use super::reporter::{Reporter, Wishes};
use super::{ExitStatus, notices};
#[cfg(feature = "live")]
use crate::capture::filter::Filter;
use crate::capture::{Desk, Follower, Inputs, Notice, PacketSource};
use crate::inspector::{Case, Inspector, Judged, PointInfo};
use crate::link::Decoded;
use crate::packet::Packet;
use crate::pcap::Secrets;

/// Inputs from which on a progress bar is worth its line.
const LARGE: u64 = 32 * 1024 * 1024;

/// Inputs up to which one thread is quicker than two.
const SHORT: u64 = 4 * 1024 * 1024;
/// Threads from which on more would wait.
const MOST: usize = 4;

/// Runs the verb.
pub(super) fn run(args: &Analyze) -> ExitStatus {
    let paths: Vec<PathBuf> = args.files.iter().chain(&args.read).cloned().collect();
    if paths.is_empty() {
        notices::error(
            "no capture is named; `sip-inspect analyze FILE`, or `-` for standard input",
        );
        return ExitStatus::Usage;
    }
    let max_decompressed = args.max_decompressed.saturating_mul(1024 * 1024);
    #[cfg(feature = "live")]
    let enough = match args.follow.then(heed) {
        None => None,
        Some(Ok(enough)) => Some(enough),
        Some(Err(status)) => return status,
    };
    #[cfg(not(feature = "live"))]
    let enough = None;
    let mut inputs = match Inputs::open_as(&paths, max_decompressed, enough.as_ref()) {
        Ok(inputs) => inputs,
        Err((path, error)) => {
            notices::error(&format!("{}: {error}", path.display()));
            return ExitStatus::Input;
        }
    };
    #[cfg(feature = "live")]
    let filter = match args
        .filter
        .as_deref()
        .map(|expression| Filter::compile(expression, &inputs.link_types()))
        .transpose()
    {
        Ok(filter) => filter,
        Err(error) => {
            notices::error(&format!("the capture filter does not compile: {error}"));
            return ExitStatus::Usage;
        }
    };
    let wishes = Wishes {
        line_by_line: enough.is_some(),
        ..Wishes::default()
    };
    let mut reporter = match Reporter::open(&args.report, wishes) {
        Ok(reporter) => reporter,
        Err(status) => return status,
    };
    for name in inputs.names() {
        reporter.inspector.add_file(name.to_owned());
    }
    let mut reading = Reading {
        progress: progress(&inputs, args.report.quiet),
        reporter,
        #[cfg(feature = "live")]
        filter,
        #[cfg(debug_assertions)]
        fault_at: args
            .inject_fault
            .as_deref()
            .and_then(|fault| fault.strip_prefix("panic@frame=")?.parse().ok()),
    };
    let threads = threads(args, &inputs);
    let analysed = if threads > 1 {
        reading.reporter.inspector.leave_cases();
        let desk = Desk::new(inputs);
        let analysed = catch_unwind(AssertUnwindSafe(|| {
            desk.follow(threads - 1, &mut reading);
        }));
        take_back(&mut reading.reporter.inspector, desk);
        analysed
    } else {
        catch_unwind(AssertUnwindSafe(|| {
            inputs.read(&mut reading);
            reading.end(&inputs);
        }))
    };
    if let Some(progress) = &reading.progress {
        progress.finish_and_clear();
    }
    let mut reporter = reading.reporter;
    if analysed.is_err() {
        // What was found before the fault is still told.
        reporter
            .inspector
            .incomplete("an internal error ended the analysis early".to_owned());
    }
    let flushed = catch_unwind(AssertUnwindSafe(|| reporter.finish()));
    if analysed.is_err() || flushed.is_err() {
        notices::error(
            "internal error: please report the line above; what was found before it is written",
        );
        return ExitStatus::Internal;
    }
    reporter.status()
}

/// Files on their way into the report.
struct Reading {
    reporter: Reporter,
    progress: Option<ProgressBar>,
    #[cfg(feature = "live")]
    filter: Option<Filter>,
    /// The frame at which a fault is made, for tests.
    #[cfg(debug_assertions)]
    fault_at: Option<u32>,
}

impl Reading {
    /// Whether a packet is to be looked at.
    #[inline]
    fn passes(&mut self, packet: &Packet<'_>) -> bool {
        #[cfg(feature = "live")]
        if let Some(filter) = &mut self.filter
            && !filter.passes(packet)
        {
            return false;
        }
        #[cfg(debug_assertions)]
        assert!(
            self.fault_at != Some(packet.number),
            "a fault was asked for"
        );
        true
    }
}

impl PacketSource for Reading {
    fn point(&mut self, point: PointInfo) {
        self.reporter.inspector.add_point(point);
    }

    fn secrets(&mut self, secrets: &Secrets) {
        self.reporter.inspector.add_secrets(secrets);
    }

    #[inline]
    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        !self.passes(packet) || self.reporter.packet(packet)
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Damaged { file, error } => {
                if !self.reporter.quiet {
                    notices::warning(&format!("{file}: {error}"));
                }
                self.reporter
                    .inspector
                    .incomplete(format!("{file}: {error}"));
            }
            Notice::Skipped { path, error } => {
                if !self.reporter.quiet {
                    notices::warning(&format!("{}: passed over: {error}", path.display()));
                }
            }
        }
    }

    fn progress(&mut self, octets: u64) {
        if let Some(progress) = &self.progress {
            progress.set_position(octets);
        }
    }
}

impl Follower for Reading {
    #[inline]
    fn decoded(&mut self, packet: &Packet<'_>, decoded: &Decoded<'_>) -> bool {
        !self.passes(packet) || self.reporter.decoded(decoded)
    }

    #[inline]
    fn cases(&self) -> usize {
        self.reporter.inspector.cases()
    }

    fn poll_case(&mut self) -> Option<Case> {
        self.reporter.inspector.poll_case()
    }

    fn settle(&mut self, judged: Judged) {
        self.reporter.inspector.settle(judged);
    }

    fn waiting(&self) -> usize {
        self.reporter.inspector.waiting()
    }

    fn drain(&mut self) {
        self.reporter.drain();
    }

    fn end(&mut self, inputs: &Inputs) {
        for (point, dropped) in inputs.dropped() {
            self.reporter.inspector.set_dropped(point, dropped);
        }
        self.reporter.inspector.finish();
    }

    fn pull(&mut self) -> bool {
        self.reporter.inspector.pull()
    }
}

/// What helpers left is judged, but for what can't be.
fn take_back(inspector: &mut Inspector, desk: Desk) {
    let (judged, left) = desk.leftover();
    judged.into_iter().for_each(|own| inspector.settle(own));
    let own: Vec<Case> = std::iter::from_fn(|| inspector.poll_case()).collect();
    for case in left.into_iter().chain(own) {
        if let Ok(judged) = catch_unwind(AssertUnwindSafe(|| case.judge())) {
            inspector.settle(judged);
        }
    }
    inspector.give_up_cases();
}

/// How many threads are worth while: a short capture is read before a second
/// one has begun, and of a pipe each packet is told as it comes, not when there
/// are as many as are handed over at once.
fn threads(args: &Analyze, inputs: &Inputs) -> usize {
    let is_long = inputs.size().is_some_and(|size| size >= SHORT);
    match args.threads {
        Some(threads) => usize::from(threads.get()),
        None if !is_long => 1,
        None => std::thread::available_parallelism().map_or(1, |own| own.get().min(MOST)),
    }
}

/// What a signal sets: then the files are long enough.
#[cfg(feature = "live")]
fn heed() -> Result<Arc<AtomicBool>, ExitStatus> {
    let enough = Arc::new(AtomicBool::new(false));
    super::signals::heed(&enough).map_err(|error| {
        notices::error(&format!("signals can't be heeded: {error}"));
        ExitStatus::Internal
    })?;
    Ok(enough)
}

fn progress(inputs: &Inputs, quiet: bool) -> Option<ProgressBar> {
    let size = inputs.size().filter(|size| *size >= LARGE)?;
    if quiet || !io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}").ok()?;
    Some(bar.with_style(style))
}
