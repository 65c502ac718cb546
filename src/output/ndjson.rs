//! One record per line, as it comes.

use std::io::{self, Write};

use serde::Serialize;

use super::Sink;
use super::escape::write_json;
use crate::report::{Record, SCHEMA};

/// Writes a line per record.
#[derive(Debug)]
pub struct Ndjson<W> {
    out: W,
}

#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    #[serde(flatten)]
    record: &'a Record,
}

impl<W: Write> Ndjson<W> {
    /// Lines into `out`.
    pub const fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Sink for Ndjson<W> {
    fn record(&mut self, record: Record) -> io::Result<()> {
        let line = Line {
            schema: SCHEMA,
            record: &record,
        };
        write_json(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
