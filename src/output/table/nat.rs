//! NATs: the translation table, and what was found about them.

use std::io::{self, Write};

use colored::Colorize as _;

use super::listing::Listing;
use crate::output::escape::terminal;
use crate::report::{NatFindingRecord, NatMappingRecord};

/// Gathers records of NATs and writes them.
#[derive(Debug)]
pub struct Nats {
    rows: Listing<6>,
    findings: Vec<NatFindingRecord>,
    more: usize,
    /// Whether all is told, with what it rests on.
    in_full: bool,
}

/// Findings that are kept.
const MAX_FINDINGS: usize = 400;
/// Findings shown where others are the matter.
const MAX_SHORT: usize = 12;

impl Nats {
    /// In full, or only what matters beside calls.
    #[must_use]
    pub const fn new(in_full: bool) -> Self {
        Self {
            rows: Listing::new(
                "nat-mappings",
                ["NAT", "Inside", "Outside", "Toward", "Out/In", "Learned by"],
            ),
            findings: Vec::new(),
            more: 0,
            in_full,
        }
    }

    /// A row of the table.
    pub fn mapping(&mut self, row: &NatMappingRecord) {
        self.rows.add(|| {
            let end = |ip: &str, port: u16| super::rows::address(ip, port);
            let remote = row.remote_ip.as_deref().zip(row.remote_port);
            let count = row.packets_out.zip(row.packets_in);
            [
                row.protocol.clone(),
                end(&row.inside_ip, row.inside_port),
                end(&row.outside_ip, row.outside_port),
                remote.map_or_else(|| "-".to_owned(), |(ip, port)| end(ip, port)),
                count.map_or_else(|| "-".to_owned(), |(out, back)| format!("{out}/{back}")),
                row.learned_by.join(", "),
            ]
        });
    }

    /// A finding.
    pub fn finding(&mut self, finding: NatFindingRecord) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.rows.write(out)?;
        let told = self
            .findings
            .iter()
            .filter(|own| self.in_full || matters(own));
        let most = if self.in_full {
            MAX_FINDINGS
        } else {
            MAX_SHORT
        };
        let told: Vec<&NatFindingRecord> = told.collect();
        if self.in_full && !told.is_empty() {
            writeln!(out)?;
        }
        for finding in told.iter().take(most) {
            let code = match finding.severity.as_str() {
                "error" => finding.code.red().bold(),
                "warning" => finding.code.yellow().bold(),
                _ => finding.code.bold(),
            };
            let sure = if finding.confidence > 0.0 && self.in_full {
                format!("  ({:.0} % sure)", finding.confidence * 100.0)
            } else {
                String::new()
            };
            let message = terminal(&finding.message);
            writeln!(out, " {code}  {message}{}", sure.dimmed())?;
            if self.in_full {
                for evidence in &finding.evidence {
                    let line = format!(
                        "         {} frame {}: {}",
                        terminal(&evidence.file),
                        evidence.frame,
                        terminal(&evidence.says)
                    );
                    writeln!(out, "{}", line.dimmed())?;
                }
            }
        }
        let more = told.len().saturating_sub(most) + self.more;
        if more > 0 {
            writeln!(out, " (+{more} more: sip-inspect nat)")?;
        }
        Ok(())
    }
}

/// What is worth a line where calls are the matter: behaviours that are known,
/// and what is wrong.
fn matters(finding: &NatFindingRecord) -> bool {
    let is_known = finding.confidence > 0.0;
    match finding.code.as_str() {
        "NAT002" | "NAT003" => is_known,
        "NAT001" | "NAT004" | "NAT011" | "NAT013" | "NAT017" => finding.severity != "info",
        "NAT015" => finding.value.as_deref() != Some("none"),
        _ => true,
    }
}
