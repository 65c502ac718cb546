//! Packets through the inspector, records into the sink: what every verb that
//! reads packets does.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use super::args::{Format, ReportArgs, Section, Time};
#[cfg(feature = "live")]
use super::sending::Sending;
use super::{ExitStatus, notices};
use crate::engine::Config as EngineConfig;
use crate::engine::limits::Limits;
use crate::filter::{Field, Filter};
use crate::inspector::{Config, Inspector};
use crate::link::{self, Decoded};
use crate::output::Sink;
use crate::output::csv::Csv;
use crate::output::fields::Fields;
use crate::output::json::Json;
use crate::output::ndjson::Ndjson;
use crate::output::table::{Table, TimeStyle};
use crate::packet::Packet;
use crate::report::Record;
use crate::tls::KeyLog;

/// What a verb wants beside what the arguments say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    /// Each message when it comes.
    pub events: bool,
    /// What may be sent on.
    pub forward: bool,
    /// Each line when it is written.
    pub line_by_line: bool,
}

/// One run.
pub(super) struct Reporter {
    pub(super) inspector: Inspector,
    sink: Box<dyn Sink>,
    filter: Option<Filter>,
    out_name: String,
    written: io::Result<()>,
    left: u64,
    #[cfg(feature = "live")]
    pub(super) sending: Option<Sending>,
    pub(super) quiet: bool,
    strict: bool,
    complete: bool,
}

impl Reporter {
    /// Opens the output. With `events`, each message is a line at once.
    ///
    /// # Errors
    ///
    /// The status to exit with, after the error has been told.
    pub(super) fn open(args: &ReportArgs, wishes: Wishes) -> Result<Self, ExitStatus> {
        let Wishes {
            events,
            forward,
            line_by_line,
        } = wishes;
        let filter = args.display_filter.as_deref().map(filter).transpose()?;
        let fields = fields(&args.fields)?;
        let keys = args.keys.load()?;
        let messages = args.messages
            || args.section == Section::Messages
            || filter.as_ref().is_some_and(Filter::is_about_messages)
            || fields.iter().any(|field| field.is_prefixed("messages"));
        let (out, out_name): (Box<dyn Write>, String) = match &args.output {
            None => (Box::new(io::stdout()), "standard output".to_owned()),
            Some(path) => match File::create(path) {
                Ok(file) => (Box::new(file), path.display().to_string()),
                Err(error) => {
                    notices::error(&format!("{}: can't be written: {error}", path.display()));
                    return Err(ExitStatus::Output);
                }
            },
        };
        let out: Box<dyn Write> = if events || line_by_line {
            Box::new(io::LineWriter::new(out))
        } else {
            Box::new(BufWriter::with_capacity(64 * 1024, out))
        };
        Ok(Self {
            inspector: Inspector::new(config(args, events || messages, forward, keys)),
            sink: if fields.is_empty() {
                sink(args, events, messages, out)
            } else {
                Box::new(Fields::new(out, fields))
            },
            filter,
            out_name,
            written: Ok(()),
            left: args.count.unwrap_or(u64::MAX),
            #[cfg(feature = "live")]
            sending: None,
            quiet: args.quiet,
            strict: args.strict,
            complete: true,
        })
    }

    /// Takes a packet. Answers whether more are wanted.
    #[inline]
    pub(super) fn packet(&mut self, packet: &Packet<'_>) -> bool {
        self.decoded(&link::decode(packet))
    }

    /// The same of a packet that is decoded already.
    #[inline]
    pub(super) fn decoded(&mut self, decoded: &Decoded<'_>) -> bool {
        self.inspector.handle_decoded(decoded);
        self.drain();
        self.left -= 1;
        // Without a reader there is nobody to read for.
        self.left > 0 && self.written.is_ok()
    }

    /// Writes the records that are ready.
    #[inline]
    pub(super) fn drain(&mut self) {
        #[cfg(feature = "live")]
        while let Some(forwarded) = self.inspector.poll_forward() {
            if let Some(sending) = &mut self.sending {
                sending.forward(&forwarded);
            }
        }
        while let Some(record) = self.inspector.poll_record() {
            self.write(record);
        }
    }

    fn write(&mut self, record: Record) {
        if let Record::Summary(summary) = &record {
            self.complete = summary.complete;
        }
        #[cfg(feature = "live")]
        if let (Some(sending), Record::RtpStream(stream)) = (&mut self.sending, &record) {
            sending.stream(stream);
        }
        if self.written.is_err() {
            return;
        }
        match &mut self.filter {
            None => self.written = self.sink.record(record),
            Some(filter) => {
                for chosen in filter.choose(record) {
                    if self.written.is_ok() {
                        self.written = self.sink.record(chosen);
                    }
                }
            }
        }
    }

    /// Whether the output still takes anything.
    #[cfg(feature = "live")]
    pub(super) const fn is_writable(&self) -> bool {
        self.written.is_ok()
    }

    /// Ends the inspection and writes all that is left.
    pub(super) fn finish(&mut self) {
        self.inspector.finish();
        self.drain();
        let unjudged = self.filter.as_ref().map_or(0, Filter::unjudged);
        if unjudged > 0 {
            self.complete = false;
            notices::warning(&format!(
                "-Y: {unjudged} records were left out, since their calls had not ended when there was no more room for them"
            ));
        }
        if self.written.is_ok() {
            self.written = self.sink.finish();
        }
    }

    /// How it went.
    pub(super) fn status(self) -> ExitStatus {
        match output_status(self.written, &self.out_name) {
            ExitStatus::Done if self.strict && !self.complete => ExitStatus::Incomplete,
            status => status,
        }
    }
}

fn filter(text: &str) -> Result<Filter, ExitStatus> {
    Filter::parse(text).map_err(|error| {
        notices::error(&format!("-Y: {error}"));
        notices::beneath(text, error.position);
        ExitStatus::Usage
    })
}

fn fields(names: &[String]) -> Result<Vec<Field>, ExitStatus> {
    let find = |name: &String| {
        Field::find(name).map_err(|error| {
            notices::error(&format!("-e: {error}"));
            ExitStatus::Usage
        })
    };
    names.iter().map(find).collect()
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

fn config(args: &ReportArgs, messages: bool, forward: bool, keys: Arc<KeyLog>) -> Config {
    Config {
        engine: EngineConfig {
            limits: Limits::within((args.memory as usize).saturating_mul(1024 * 1024)),
            messages,
            headers: args.headers.iter().take(64).cloned().collect(),
            keys,
            forward,
        },
        transactions: args.transactions,
        show_digits: args.show_digits,
        call: args.call.clone(),
        calls_only: args.calls_only,
        no_rules: args.no_rules,
        profile: args.profile.into(),
        credentials: Vec::new(),
    }
}

fn sink(args: &ReportArgs, events: bool, messages: bool, out: Box<dyn Write>) -> Box<dyn Sink> {
    let format = match (events, args.json) {
        (true, _) => Format::Ndjson,
        (false, true) => Format::Json,
        (false, false) => args.format,
    };
    match format {
        Format::Json => Box::new(Json::new(out, messages)),
        Format::Ndjson => Box::new(Ndjson::new(out)),
        Format::Csv => Box::new(Csv::new(out, args.section.name(), args.csv_raw)),
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
