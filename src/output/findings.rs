//! What the rules found: the root first, what follows from it beneath.

use std::io::{self, Write};

use colored::Colorize as _;

use super::escape::terminal;
use crate::report::DiagnosticRecord;

/// Findings that are shown one by one.
const MAX_FINDINGS: usize = 60;

/// Findings on their way to the reader.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<DiagnosticRecord>,
    more: usize,
}

impl Findings {
    /// Takes one; what is only worth knowing stays in the records.
    pub fn push(&mut self, finding: &DiagnosticRecord) {
        if finding.severity == "info" {
            return;
        }
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(finding.clone());
        } else {
            self.more += 1;
        }
    }

    /// Writes them; `roots` are the ids that explain calls, `index_of` tells a
    /// call's number.
    ///
    /// # Errors
    ///
    /// When `out` can't be written.
    pub fn write(
        &self,
        out: &mut impl Write,
        roots: &[String],
        index_of: impl Fn(&str) -> Option<u64>,
    ) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        for finding in self.kept.iter().filter(|own| own.caused_by.is_none()) {
            let is_root = roots.contains(&finding.id);
            let head = match (is_root, finding.severity.as_str()) {
                (true, _) => "ROOT".red().bold(),
                (false, "error") => "ERROR".red(),
                (false, _) => "also".yellow(),
            };
            let call = finding.call_id.as_deref().and_then(&index_of);
            let whose = call.map_or_else(String::new, |index| format!("call {index}: "));
            writeln!(
                out,
                " {head:<5}  {}  {whose}{}{}",
                finding.code,
                terminal(&finding.message),
                frames(finding)
            )?;
            for consequence in &self.kept {
                if consequence.caused_by.as_deref() == Some(finding.id.as_str()) {
                    let message = terminal(&consequence.message);
                    writeln!(
                        out,
                        "    so  {}  {message}{}",
                        consequence.code,
                        frames(consequence)
                    )?;
                }
            }
            if is_root {
                writeln!(out, "   fix  {}", terminal(&finding.fix).dimmed())?;
            }
        }
        if self.more > 0 {
            writeln!(out, "(+{} more: sip-inspect check)", self.more)?;
        }
        Ok(())
    }
}

fn frames(finding: &DiagnosticRecord) -> String {
    let frames: Vec<String> = finding
        .points
        .iter()
        .flat_map(|point| &point.frames)
        .take(4)
        .map(u32::to_string)
        .collect();
    if frames.is_empty() {
        String::new()
    } else {
        format!(" (frame {})", frames.join(", "))
    }
}
