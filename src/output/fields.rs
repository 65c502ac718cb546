//! Chosen fields as columns, as in Wireshark's `-T fields`.

use std::io::{self, Write};

use serde_json::Value;

use super::Sink;
use super::escape;
use crate::filter::Field;
use crate::report::Record;

/// Writes a line per record that can have all the fields: columns with a tab
/// between them, values of one column with a comma between them.
#[derive(Debug)]
pub struct Fields<W> {
    out: W,
    fields: Vec<Field>,
}

impl<W: Write> Fields<W> {
    /// Columns into `out`.
    pub const fn new(out: W, fields: Vec<Field>) -> Self {
        Self { out, fields }
    }
}

impl<W: Write> Sink for Fields<W> {
    fn record(&mut self, record: Record) -> io::Result<()> {
        let section = record.section();
        if !self.fields.iter().all(|field| field.is_of(section)) {
            return Ok(());
        }
        let value = serde_json::to_value(record.fields()).map_err(io::Error::from)?;
        for (number, field) in self.fields.iter().enumerate() {
            if number > 0 {
                self.out.write_all(b"\t")?;
            }
            let values: Vec<String> = field
                .values(section, &value)
                .into_iter()
                .filter(|value| !value.is_null())
                .map(|value| match value {
                    Value::String(text) => escape::terminal(text).into_owned(),
                    other => escape::terminal(&other.to_string()).into_owned(),
                })
                .collect();
            self.out.write_all(values.join(",").as_bytes())?;
        }
        self.out.write_all(b"\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
