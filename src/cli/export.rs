//! `export`: one call or stream out of a capture.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::args::ExportPcap;
use super::gathering::{Gatherer, chosen, gather, tied};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::capture::{Inputs, Notice, PacketSource};
use crate::engine::Config as EngineConfig;
use crate::inspector::selection::Selection;
use crate::inspector::{Config, PointInfo};
use crate::packet::{Packet, PacketRef};
use crate::pcap::{self, PcapNgWriter, Secrets};
use crate::report::{CallRecord, Record, StreamRecord};

/// Octets that compressed input may decompress to.
const MAX_DECOMPRESSED: u64 = 8 * 1024 * 1024 * 1024;

/// Runs the verb. The input is read three times: to find the call, to find its
/// packets (a fragment is known to belong only with the last one), and to write
/// them in their order.
pub(super) fn pcap(args: &ExportPcap) -> ExitStatus {
    if args.files.iter().any(|path| path.as_os_str() == "-") {
        notices::error("standard input can be read only once: name a file");
        return ExitStatus::Usage;
    }
    match export(args) {
        Ok(status) | Err(status) => status,
    }
}

fn open(paths: &[PathBuf]) -> Result<Inputs, ExitStatus> {
    Inputs::open(paths, MAX_DECOMPRESSED).map_err(|(path, error)| {
        notices::error(&format!("{}: {error}", path.display()));
        ExitStatus::Input
    })
}

fn export(args: &ExportPcap) -> Result<ExitStatus, ExitStatus> {
    let config = Config {
        transactions: true,
        engine: EngineConfig {
            keys: args.keys.load()?,
            ..EngineConfig::default()
        },
        ..Config::default()
    };
    let mut found = gather(open(&args.files)?, config, Found::default());
    found.calls.sort_by_key(|call| call.index);
    let mut selection = match &args.stream {
        Some(wanted) => {
            let stream = found.streams.iter().find(|stream| stream.id == *wanted);
            let Some(stream) = stream else {
                notices::error(&format!("no stream is {wanted}: `analyze` lists their ids"));
                return Err(ExitStatus::Failed);
            };
            let mut selection = Selection::new([]);
            selection.stream(stream);
            selection
        }
        None => {
            let calls = chosen(&found.calls, args.call.as_deref())?;
            let legs = calls.iter().flat_map(|call| tied(call, &found.calls));
            let mut selection = Selection::new(legs.map(|call| call.call_id.clone()));
            for record in &found.rest {
                selection.learn(record);
            }
            for stream in found.streams {
                selection.learn(&Record::RtpStream(Box::new(stream)));
            }
            selection
        }
    };
    let mut picking = Picking {
        selection: &mut selection,
        points: Vec::new(),
        picked: Vec::new(),
    };
    open(&args.files)?.read(&mut picking);
    let Picking {
        points, mut picked, ..
    } = picking;
    picked.sort_unstable_by_key(|at| (at.file, at.capture_point, at.number));
    picked.dedup();
    if selection.lost() > 0 {
        notices::warning(&format!(
            "{} fragments were left out: too many packets in fragments at once",
            selection.lost()
        ));
    }
    let name = args.write.display().to_string();
    let written = write(args, &points, &picked);
    let status = output_status(written, &name);
    if status == ExitStatus::Done && args.write.as_os_str() != "-" {
        notices::notice(&format!("{} packets in {name}", picked.len()));
    }
    Ok(status)
}

fn write(args: &ExportPcap, points: &[PointInfo], picked: &[PacketRef]) -> io::Result<()> {
    let out: Box<dyn Write> = if args.write.as_os_str() == "-" {
        Box::new(io::stdout().lock())
    } else {
        Box::new(File::create(&args.write)?)
    };
    let interfaces: Vec<_> = points
        .iter()
        .map(|point| (point.interface.as_str(), point.link_type))
        .collect();
    let mut writing = Writing {
        picked,
        writer: PcapNgWriter::new(BufWriter::new(out), &interfaces)?,
        written: Ok(()),
        strip_secrets: args.strip_secrets,
    };
    for path in args.keys.keylog.iter().filter(|_| !args.strip_secrets) {
        writing
            .writer
            .secrets(pcap::TLS_KEY_LOG, &std::fs::read(path)?)?;
    }
    let mut inputs = Inputs::open(&args.files, MAX_DECOMPRESSED)
        .map_err(|(path, error)| io::Error::other(format!("{}: {error}", path.display())))?;
    inputs.read(&mut writing);
    writing.written?;
    writing.writer.finish().map(drop)
}

/// What a selection is made from.
#[derive(Default)]
struct Found {
    calls: Vec<CallRecord>,
    streams: Vec<StreamRecord>,
    rest: Vec<Record>,
}

impl Gatherer for Found {
    fn record(&mut self, record: Record) {
        match record {
            Record::Call(call) => self.calls.push(*call),
            Record::RtpStream(stream) => self.streams.push(*stream),
            record if record.call_id().is_some() => self.rest.push(record),
            _ => {}
        }
    }
}

/// The second reading: which packets.
struct Picking<'s> {
    selection: &'s mut Selection,
    points: Vec<PointInfo>,
    picked: Vec<PacketRef>,
}

impl PacketSource for Picking<'_> {
    fn point(&mut self, point: PointInfo) {
        self.points.push(point);
    }

    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        self.picked.extend(self.selection.choose(packet));
        true
    }

    // The first reading has told them.
    fn notice(&mut self, _notice: &Notice) {}

    fn progress(&mut self, _octets: u64) {}
}

/// The third reading: the packets themselves.
struct Writing<'p, W: Write> {
    picked: &'p [PacketRef],
    writer: PcapNgWriter<W>,
    written: io::Result<()>,
    strip_secrets: bool,
}

impl<W: Write> PacketSource for Writing<'_, W> {
    // The second reading has told them.
    fn point(&mut self, _point: PointInfo) {}

    fn secrets(&mut self, secrets: &Secrets) {
        if !self.strip_secrets && self.written.is_ok() {
            self.written = self.writer.secrets(secrets.kind, &secrets.data);
        }
    }

    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        let key = (packet.file, packet.capture_point, packet.number);
        let is_picked = self
            .picked
            .binary_search_by_key(&key, |at| (at.file, at.capture_point, at.number))
            .is_ok();
        if is_picked {
            self.written = self.writer.packet(
                u32::from(packet.capture_point.0),
                packet.timestamp,
                packet.data,
                packet.original_length,
            );
        }
        self.written.is_ok()
    }

    fn notice(&mut self, _notice: &Notice) {}

    fn progress(&mut self, _octets: u64) {}
}
