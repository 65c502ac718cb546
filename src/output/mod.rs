//! Records as text: one file per spelling. No output computes.

pub mod csv;
pub mod escape;
pub mod fields;
pub mod findings;
pub mod json;
pub mod ladder;
pub mod ndjson;
pub mod probe;
mod spool;
pub mod table;
pub mod verdicts;

use std::io;

use crate::report::Record;

/// Takes records one by one, the summary last.
pub trait Sink {
    /// Takes one record.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    fn record(&mut self, record: Record) -> io::Result<()>;

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    fn finish(&mut self) -> io::Result<()>;
}
