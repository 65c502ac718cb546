//! Diagnostics for people who fix, and for machines that gate.

use std::io::{self, Write};

use colored::Colorize as _;
use serde_json::{Value, json as value};

use super::escape::{terminal, write_json};
use crate::report::{DiagnosticRecord, Point, SCHEMA};
use crate::rules;

/// What a check found.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Calls that were judged.
    pub calls: Vec<CallLine>,
    /// What was found.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// Whether everything in the input was read.
    pub complete: bool,
    /// Packets read.
    pub packets: u64,
}

/// A call, as far as verdicts name it.
#[derive(Debug)]
pub struct CallLine {
    /// Its id.
    pub id: String,
    /// Its number.
    pub index: u64,
    /// Its Call-ID.
    pub call_id: String,
    /// The caller.
    pub from: Option<String>,
    /// The callee.
    pub to: Option<String>,
    /// How it went.
    pub outcome: String,
    /// The diagnostic that explains it.
    pub root_cause: Option<String>,
    /// How long it took.
    pub duration_s: Option<f64>,
}

impl Verdicts {
    fn call_of(&self, diagnostic: &DiagnosticRecord) -> Option<&CallLine> {
        let call_id = diagnostic.call_id.as_deref()?;
        self.calls.iter().find(|call| call.call_id == call_id)
    }

    fn count(&self, severity: &str) -> usize {
        let found = self.diagnostics.iter();
        found.filter(|own| own.severity == severity).count()
    }
}

impl CallLine {
    fn name(&self) -> String {
        let user = |user: &Option<String>| terminal(user.as_deref().unwrap_or("?")).into_owned();
        format!(
            "call {}, {} to {}",
            self.index,
            user(&self.from),
            user(&self.to)
        )
    }
}

/// A number of things.
pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn place(point: &Point) -> String {
    let frames: Vec<String> = point.frames.iter().take(8).map(u32::to_string).collect();
    format!("{} frame {}", terminal(&point.file), frames.join(", "))
}

/// As a compiler would, grouped by call.
///
/// # Errors
///
/// When `out` can't be written.
pub fn text(verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    let mut order: Vec<&DiagnosticRecord> = verdicts.diagnostics.iter().collect();
    order.sort_by_key(|own| verdicts.call_of(own).map_or(u64::MAX, |call| call.index));
    for own in order {
        let head = format!("{}[{}]", own.severity, own.code);
        let head = match own.severity.as_str() {
            "error" => head.red().bold(),
            "warning" => head.yellow().bold(),
            _ => head.cyan(),
        };
        writeln!(out, "{head}: {}", terminal(&own.message))?;
        let whose = verdicts
            .call_of(own)
            .map_or_else(|| terminal(&own.subject.id).into_owned(), CallLine::name);
        for point in &own.points {
            writeln!(out, "  --> {} ({whose})", place(point))?;
        }
        let title = rules::find(&own.code).map_or_else(String::new, rules::Rule::title);
        match (&own.rfc, &own.section) {
            (Some(rfc), Some(section)) => writeln!(out, "   = {rfc} {section}: {title}")?,
            _ => writeln!(out, "   = {title}")?,
        }
        if let Some(party) = &own.party {
            writeln!(out, "   = must act: {}", terminal(party))?;
        }
        let cause = verdicts
            .diagnostics
            .iter()
            .find(|cause| Some(&cause.id) == own.caused_by.as_ref());
        match cause {
            Some(cause) => writeln!(out, "   = follows from {}", cause.code)?,
            None => writeln!(out, "   = help: {}", own.fix)?,
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "{}, {}, {} in {}",
        counted(verdicts.count("error") as u64, "error"),
        counted(verdicts.count("warning") as u64, "warning"),
        counted(verdicts.count("info") as u64, "note"),
        counted(verdicts.calls.len() as u64, "call")
    )?;
    if !verdicts.complete {
        writeln!(out, "the results are incomplete: `analyze` says why")?;
    }
    Ok(())
}

/// One document.
///
/// # Errors
///
/// When `out` can't be written.
pub fn json(verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    let document = value!({
        "schema": SCHEMA,
        "summary": {
            "calls": verdicts.calls.len(),
            "packets": verdicts.packets,
            "complete": verdicts.complete,
            "diagnostics": {
                "error": verdicts.count("error"),
                "warning": verdicts.count("warning"),
                "info": verdicts.count("info"),
            },
        },
        "diagnostics": verdicts.diagnostics,
    });
    write_json(out, &document)?;
    out.write_all(b"\n")
}

/// A line for each.
///
/// # Errors
///
/// When `out` can't be written.
pub fn ndjson(verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    for own in &verdicts.diagnostics {
        let mut line = serde_json::to_value(own).map_err(io::Error::from)?;
        if let Value::Object(fields) = &mut line {
            fields.insert("schema".to_owned(), SCHEMA.into());
            fields.insert("type".to_owned(), "diagnostic".into());
        }
        write_json(out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Workflow commands of GitHub.
///
/// # Errors
///
/// When `out` can't be written.
pub fn github(verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    // Their grammar takes these for its own.
    let escaped = |text: &str| {
        terminal(text)
            .replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
    for own in &verdicts.diagnostics {
        let level = match own.severity.as_str() {
            "error" => "error",
            "warning" => "warning",
            _ => "notice",
        };
        let file = own.points.first().map(|point| property(&point.file));
        let frame = own.points.first().and_then(|point| point.frames.first());
        let frame = frame.map_or_else(String::new, |frame| format!(" (frame {frame})"));
        writeln!(
            out,
            "::{level} file={},title={}::{}{frame}. {}",
            file.unwrap_or_default(),
            property(&format!("{} {}", own.code, own.name)),
            escaped(&own.message),
            escaped(&own.fix)
        )?;
    }
    Ok(())
}

/// SARIF 2.1.0.
///
/// # Errors
///
/// When `out` can't be written.
pub fn sarif(verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    let level = |severity: &str| match severity {
        "error" => "error",
        "warning" => "warning",
        _ => "note",
    };
    let rules: Vec<Value> = rules::CATALOGUE
        .into_iter()
        .map(|rule| {
            value!({
                "id": rule.code,
                "name": rule.name,
                "shortDescription": {"text": rule.title()},
                "fullDescription": {"text": rule.manual()},
                "help": {"text": rule.fix()},
                "defaultConfiguration": {"level": level(rule.severity.name())},
            })
        })
        .collect();
    let results: Vec<Value> = verdicts
        .diagnostics
        .iter()
        .map(|own| {
            let locations: Vec<Value> = own
                .points
                .iter()
                .map(|point| {
                    // A capture has frames, no lines.
                    value!({
                        "physicalLocation": {"artifactLocation": {"uri": uri(&point.file)}},
                        "logicalLocations": [{"fullyQualifiedName": place(point)}],
                    })
                })
                .collect();
            let party = own.party.as_deref().unwrap_or("");
            value!({
                "ruleId": own.code,
                "level": level(&own.severity),
                "message": {"text": format!("{}. {}", terminal(&own.message), own.fix)},
                "locations": locations,
                // What survives another run over the same fault.
                "partialFingerprints": {"rule/v1": format!("{} {party}", own.code)},
            })
        })
        .collect();
    let document = value!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "sip-inspect",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    });
    write_json(out, &document)?;
    out.write_all(b"\n")
}

/// A path as a reference of a URI.
fn uri(path: &str) -> String {
    let mut text = String::new();
    for octet in path.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~/".contains(&octet) {
            text.push(char::from(octet));
        } else {
            text += &format!("%{octet:02X}");
        }
    }
    text
}

/// JUnit: a test case for each call, and one for what belongs to none.
///
/// # Errors
///
/// When `out` can't be written.
pub fn junit(verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    let of_call = |call: &CallLine| -> Vec<&DiagnosticRecord> {
        let found = verdicts.diagnostics.iter();
        found
            .filter(|own| own.call_id.as_deref() == Some(call.call_id.as_str()))
            .collect()
    };
    let others: Vec<&DiagnosticRecord> = verdicts
        .diagnostics
        .iter()
        .filter(|own| verdicts.call_of(own).is_none())
        .collect();
    let mut cases = Vec::new();
    for call in &verdicts.calls {
        let seconds = call.duration_s.unwrap_or(0.0);
        cases.push((
            format!("{} ({})", call.name(), call.outcome),
            seconds,
            of_call(call),
        ));
    }
    cases.push(("outside calls".to_owned(), 0.0, others));
    let is_failure = |own: &&&DiagnosticRecord| own.severity == "error";
    let failures = cases
        .iter()
        .filter(|(.., found)| found.iter().any(|own| is_failure(&own)))
        .count();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites><testsuite name=\"sip-inspect\" tests=\"{}\" failures=\"{failures}\">",
        cases.len()
    )?;
    for (name, seconds, found) in &cases {
        writeln!(
            out,
            "  <testcase classname=\"sip-inspect\" name=\"{}\" time=\"{seconds:.3}\">",
            xml(name)
        )?;
        let errors: Vec<_> = found.iter().filter(is_failure).collect();
        if let Some(first) = errors.first() {
            let lines: Vec<String> = errors
                .iter()
                .map(|own| format!("{} {}: {}. {}", own.code, own.name, own.message, own.fix))
                .collect();
            writeln!(
                out,
                "    <failure type=\"{}\" message=\"{}\">{}</failure>",
                xml(&first.code),
                xml(&first.message),
                xml(&lines.join("\n"))
            )?;
        }
        let notes: Vec<String> = found
            .iter()
            .filter(|own| own.severity != "error")
            .map(|own| format!("{} {}: {}", own.code, own.name, own.message))
            .collect();
        if !notes.is_empty() {
            writeln!(
                out,
                "    <system-out>{}</system-out>",
                xml(&notes.join("\n"))
            )?;
        }
        writeln!(out, "  </testcase>")?;
    }
    writeln!(out, "</testsuite></testsuites>")
}

/// Text that means nothing to XML.
fn xml(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if !out.is_empty() {
            out.push('\n');
        }
        for character in terminal(line).chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&apos;"),
                other => out.push(other),
            }
        }
    }
    out
}
