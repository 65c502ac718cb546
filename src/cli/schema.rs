//! `schema`: the JSON Schema of the output.

use std::io::Write as _;

use super::ExitStatus;
use super::args::Described;
use super::reporter::output_status;
use crate::report::{Document, ProbeReport};

/// Prints the schema.
pub(super) fn run(what: Described) -> ExitStatus {
    let schema = match what {
        Described::Document => schemars::schema_for!(Document),
        Described::Probe => schemars::schema_for!(ProbeReport),
    };
    let mut stdout = std::io::stdout().lock();
    let written = serde_json::to_writer_pretty(&mut stdout, &schema)
        .map_err(std::io::Error::from)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    output_status(written, "standard output")
}
