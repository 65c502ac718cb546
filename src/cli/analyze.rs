//! `analyze`: captures in, a report out.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{Analyze, Format, Section, Time};
use super::{ExitStatus, notices};
#[cfg(feature = "live")]
use crate::capture::filter::Filter;
use crate::capture::{CaptureFile, Inputs, Notice, PacketSource};
use crate::engine::Config as EngineConfig;
use crate::engine::limits::Limits;
use crate::inspector::{Config, Inspector, PointInfo};
use crate::output::Sink;
use crate::output::csv::{Csv, Section as CsvSection};
use crate::output::json::Json;
use crate::output::ndjson::Ndjson;
use crate::output::table::{Table, TimeStyle};
use crate::packet::{CapturePoint, Packet};

/// Inputs from which on a progress bar is worth its line.
const LARGE: u64 = 32 * 1024 * 1024;

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
    let inputs = match Inputs::open(&paths, max_decompressed) {
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
    let (out, out_name): (Box<dyn Write>, String) = match &args.output {
        None => (Box::new(io::stdout()), "standard output".to_owned()),
        Some(path) => match File::create(path) {
            Ok(file) => (Box::new(file), path.display().to_string()),
            Err(error) => {
                notices::error(&format!("{}: can't be written: {error}", path.display()));
                return ExitStatus::Output;
            }
        },
    };
    let mut run = Run {
        inspector: Inspector::new(config(args)),
        sink: sink(args, BufWriter::with_capacity(64 * 1024, out)),
        written: Ok(()),
        left: args.count.unwrap_or(u64::MAX),
        quiet: args.quiet,
        damaged: false,
        progress: progress(&inputs, args.quiet),
        #[cfg(feature = "live")]
        filter,
        #[cfg(debug_assertions)]
        fault_at: args
            .inject_fault
            .as_deref()
            .and_then(|fault| fault.strip_prefix("panic@frame=")?.parse().ok()),
    };
    for name in inputs.names() {
        run.inspector.add_file(name.to_owned());
    }
    let analysed = catch_unwind(AssertUnwindSafe(|| {
        let files = inputs.read(&mut run);
        for (file, points) in files {
            for (interface, point) in file.interfaces().iter().zip(points) {
                if let (Some(dropped), Some(point)) = (interface.dropped, point) {
                    run.inspector.set_dropped(point, dropped);
                }
            }
        }
    }));
    if let Some(progress) = &run.progress {
        progress.finish_and_clear();
    }
    if analysed.is_err() {
        // What was found before the fault is still told.
        run.inspector
            .incomplete("an internal error ended the analysis early".to_owned());
    }
    let flushed = catch_unwind(AssertUnwindSafe(|| run.finish()));
    let Ok(complete) = flushed else {
        return ExitStatus::Internal;
    };
    if analysed.is_err() {
        notices::error(
            "internal error: please report the line above; what was found before it is written",
        );
        return ExitStatus::Internal;
    }
    match output_status(run.written, &out_name) {
        ExitStatus::Done if args.strict && !complete => ExitStatus::Incomplete,
        status => status,
    }
}

/// What becomes of writing: a reader that went away is no fault.
pub(super) fn output_status(written: io::Result<()>, name: &str) -> ExitStatus {
    match written {
        Ok(()) => ExitStatus::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitStatus::Done,
        Err(error) => {
            notices::error(&format!("{name}: not written whole: {error}"));
            ExitStatus::Output
        }
    }
}

/// One run: packets through the inspector, records into the sink.
struct Run {
    inspector: Inspector,
    sink: Box<dyn Sink>,
    written: io::Result<()>,
    left: u64,
    quiet: bool,
    damaged: bool,
    progress: Option<ProgressBar>,
    #[cfg(feature = "live")]
    filter: Option<Filter>,
    /// The frame at which a fault is made, for tests.
    #[cfg(debug_assertions)]
    fault_at: Option<u32>,
}

impl Run {
    #[inline]
    fn drain(&mut self) {
        while let Some(record) = self.inspector.poll_record() {
            if self.written.is_ok() {
                self.written = self.sink.record(record);
            }
        }
    }

    /// Ends the run; says whether the results are complete.
    fn finish(&mut self) -> bool {
        self.inspector.finish();
        let mut complete = !self.damaged;
        while let Some(record) = self.inspector.poll_record() {
            if let crate::report::Record::Summary(summary) = &record {
                complete &= summary.complete;
            }
            if self.written.is_ok() {
                self.written = self.sink.record(record);
            }
        }
        if self.written.is_ok() {
            self.written = self.sink.finish();
        }
        complete
    }
}

impl PacketSource for Run {
    fn point(&mut self, file: &CaptureFile, number: usize) -> CapturePoint {
        let interface = file.interfaces().get(number);
        let name = interface.and_then(|interface| interface.name.clone());
        self.inspector.add_point(PointInfo {
            file: file.name().to_owned(),
            interface: name.unwrap_or_else(|| format!("if{number}")),
            link_type: interface.map_or(crate::packet::LinkType(u32::MAX), |interface| {
                interface.link_type
            }),
            digits: interface.map_or(9, |interface| interface.digits),
            dropped: None,
        })
    }

    #[inline]
    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        #[cfg(feature = "live")]
        if let Some(filter) = &mut self.filter
            && !filter.passes(packet)
        {
            return true;
        }
        #[cfg(debug_assertions)]
        assert!(
            self.fault_at != Some(packet.number),
            "a fault was asked for"
        );
        self.inspector.handle(packet);
        self.drain();
        self.left -= 1;
        // Without a reader there is nobody to read for.
        self.left > 0 && self.written.is_ok()
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Damaged { file, error } => {
                self.damaged = true;
                if !self.quiet {
                    notices::warning(&format!("{file}: {error}"));
                }
                self.inspector.incomplete(format!("{file}: {error}"));
            }
            Notice::Skipped { path, error } => {
                if !self.quiet {
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

fn config(args: &Analyze) -> Config {
    Config {
        engine: EngineConfig {
            limits: Limits::within((args.memory as usize).saturating_mul(1024 * 1024)),
            messages: args.messages || args.section == Section::Messages,
            headers: args.headers.iter().take(64).cloned().collect(),
        },
        transactions: args.transactions,
        show_digits: args.show_digits,
        call: args.call.clone(),
        calls_only: args.calls_only,
    }
}

fn sink(args: &Analyze, out: BufWriter<Box<dyn Write>>) -> Box<dyn Sink> {
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Json => Box::new(Json::new(out, args.messages)),
        Format::Ndjson => Box::new(Ndjson::new(out)),
        Format::Csv => {
            let section = match args.section {
                Section::Calls => CsvSection::Calls,
                Section::RtpStreams => CsvSection::RtpStreams,
                Section::Transactions => CsvSection::Transactions,
                Section::Registrations => CsvSection::Registrations,
                Section::StunExchanges => CsvSection::StunExchanges,
                Section::Messages => CsvSection::Messages,
            };
            Box::new(Csv::new(out, section, args.csv_raw))
        }
        Format::Table => {
            let time = match args.time {
                Time::Utc => TimeStyle::Utc,
                Time::Local => TimeStyle::Local,
                Time::Relative => TimeStyle::Relative,
                Time::Delta => TimeStyle::Delta,
            };
            Box::new(Table::new(out, time))
        }
    }
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
