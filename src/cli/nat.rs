//! `nat`: what NATs did to the traffic, and what would get through.

use std::io::{self, Write};

use super::args::{NatArgs, PlainFormat};
use super::gathering::{Gatherer, gather};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::capture::Inputs;
use crate::output::escape::write_json;
use crate::output::table::Nats;
use crate::report::{NatReport, Record, SCHEMA};

impl Gatherer for NatReport {
    fn record(&mut self, record: Record) {
        match record {
            Record::NatMapping(row) => self.nat_mappings.push(*row),
            Record::NatFinding(finding) => self.nat_findings.push(*finding),
            _ => {}
        }
    }
}

/// Runs the verb.
pub(super) fn run(args: &NatArgs) -> ExitStatus {
    let config = match args.keys.config() {
        Ok(config) => config,
        Err(status) => return status,
    };
    let inputs = match Inputs::open(&args.files, 8 * 1024 * 1024 * 1024) {
        Ok(inputs) => inputs,
        Err((path, error)) => {
            notices::error(&format!("{}: {error}", path.display()));
            return ExitStatus::Input;
        }
    };
    let report = NatReport {
        schema: SCHEMA.to_owned(),
        nat_mappings: Vec::new(),
        nat_findings: Vec::new(),
    };
    let report = gather(inputs, config, report);
    let mut out = io::stdout().lock();
    let written = match args.format {
        PlainFormat::Json => write_json(&mut out, &report).and_then(|()| out.write_all(b"\n")),
        PlainFormat::Table => print(report, &mut out),
    };
    output_status(written.and_then(|()| out.flush()), "standard output")
}

fn print(report: NatReport, out: &mut impl Write) -> io::Result<()> {
    if report.nat_mappings.is_empty() && report.nat_findings.is_empty() {
        return writeln!(
            out,
            "no sign of a NAT: no address was seen translated, and nobody asked a STUN server"
        );
    }
    let mut nats = Nats::new(true);
    for row in &report.nat_mappings {
        nats.mapping(row);
    }
    for finding in report.nat_findings {
        nats.finding(finding);
    }
    nats.write(out)
}
