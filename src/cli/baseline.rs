//! Findings that were there before: a file that makes only new ones count.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::output::escape::terminal;
use crate::output::verdicts::Verdicts;

/// The version of the file's form.
const VERSION: u64 = 1;

/// The file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    version: u64,
    /// By fingerprint.
    known: BTreeMap<String, Known>,
}

/// Findings of one fingerprint.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Known {
    code: String,
    /// How many there were.
    count: u64,
    /// One of them, for whoever reads the file.
    example: String,
}

impl Baseline {
    /// Of what was found.
    pub(super) fn of(verdicts: &Verdicts) -> Self {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for own in verdicts.standing() {
            let entry = known
                .entry(verdicts.fingerprint(own))
                .or_insert_with(|| Known {
                    code: own.code.clone(),
                    count: 0,
                    example: terminal(&own.message).into_owned(),
                });
            entry.count += 1;
        }
        Self {
            version: VERSION,
            known,
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let read: Self = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if read.version != VERSION {
            return Err(format!(
                "version {} is not known; write it anew with --write-baseline",
                read.version
            ));
        }
        Ok(read)
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(self).map_err(io::Error::from)?;
        text.push('\n');
        fs::write(path, text)
    }

    /// Marks what was there before, as often as it was.
    pub(super) fn apply(mut self, verdicts: &mut Verdicts) {
        let marks: Vec<bool> = verdicts
            .diagnostics
            .iter()
            .map(|own| {
                let known = self.known.get_mut(&verdicts.fingerprint(own));
                let Some(known) = known.filter(|known| known.count > 0) else {
                    return false;
                };
                known.count -= u64::from(own.suppressed_by.is_none());
                true
            })
            .collect();
        for (own, is_known) in verdicts.diagnostics.iter_mut().zip(marks) {
            if is_known && own.suppressed_by.is_none() {
                own.suppressed_by = Some("baseline".to_owned());
            }
        }
    }
}
