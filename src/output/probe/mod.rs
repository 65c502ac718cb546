//! What a probe found, for people.

mod rows;

use std::io::{self, Write};

use colored::Colorize as _;

use self::rows::{alg, call, dns, nat, options, register, stun, turn};
use super::escape::terminal;
use super::table::{grid, write_grid};
use crate::report::{
    DiagnosticRecord, DnsNode, Measurements, NatMeasurements, ProbeReport, TlsEvidence,
};

/// Writes it.
///
/// # Errors
///
/// When it can't be written.
pub fn print(report: &ProbeReport, out: &mut impl Write) -> io::Result<()> {
    let rows = match &report.measurements {
        Measurements::Stun(own) => stun(own),
        Measurements::Nat(own) => nat(own),
        Measurements::Options(own) => options(own),
        Measurements::Register(own) => register(own),
        Measurements::Call(own) => call(own),
        Measurements::Turn(own) => turn(own),
        Measurements::Dns(own) => dns(own),
        Measurements::Alg(own) => alg(own),
    };
    let verdict = match report.exit {
        0 => report.verdict.green().bold(),
        8 => report.verdict.yellow().bold(),
        _ => report.verdict.red().bold(),
    };
    writeln!(
        out,
        "{} {}: {verdict}\n",
        report.probe,
        terminal(&report.target)
    )?;
    for (name, value) in rows {
        writeln!(out, "  {name:<20} {}", terminal(&value))?;
    }
    if let Measurements::Dns(own) = &report.measurements {
        writeln!(out)?;
        for node in &own.tree {
            branch(node, 1, out)?;
        }
    }
    let not_judged = match &report.measurements {
        Measurements::Nat(own) => {
            predictions(own, out)?;
            &own.not_judged[..]
        }
        Measurements::Call(own) => &own.not_judged[..],
        _ => &[],
    };
    for reason in not_judged {
        writeln!(out, "  {} {}", "not judged:".yellow(), terminal(reason))?;
    }
    let silent: Vec<String> = report
        .steps
        .iter()
        .filter(|own| own.outcome == "refused")
        .map(|own| format!("{}: {}", own.to.as_deref().unwrap_or("-"), own.says))
        .collect();
    for line in silent {
        writeln!(out, "  {} {}", "refused:".yellow(), terminal(&line))?;
    }
    findings(&report.evidence.diagnostics, out)?;
    for own in &report.evidence.tls {
        protection(own, out)?;
    }
    let evidence = &report.evidence;
    write!(
        out,
        "\n  {} packets sent, {} received",
        evidence.packets_sent, evidence.packets_received
    )?;
    if evidence.strays > 0 {
        write!(out, ", {} answered nothing that was asked", evidence.strays)?;
    }
    if let Some(path) = &evidence.capture {
        write!(out, "; written to {}", terminal(path))?;
    }
    writeln!(out)
}

/// A question, and below it what it led to.
fn branch(node: &DnsNode, depth: usize, out: &mut impl Write) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    let ttl = node
        .ttl_s
        .map(|own| format!(", {own} s"))
        .unwrap_or_default();
    writeln!(
        out,
        "{indent}{} {} {}{ttl}: {}",
        node.kind.bold(),
        terminal(&node.name),
        terminal(&node.outcome),
        terminal(&node.why)
    )?;
    for answer in &node.answers {
        writeln!(out, "{indent}    {}", terminal(answer))?;
    }
    for child in &node.children {
        branch(child, depth + 1, out)?;
    }
    Ok(())
}

fn protection(own: &TlsEvidence, out: &mut impl Write) -> io::Result<()> {
    let or_none = |own: Option<&String>| own.map_or("-", String::as_str).to_owned();
    let (version, cipher) = (or_none(own.version.as_ref()), or_none(own.cipher.as_ref()));
    writeln!(
        out,
        "\n  {version}, {cipher}\n  certificate {} until {}",
        terminal(&own.certificate_subject),
        own.certificate_not_after
    )?;
    match &own.fault {
        None => writeln!(out, "  trusted for {}", terminal(&own.name)),
        Some(fault) => writeln!(
            out,
            "  {} for {}: {}",
            "not trusted".red().bold(),
            terminal(&own.name),
            terminal(fault)
        ),
    }
}

/// Each kind of peer: how it maps down, what it lets in across.
fn predictions(own: &NatMeasurements, out: &mut impl Write) -> io::Result<()> {
    let rows = own.toward.chunks(3);
    if rows.len() == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "\n  UDP straight to a peer, both sides sending (a relay always works):\n"
    )?;
    let mut table = grid(&[
        "peer maps",
        "lets in all",
        "by address",
        "by address and port",
    ]);
    for row in rows {
        let mapping = row
            .first()
            .map(|own| own.mapping.clone())
            .unwrap_or_default();
        let outcomes = row.iter().map(|own| own.outcome.clone());
        table.add_row(std::iter::once(mapping).chain(outcomes).collect::<Vec<_>>());
    }
    write_grid(out, &table)
}

fn findings(diagnostics: &[DiagnosticRecord], out: &mut impl Write) -> io::Result<()> {
    for own in diagnostics.iter().filter(|own| own.severity != "info") {
        writeln!(
            out,
            "\n  {}[{}]: {}",
            own.severity,
            own.code,
            terminal(&own.message)
        )?;
    }
    Ok(())
}
