//! One kind of record as rows.

use std::io::{self, Write};

use serde_json::Value;

use super::Sink;
use super::escape;
use crate::report::Record;

/// Writes a row per record, the names of the fields above. A field of several
/// parts has a column for each, as `cause.class`; a list stands as its members
/// with spaces between them, or as JSON where they have parts.
pub struct Csv<W: Write> {
    out: csv::Writer<W>,
    section: &'static str,
    raw: bool,
    header: Vec<String>,
}

impl<W: Write> std::fmt::Debug for Csv<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Csv")
            .field("section", &self.section)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Csv<W> {
    /// Rows of one section, named as in the document, into `out`; `raw` leaves cells that begin like a
    /// formula as they are.
    pub fn new(out: W, section: &'static str, raw: bool) -> Self {
        Self {
            out: csv::Writer::from_writer(out),
            section,
            raw,
            header: Vec::new(),
        }
    }

    fn cell(&self, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) if self.raw => escape::terminal(text).into_owned(),
            Value::String(text) => escape::csv(text),
            Value::Array(members) => {
                let plain = members
                    .iter()
                    .all(|member| !member.is_object() && !member.is_array());
                let text = if plain {
                    let members: Vec<String> = members
                        .iter()
                        .map(|member| match member {
                            Value::String(text) => text.clone(),
                            other => other.to_string(),
                        })
                        .collect();
                    members.join(" ")
                } else {
                    value.to_string()
                };
                self.cell(&Value::String(text))
            }
            Value::Object(_) => self.cell(&Value::String(value.to_string())),
        }
    }
}

/// Fields and their values, parts named by a dot.
fn flatten(prefix: &str, value: Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(parts) if prefix != "headers" => {
            for (name, part) in parts {
                let name = if prefix.is_empty() {
                    name
                } else {
                    format!("{prefix}.{name}")
                };
                flatten(&name, part, into);
            }
        }
        other => into.push((prefix.to_owned(), other)),
    }
}

impl<W: Write> Sink for Csv<W> {
    fn record(&mut self, record: Record) -> io::Result<()> {
        if record.section() != self.section {
            return Ok(());
        }
        let value = serde_json::to_value(record.fields()).map_err(io::Error::from)?;
        let mut fields = Vec::new();
        flatten("", value, &mut fields);
        if self.header.is_empty() {
            self.header = fields.iter().map(|(name, _)| name.clone()).collect();
            self.out
                .write_record(&self.header)
                .map_err(io::Error::from)?;
        }
        let row: Vec<String> = fields.iter().map(|(_, value)| self.cell(value)).collect();
        self.out.write_record(&row).map_err(io::Error::from)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
