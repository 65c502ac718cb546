//! Diagnostics for people who fix, and for machines that gate.

use std::collections::HashMap;
use std::io::{self, Write};

use colored::Colorize as _;
use serde_json::{Value, json as value};
use sha2::{Digest as _, Sha256};

use super::escape::{terminal, write_json};
use crate::report::{CallRecord, DiagnosticRecord, Point, SCHEMA};
use crate::rules;

/// What a check found.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Calls that were judged.
    pub calls: Vec<CallRecord>,
    /// What was found.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// Whether everything in the input was read.
    pub complete: bool,
    /// Packets read.
    pub packets: u64,
    /// Places of the calls, by Call-ID.
    places: HashMap<String, usize>,
}

impl Verdicts {
    /// Puts the calls in order, once all are there.
    pub fn arrange(&mut self) {
        self.calls.sort_by_key(|call| call.index);
        let calls = self.calls.iter().enumerate();
        self.places = calls
            .map(|(place, call)| (call.call_id.clone(), place))
            .collect();
    }

    /// The call of a diagnostic.
    #[must_use]
    pub fn call_of(&self, diagnostic: &DiagnosticRecord) -> Option<&CallRecord> {
        let place = self.places.get(diagnostic.call_id.as_deref()?)?;
        self.calls.get(*place)
    }

    fn count(&self, severity: &str) -> usize {
        let found = self.standing();
        found.filter(|own| own.severity == severity).count()
    }

    /// By call; in each the root first, then what weighs most.
    pub fn sort(&mut self) {
        let mut found = std::mem::take(&mut self.diagnostics);
        found.sort_by_cached_key(|own| {
            let call = self.call_of(own);
            let place = call.map_or(u64::MAX, |call| call.index);
            let is_root = call.is_some_and(|call| call.root_cause.as_ref() == Some(&own.id));
            let severity = rules::Severity::of_name(&own.severity);
            (place, !is_root, std::cmp::Reverse(severity))
        });
        self.diagnostics = found;
    }

    /// What counts.
    pub fn standing(&self) -> impl Iterator<Item = &DiagnosticRecord> {
        let found = self.diagnostics.iter();
        found.filter(|own| own.suppressed_by.is_none())
    }

    fn suppressed(&self) -> usize {
        self.diagnostics.len() - self.standing().count()
    }

    /// What survives another run over the same fault: the rule, who must act,
    /// the method and the programs, never a Call-ID, a port, a frame or a time.
    #[must_use]
    pub fn fingerprint(&self, diagnostic: &DiagnosticRecord) -> String {
        let party = match diagnostic.party.as_deref() {
            Some(role @ ("caller" | "callee" | "proxy")) => role,
            Some(_) => "address",
            None => "",
        };
        let call = self.call_of(diagnostic);
        let agent = |own: Option<&String>| own.cloned().unwrap_or_default();
        let parts = [
            diagnostic.code.clone(),
            party.to_owned(),
            diagnostic.method.clone().unwrap_or_default(),
            agent(call.and_then(|call| call.caller_user_agent.as_ref())),
            agent(call.and_then(|call| call.callee_user_agent.as_ref())),
        ];
        let digest = Sha256::digest(parts.join("\n").as_bytes());
        let hex: Vec<String> = digest
            .iter()
            .take(8)
            .map(|octet| format!("{octet:02x}"))
            .collect();
        hex.concat()
    }
}

/// How a call is spoken of.
fn name_of(call: &CallRecord) -> String {
    let user = |user: &Option<String>| terminal(user.as_deref().unwrap_or("?")).into_owned();
    format!(
        "call {}, {} to {}",
        call.index,
        user(&call.from_user),
        user(&call.to_user)
    )
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
    let place = |own: &DiagnosticRecord| verdicts.call_of(own).map_or(u64::MAX, |call| call.index);
    let is_root = |own: &DiagnosticRecord| {
        verdicts
            .call_of(own)
            .is_some_and(|call| call.root_cause.as_ref() == Some(&own.id))
    };
    let mut last = None;
    for own in verdicts.standing() {
        let call = verdicts.call_of(own);
        if last != Some(place(own)) {
            last = Some(place(own));
            let head = match call {
                Some(call) => format!("{} ({})", name_of(call), call.outcome),
                None => "outside calls".to_owned(),
            };
            writeln!(out, "{}\n", head.bold())?;
        }
        finding(verdicts, own, is_root(own), out)?;
    }
    write!(
        out,
        "{}, {}, {} in {}",
        counted(verdicts.count("error") as u64, "error"),
        counted(verdicts.count("warning") as u64, "warning"),
        counted(verdicts.count("info") as u64, "note"),
        counted(verdicts.calls.len() as u64, "call")
    )?;
    match verdicts.suppressed() {
        0 => writeln!(out)?,
        count => writeln!(out, "; {count} more are known and do not count")?,
    }
    if !verdicts.complete {
        writeln!(out, "the results are incomplete: `analyze` says why")?;
    }
    Ok(())
}

/// One finding: what, where, why, and what to do.
fn finding(
    verdicts: &Verdicts,
    own: &DiagnosticRecord,
    is_root: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let head = format!("{}[{}]", own.severity, own.code);
    let head = match own.severity.as_str() {
        "error" => head.red().bold(),
        "warning" => head.yellow().bold(),
        _ => head.cyan(),
    };
    writeln!(out, "{head}: {}", terminal(&own.message))?;
    for point in &own.points {
        writeln!(out, "  --> {}", place(point))?;
    }
    if let Some(quote) = &own.quote {
        let part = |from: u64, count: u64| -> String {
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let text: String = quote.line.chars().skip(from).take(count).collect();
            terminal(&text).into_owned()
        };
        let before = part(0, quote.at);
        let meant = part(quote.at, quote.length);
        let after = part(quote.at + quote.length, u64::MAX);
        let space = " ".repeat(before.chars().count());
        let line = "^".repeat(meant.chars().count().max(1));
        writeln!(
            out,
            "   |\n   | {before}{meant}{after}\n   | {space}{}",
            line.red().bold()
        )?;
    }
    let title = rules::find(&own.code).map_or_else(String::new, rules::Rule::title);
    match (&own.rfc, &own.section) {
        (Some(rfc), Some(section)) => writeln!(out, "   = {rfc} {section}: {title}")?,
        _ if title.is_empty() => {}
        _ => writeln!(out, "   = {title}")?,
    }
    if is_root {
        writeln!(out, "   = this explains what went wrong in the call")?;
    }
    if let Some(party) = &own.party {
        writeln!(out, "   = must act: {}", terminal(party))?;
    }
    let cause = own.caused_by.as_ref().and_then(|id| {
        let mut all = verdicts.diagnostics.iter();
        all.find(|cause| cause.id == *id)
    });
    match cause {
        Some(cause) => writeln!(out, "   = follows from {}", cause.code)?,
        None if own.fix.is_empty() => {}
        None => writeln!(out, "   = help: {}", terminal(&own.fix))?,
    }
    writeln!(out)
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
                "suppressed": verdicts.suppressed(),
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
    for own in verdicts.standing() {
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
            let suppressions: Vec<Value> = own
                .suppressed_by
                .iter()
                .map(|reason| value!({"kind": "external", "justification": terminal(reason)}))
                .collect();
            value!({
                "suppressions": suppressions,
                "ruleId": own.code,
                "level": level(&own.severity),
                "message": {"text": format!("{}. {}", terminal(&own.message), own.fix)},
                "locations": locations,
                // What survives another run over the same fault.
                "partialFingerprints": {"fault/v1": verdicts.fingerprint(own)},
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
    let mut of_calls: HashMap<&str, Vec<&DiagnosticRecord>> = HashMap::new();
    for own in verdicts.standing() {
        if let Some(call_id) = own.call_id.as_deref() {
            of_calls.entry(call_id).or_default().push(own);
        }
    }
    let others: Vec<&DiagnosticRecord> = verdicts
        .standing()
        .filter(|own| verdicts.call_of(own).is_none())
        .collect();
    let mut cases = Vec::new();
    for call in &verdicts.calls {
        let seconds = call.duration_ms.unwrap_or(0.0) / 1000.0;
        cases.push((
            format!("{} ({})", name_of(call), call.outcome),
            seconds,
            of_calls.remove(call.call_id.as_str()).unwrap_or_default(),
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
