//! One document.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Sink;
use super::escape::write_json;
use super::spool::Spool;
use crate::report::{Document, Record, SCHEMA, Summary};

/// Gathers sections, and writes them in one document at the end.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
    sections: BTreeMap<&'static str, Spool>,
    with_messages: bool,
    summary: Option<Box<Summary>>,
    line: Vec<u8>,
}

impl<W: Write> Json<W> {
    /// A document into `out`; with the section `messages` if they are wanted.
    pub const fn new(out: W, with_messages: bool) -> Self {
        Self {
            out,
            sections: BTreeMap::new(),
            with_messages,
            summary: None,
            line: Vec::new(),
        }
    }

    fn section(&mut self, name: &str) -> io::Result<()> {
        write!(self.out, ",\n\"{name}\":[")?;
        if let Some(spool) = self.sections.get_mut(name) {
            spool.write(&mut self.out, b",\n")?;
        }
        self.out.write_all(b"]")
    }
}

impl<W: Write> Sink for Json<W> {
    fn record(&mut self, record: Record) -> io::Result<()> {
        match record {
            Record::Summary(summary) => {
                self.summary = Some(summary);
                return Ok(());
            }
            Record::Message(_) if !self.with_messages => return Ok(()),
            _ => {}
        }
        self.line.clear();
        write_json(&mut self.line, &record.fields())?;
        let spool = self.sections.entry(record.section()).or_default();
        spool.push(record.place(), &self.line)
    }

    fn finish(&mut self) -> io::Result<()> {
        write!(self.out, "{{\"schema\":\"{SCHEMA}\"")?;
        for name in Document::SECTIONS {
            self.section(name)?;
        }
        if self.with_messages {
            self.section("messages")?;
        }
        if let Some(summary) = self.summary.take() {
            self.out.write_all(b",\n\"summary\":")?;
            write_json(&mut self.out, &summary)?;
        }
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}
