//! `explain`: what a rule means, and all rules there are.

use std::io::{self, Write};

use colored::Colorize as _;

use super::args::{Explain, PlainFormat};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::output::escape::write_json;
use crate::report::RuleRecord;
use crate::rules::{self, CATALOGUE, Rule};

/// Runs the verb.
pub(super) fn run(args: &Explain) -> ExitStatus {
    let mut out = io::stdout().lock();
    let written = match &args.code {
        None => list(args.format, &mut out),
        Some(code) => match rules::find(code) {
            Some(rule) => one(rule, args.format, &mut out),
            None => {
                notices::error(&format!("no rule is {code}; explain --list names all"));
                return ExitStatus::Usage;
            }
        },
    };
    output_status(written.and_then(|()| out.flush()), "standard output")
}

/// A rule as a record.
fn record(rule: &Rule) -> RuleRecord {
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    RuleRecord {
        code: rule.code.to_owned(),
        name: rule.name.to_owned(),
        severity: rule.severity.name().to_owned(),
        rfc: said(rule.rfc),
        section: said(rule.section),
        title: rule.title(),
        manual: rule.manual(),
        fix: rule.fix(),
    }
}

fn list(format: PlainFormat, out: &mut impl Write) -> io::Result<()> {
    if format == PlainFormat::Json {
        let all: Vec<RuleRecord> = CATALOGUE.into_iter().map(record).collect();
        write_json(out, &all)?;
        return out.write_all(b"\n");
    }
    for rule in CATALOGUE {
        writeln!(
            out,
            "{}  {:<7}  {:<28}  {}",
            rule.code.bold(),
            rule.severity.name(),
            rule.name,
            rule.title()
        )?;
    }
    Ok(())
}

fn one(rule: &Rule, format: PlainFormat, out: &mut impl Write) -> io::Result<()> {
    if format == PlainFormat::Json {
        write_json(out, &record(rule))?;
        return out.write_all(b"\n");
    }
    let by = match rule.rfc {
        "" => String::new(),
        rfc => format!(", {rfc} section {}", rule.section),
    };
    writeln!(
        out,
        "{} {} ({}{by})\n",
        rule.code.bold(),
        rule.name,
        rule.severity.name()
    )?;
    writeln!(out, "{}", rule.manual())?;
    if !rule.causes.is_empty() {
        writeln!(out, "\nWhat follows from it: {}", rule.causes.join(", "))?;
    }
    writeln!(
        out,
        "\nA flow that it flags (hosts are letters, times milliseconds):"
    )?;
    for line in rule.flags.first().iter().flat_map(|scene| scene.lines()) {
        writeln!(out, "    {}", line.trim())?;
    }
    Ok(())
}
