//! What a person reads in ten seconds.

mod fax;
mod listing;
mod nat;
mod paths;
mod rows;
mod stun;

use std::io::{self, Write};

use colored::Colorize as _;
use comfy_table::{Cell, CellAlignment};

use self::listing::Listing;
pub(super) use self::listing::{grid, write_grid};
pub use self::nat::Nats;
use self::paths::Paths;
use self::rows::{
    Row, connection_row, device, ice_rows, lookup_row, painted, row, stream_row, subscription_row,
    turn_row,
};
use self::stun::StunTable;
use super::Sink;
use super::escape::terminal;
use super::findings::Findings;
use super::verdicts::counted;
use crate::report::{LimitRecord, Record, Summary, TunnelCount, TunnelRecord};

/// How times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStyle {
    /// In UTC.
    #[default]
    Utc,
    /// In the zone of this host.
    Local,
    /// Seconds since the first packet.
    Relative,
    /// Seconds since the call before.
    Delta,
}

/// Lines of one kind that are shown.
const MAX_LINES: usize = 40;
/// Calls that are shown one by one.
const MAX_CALLS: usize = 10_000;
/// Calls whose exchanges are told beneath their row.
const MAX_DETAILED: usize = 12;

/// Gathers what the table shows and writes it at the end.
#[derive(Debug)]
pub struct Table<W> {
    out: W,
    time: TimeStyle,
    calls: Vec<Row>,
    more_calls: usize,
    diagnostics: Findings,
    roots: Vec<String>,
    streams: Listing<10>,
    limits: Vec<LimitRecord>,
    summary: Option<Box<Summary>>,
    stun: StunTable,
    turns: Listing<4>,
    ice: Listing<4>,
    paths: Paths,
    faxes: Listing<6>,
    connections: Listing<4>,
    /// Connections with records that could not be read.
    encrypted: usize,
    /// Connections that came to nothing.
    dead: usize,
    lookups: Listing<4>,
    /// Look-ups that failed.
    failed_lookups: usize,
    devices: Listing<4>,
    subscriptions: Listing<4>,
    nats: Nats,
    pings: u64,
    registers: Vec<String>,
}

impl<W: Write> Table<W> {
    /// A table into `out`.
    pub fn new(out: W, time: TimeStyle) -> Self {
        Self {
            out,
            time,
            calls: Vec::new(),
            more_calls: 0,
            diagnostics: Findings::default(),
            roots: Vec::new(),
            streams: Listing::new(
                "rtp-streams",
                [
                    "Call", "RTP", "Codec", "SSRC", "Packets", "Lost", "Jitter", "Gap", "MOS",
                    "DTMF",
                ],
            ),
            limits: Vec::new(),
            summary: None,
            stun: StunTable::default(),
            turns: Listing::new("turn-allocations", ["TURN", "Relayed", "State", "Note"]),
            paths: Paths::default(),
            faxes: fax::listing(),
            ice: Listing::new("ice-sessions", ["ICE", "Pair", "State", "Note"]),
            connections: Listing::new("connections", ["Connections", "", "State", "Note"]),
            encrypted: 0,
            dead: 0,
            lookups: Listing::new("dns-lookups", ["DNS", "Result", "Answer", "Note"]),
            failed_lookups: 0,
            devices: Listing::new(
                "registrations",
                ["Registrations", "State", "Contact", "Note"],
            ),
            subscriptions: Listing::new(
                "subscriptions",
                ["Subscriptions", "State", "Event", "Note"],
            ),
            nats: Nats::new(false),
            pings: 0,
            registers: Vec::new(),
        }
    }

    fn stamp(&self, text: &str, first: Option<&str>) -> String {
        let parsed = text.parse::<jiff::Timestamp>();
        match (self.time, parsed) {
            (TimeStyle::Local, Ok(at)) => rounded_to_millis(at)
                .to_zoned(jiff::tz::TimeZone::system())
                .strftime("%H:%M:%S%.3f")
                .to_string(),
            (TimeStyle::Relative | TimeStyle::Delta, Ok(at)) => {
                let first = first.and_then(|first| first.parse::<jiff::Timestamp>().ok());
                let since = at.duration_since(first.unwrap_or(at));
                format!("{:.3} s", since.as_secs_f64())
            }
            (TimeStyle::Utc, Ok(at)) => rounded_to_millis(at).strftime("%H:%M:%S%.3f").to_string(),
            (_, Err(_)) => text.to_owned(),
        }
    }

    fn zone(&self) -> String {
        match self.time {
            TimeStyle::Utc => " UTC".to_owned(),
            TimeStyle::Relative | TimeStyle::Delta => String::new(),
            TimeStyle::Local => format!(" {}", jiff::Zoned::now().strftime("%Z")),
        }
    }

    fn write_head(&mut self, summary: &Summary) -> io::Result<()> {
        let files = match summary.files.as_slice() {
            [file] => terminal(file).into_owned(),
            [] => "live".to_owned(),
            files => format!("{} files", files.len()),
        };
        let points = match summary.capture_points.len() {
            0 | 1 => String::new(),
            count => {
                let names: Vec<String> = summary
                    .capture_points
                    .iter()
                    .take(6)
                    .map(|point| {
                        let same = summary.capture_points.iter();
                        let same = same.filter(|own| own.interface == point.interface);
                        let name = if same.count() > 1 {
                            &point.file
                        } else {
                            &point.interface
                        };
                        terminal(name).into_owned()
                    })
                    .collect();
                format!(", {count} capture points ({})", names.join(", "))
            }
        };
        let duration = summary
            .duration_s
            .map_or_else(String::new, |seconds| format!(", {seconds:.1} s"));
        let complete = if summary.complete {
            "complete".green()
        } else {
            "INCOMPLETE".red().bold()
        };
        writeln!(
            self.out,
            "{}   {} packets{duration}{points}, {complete}",
            files.bold(),
            summary.packets
        )?;
        for reason in &summary.incomplete_reasons {
            writeln!(self.out, "  ! {}", terminal(reason).yellow())?;
        }
        let distinct = summary.sip_messages.saturating_sub(summary.duplicates);
        let both = summary.capture_points.len() == 2 && distinct == summary.duplicates;
        let copies = if both && distinct > 0 {
            format!(" = {distinct} seen at both points")
        } else if summary.duplicates > 0 {
            format!(
                " = {distinct}, and {} copies seen elsewhere or twice",
                summary.duplicates
            )
        } else {
            String::new()
        };
        let span = match (&summary.first_timestamp, &summary.last_timestamp) {
            (Some(first), Some(last)) => format!(
                " · {} .. {}{}",
                self.stamp(first, Some(first)),
                self.stamp(last, Some(first)),
                self.zone()
            ),
            _ => String::new(),
        };
        writeln!(
            self.out,
            "{} SIP messages{copies} · {} retransmissions{span}",
            summary.sip_messages, summary.retransmissions
        )?;
        Ok(())
    }

    /// Without a call, whatever may have kept one from being seen is said.
    fn write_why_none(&mut self) -> io::Result<()> {
        let mut reasons = Vec::new();
        if self.failed_lookups > 0 {
            reasons.push(format!(
                "{} DNS look-ups for SIP servers failed",
                self.failed_lookups
            ));
        }
        if self.dead > 0 {
            reasons.push(format!("{} connections came to nothing", self.dead));
        }
        if self.encrypted > 0 {
            reasons.push(format!(
                "{} TLS connections are not decoded",
                self.encrypted
            ));
        }
        if reasons.is_empty() {
            return writeln!(self.out, "\nNo calls.");
        }
        let line = format!("No calls could be read: {}.", reasons.join("; "));
        writeln!(self.out, "\n{}", line.yellow())
    }

    fn write_calls(&mut self, first: Option<&str>) -> io::Result<()> {
        if self.calls.is_empty() {
            return self.write_why_none();
        }
        self.calls.sort_by_key(|row| row.index);
        let notes: Vec<String> = self.calls.iter().map(|row| self.note(row, first)).collect();
        let any_note = notes.iter().any(|note| !note.is_empty());
        let detailed = self.calls.len() <= MAX_DETAILED;
        let mut head = vec![
            "#", "Start", "From", "To", "Outcome", "Status", "PDD", "Talk", "Audio", "Ended by",
        ];
        if any_note {
            head.push("Note");
        }
        let mut grid = grid(&head);
        let mut before = first;
        for (row, note) in self.calls.iter().zip(&notes) {
            let start = row
                .started
                .as_deref()
                .map_or_else(|| "-".to_owned(), |at| self.stamp(at, before));
            if self.time == TimeStyle::Delta {
                before = row.started.as_deref().or(before);
            }
            let mut cells = vec![
                Cell::new(row.index).set_alignment(CellAlignment::Right),
                Cell::new(start),
                Cell::new(&row.from),
                Cell::new(&row.to),
                Cell::new(painted(&row.outcome)),
                Cell::new(&row.status),
                Cell::new(&row.pdd).set_alignment(CellAlignment::Right),
                Cell::new(&row.talk).set_alignment(CellAlignment::Right),
                Cell::new(&row.audio),
                Cell::new(&row.ended_by),
            ];
            if any_note {
                cells.push(Cell::new(note));
            }
            grid.add_row(cells);
        }
        writeln!(self.out)?;
        write_grid(&mut self.out, &grid)?;
        if self.more_calls > 0 {
            writeln!(self.out, "(+{} more calls: --format csv)", self.more_calls)?;
        }
        if detailed {
            for row in &self.calls {
                for line in &row.detail {
                    writeln!(self.out, "    {:>3}  {line}", row.index)?;
                }
            }
        }
        writeln!(
            self.out,
            "{}",
            "PDD from the first INVITE, challenges included; audio as it passed the capture point"
                .dimmed()
        )
    }

    /// What else there is to say of a call.
    fn note(&self, row: &Row, first: Option<&str>) -> String {
        let seconds = |at: &str| {
            let at = at.parse::<jiff::Timestamp>().ok();
            let first = first.and_then(|first| first.parse::<jiff::Timestamp>().ok());
            at.zip(first)
                .map_or(0.0, |(at, first)| at.duration_since(first).as_secs_f64())
        };
        let index_of = |call_id: &str| {
            self.calls
                .iter()
                .find(|other| other.call_id == call_id)
                .map(|other| other.index)
        };
        let mut notes = row.notes.clone();
        for (by, from, until) in &row.holds {
            notes.push(match until {
                Some(until) => format!(
                    "hold {:.2}-{:.2} s by {by}, resumed",
                    seconds(from),
                    seconds(until)
                ),
                None => format!("hold from {:.2} s by {by}", seconds(from)),
            });
        }
        let tie = |kind: &str| {
            row.legs
                .iter()
                .find(|(known, _)| known == kind)
                .and_then(|(_, call_id)| index_of(call_id))
        };
        for (what, result) in &row.transfers {
            notes.push(match tie("transferred-to") {
                Some(index) => format!("{what}: {result} (call {index})"),
                None => format!("{what}: {result}"),
            });
        }
        if let Some(index) = tie("transferred-from") {
            notes.push(format!("by REFER of call {index}"));
        }
        let others = |is_it: &dyn Fn(&str) -> bool| {
            let legs = row.legs.iter().filter(|(kind, _)| is_it(kind));
            let others = legs.filter_map(|(_, call_id)| index_of(call_id));
            others.map(|index| index.to_string()).collect::<Vec<_>>()
        };
        let rooms = others(&|kind| kind == "conference");
        if !rooms.is_empty() {
            notes.push(format!("in a conference with call {}", rooms.join(", ")));
        }
        let legs = others(&|kind| {
            kind != "conference" && !kind.contains("-to") && !kind.contains("-from")
        });
        if !legs.is_empty() {
            notes.push(format!("a leg of call {}", legs.join(", ")));
        }
        notes.join(", ")
    }

    fn write_findings(&mut self, summary: &Summary) -> io::Result<()> {
        let index_of = |call_id: &str| {
            let row = self.calls.iter().find(|row| row.call_id == call_id);
            row.map(|row| row.index)
        };
        self.diagnostics
            .write(&mut self.out, &self.roots, index_of)?;
        let counts = &summary.diagnostics;
        if counts.error + counts.warning > 0 {
            writeln!(
                self.out,
                "{}, {}; explain CODE tells more",
                counted(counts.error, "error"),
                counted(counts.warning, "warning")
            )?;
        }
        Ok(())
    }

    fn write_rest(&mut self, summary: &Summary) -> io::Result<()> {
        let mut other = Vec::new();
        for (method, count) in &summary.requests {
            if matches!(
                method.as_str(),
                "REGISTER" | "OPTIONS" | "SUBSCRIBE" | "PUBLISH" | "MESSAGE" | "NOTIFY"
            ) {
                other.push(format!("{count} {}", terminal(method)));
            }
        }
        if self.pings > 0 && !other.is_empty() {
            writeln!(
                self.out,
                "\nRequests outside calls: {} in {} transactions",
                other.join(", "),
                self.pings
            )?;
        }
        for line in self.registers.iter().take(MAX_LINES) {
            writeln!(self.out, "  {line}")?;
        }
        for limit in &self.limits {
            let line = format!("bound reached: {} ({} times)", limit.limit, limit.count);
            writeln!(self.out, "{}", line.yellow())?;
        }
        if !summary.tunnels.is_empty() {
            let listed: Vec<String> = (summary.tunnels.iter().take(6))
                .map(|TunnelCount { tunnel, packets }| {
                    let key = tunnel
                        .key
                        .map_or_else(String::new, |key| format!(" key {key}"));
                    let TunnelRecord {
                        kind,
                        src_ip,
                        dst_ip,
                        ..
                    } = tunnel;
                    format!("{packets} by {kind} {src_ip} > {dst_ip}{key}")
                })
                .collect();
            let more = match summary.tunnels.len().saturating_sub(6) {
                0 => String::new(),
                more => format!(", {more} other tunnels"),
            };
            let line = format!("Packets inside others: {}{more}", listed.join(", "));
            writeln!(self.out, "\n{}", line.dimmed())?;
        }
        if !summary.not_decoded.is_empty() {
            let total: u64 = summary.not_decoded.values().sum();
            let mut reasons: Vec<(&String, &u64)> = summary.not_decoded.iter().collect();
            reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), *reason));
            let listed: Vec<String> = reasons
                .iter()
                .take(6)
                .map(|(reason, count)| format!("{count} {}", terminal(reason)))
                .collect();
            let more = reasons.len().saturating_sub(6);
            let more = if more > 0 {
                format!(", {more} other reasons")
            } else {
                String::new()
            };
            let line = format!(
                "Not read further: {total} packets ({}{more})",
                listed.join(", ")
            );
            writeln!(self.out, "\n{}", line.dimmed())?;
        }
        Ok(())
    }
}

impl<W: Write> Sink for Table<W> {
    fn record(&mut self, record: Record) -> io::Result<()> {
        match record {
            Record::Call(call) => {
                for path in &call.paths {
                    self.paths.add(path);
                }
                for row in fax::rows(&call) {
                    self.faxes.add(|| row);
                }
                if self.calls.len() < MAX_CALLS {
                    self.roots.extend(call.root_cause.clone());
                    self.calls.push(row(&call));
                } else {
                    self.more_calls += 1;
                }
            }
            Record::RtpStream(stream) => self.streams.add(|| stream_row(&stream)),
            Record::Transaction(transaction) => {
                self.pings += 1;
                let failed = transaction.icmp.is_some() || transaction.timeout;
                if failed && self.registers.len() < MAX_LINES {
                    let why = transaction.icmp.as_deref().map_or("no answer", |icmp| icmp);
                    self.registers.push(format!(
                        "{} {}:{} -> {}:{}  {}",
                        terminal(&transaction.method),
                        transaction.src_ip,
                        transaction.src_port,
                        transaction.dst_ip,
                        transaction.dst_port,
                        why.red()
                    ));
                }
            }
            Record::Limit(limit) => self.limits.push(limit),
            Record::Connection(connection) => {
                let carries_nothing =
                    connection.sip_messages == 0 && connection.encrypted_not_decoded == 0;
                self.dead += usize::from(carries_nothing);
                self.encrypted += usize::from(connection.encrypted_not_decoded > 0);
                self.connections.add(|| connection_row(&connection));
            }
            Record::DnsLookup(lookup) => {
                let found =
                    lookup.rcode.as_deref() == Some("NOERROR") && !lookup.answers.is_empty();
                self.failed_lookups += usize::from(!found);
                self.lookups.count(lookup_row(&lookup), 3);
            }
            Record::Registration(registration) => self.devices.add(|| device(&registration)),
            Record::Subscription(subscription) => {
                self.subscriptions.add(|| subscription_row(&subscription));
            }
            Record::TurnAllocation(allocation) => self.turns.add(|| turn_row(&allocation)),
            Record::StunExchange(exchange) => self.stun.add(&exchange),
            Record::IceSession(session) => {
                for row in ice_rows(&session) {
                    self.ice.add(|| row);
                }
            }
            Record::Diagnostic(diagnostic) => self.diagnostics.push(&diagnostic),
            Record::NatMapping(row) => self.nats.mapping(&row),
            Record::NatFinding(finding) => self.nats.finding(*finding),
            Record::Message(_) => {}
            Record::Summary(summary) => self.summary = Some(summary),
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(summary) = self.summary.take() {
            let first = summary.first_timestamp.clone();
            self.write_head(&summary)?;
            self.write_calls(first.as_deref())?;
            self.write_findings(&summary)?;
            self.streams.write(&mut self.out)?;
            self.faxes.write(&mut self.out)?;
            self.paths.write(&mut self.out)?;
            self.devices.write(&mut self.out)?;
            self.subscriptions.write(&mut self.out)?;
            self.turns.write(&mut self.out)?;
            self.ice.write(&mut self.out)?;
            self.connections.write(&mut self.out)?;
            self.lookups.write(&mut self.out)?;
            self.stun.write(&mut self.out)?;
            self.nats.write(&mut self.out)?;
            self.write_rest(&summary)?;
        }
        self.out.flush()
    }
}

fn rounded_to_millis(at: jiff::Timestamp) -> jiff::Timestamp {
    at.round(jiff::Unit::Millisecond).unwrap_or(at)
}
