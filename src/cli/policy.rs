//! What counts as a fault: the flags of `check`, and `.sip-inspect.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use super::args::{CheckArgs, FailOn};
use crate::report::{CallRecord, DiagnosticRecord};
use crate::rules::{self, Profile, Severity};

/// The name of the file.
const FILE: &str = ".sip-inspect.toml";

/// The file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Written {
    profile: Option<String>,
    select: Vec<String>,
    ignore: Vec<String>,
    severity: BTreeMap<String, String>,
    fail_on: Option<String>,
    min_calls: Option<u64>,
    baseline: Option<PathBuf>,
    suppress: Vec<Suppression>,
}

/// Findings that are known and accepted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Suppression {
    /// The rule.
    code: String,
    /// Who would have to act.
    party: Option<String>,
    /// A part of the caller's or callee's `User-Agent`.
    user_agent: Option<String>,
    /// Why it is accepted; nobody remembers in a year.
    reason: String,
}

/// What counts as a fault.
#[derive(Debug)]
pub(super) struct Policy {
    pub profile: Profile,
    pub fail_on: FailOn,
    pub min_calls: u64,
    pub baseline: Option<PathBuf>,
    select: Vec<String>,
    ignore: Vec<String>,
    severities: BTreeMap<&'static str, Severity>,
    suppressions: Vec<Suppression>,
}

impl Policy {
    /// Of the arguments and the file; what the arguments say goes first.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(super) fn of(args: &CheckArgs) -> Result<Self, String> {
        let path = match &args.config {
            Some(path) => Some(path.clone()),
            None if args.no_config => None,
            None => find(),
        };
        let written = match &path {
            Some(path) => read(path)?,
            None => Written::default(),
        };
        let beside = |own: PathBuf| match path.as_deref().and_then(Path::parent) {
            Some(folder) => folder.join(own),
            None => own,
        };
        let mut severities = BTreeMap::new();
        for (code, level) in &written.severity {
            let rule = rules::find(code).ok_or_else(|| unknown(code))?;
            let severity = Severity::of_name(level).ok_or_else(|| {
                format!("severity {code} = {level:?}: expected error, warning or info")
            })?;
            severities.insert(rule.code, severity);
        }
        for word in &args.severity {
            let pair = word.split_once('=').and_then(|(code, level)| {
                Some((rules::find(code)?.code, Severity::of_name(level)?))
            });
            let Some((code, severity)) = pair else {
                return Err(format!(
                    "--severity {word}: expected CODE=error, CODE=warning or CODE=info"
                ));
            };
            severities.insert(code, severity);
        }
        let select = match args.select.is_empty() {
            true => written.select,
            false => args.select.clone(),
        };
        let ignore = [written.ignore, args.ignore.clone()].concat();
        for code in select.iter().chain(&ignore) {
            if !is_known(code) {
                return Err(unknown(code));
            }
        }
        for suppression in &written.suppress {
            if rules::find(&suppression.code).is_none() {
                return Err(unknown(&suppression.code));
            }
            if suppression.reason.trim().is_empty() {
                return Err(format!("suppress {}: give a reason", suppression.code));
            }
        }
        let profile = match (args.profile, written.profile) {
            (Some(profile), _) => profile.into(),
            (None, Some(name)) => Profile::of_name(&name).ok_or_else(|| {
                format!(
                    "profile {name:?}: expected one of {}",
                    Profile::NAMES.join(", ")
                )
            })?,
            (None, None) => Profile::default(),
        };
        let fail_on = match (args.fail_on, written.fail_on.as_deref()) {
            (Some(own), _) => own,
            (None, None | Some("error")) => FailOn::Error,
            (None, Some("warning")) => FailOn::Warning,
            (None, Some("info")) => FailOn::Info,
            (None, Some("never")) => FailOn::Never,
            (None, Some(other)) => {
                return Err(format!(
                    "fail-on {other:?}: expected error, warning, info or never"
                ));
            }
        };
        Ok(Self {
            profile,
            fail_on,
            min_calls: args.min_calls.or(written.min_calls).unwrap_or(0),
            baseline: args
                .baseline
                .clone()
                .or_else(|| written.baseline.map(beside)),
            select,
            ignore,
            severities,
            suppressions: written.suppress,
        })
    }

    /// Weighs a finding; says whether it is wanted at all.
    pub(super) fn weigh(&self, own: &mut DiagnosticRecord, call: Option<&CallRecord>) -> bool {
        if let Some(severity) = self.severities.get(own.code.as_str()) {
            severity.name().clone_into(&mut own.severity);
        }
        let named = |words: &[String]| {
            let mut words = words.iter().map(|word| word.to_ascii_uppercase());
            words.any(|word| own.code.starts_with(&word))
        };
        if (!self.select.is_empty() && !named(&self.select)) || named(&self.ignore) {
            return false;
        }
        let agents = call.map(|call| [&call.caller_user_agent, &call.callee_user_agent]);
        let reason = self.suppressions.iter().find(|known| {
            let agent = known.user_agent.as_ref().is_none_or(|part| {
                let mut agents = agents.into_iter().flatten().flatten();
                agents.any(|agent| agent.contains(part))
            });
            known.code.eq_ignore_ascii_case(&own.code)
                && (known.party.is_none() || known.party == own.party)
                && agent
        });
        own.suppressed_by = reason.map(|known| known.reason.clone());
        true
    }

    /// Whether findings of this severity fail the check.
    pub(super) fn fails(&self, own: &DiagnosticRecord) -> bool {
        let limit = match self.fail_on {
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
            FailOn::Info => Severity::Info,
            FailOn::Never => return false,
        };
        Severity::of_name(&own.severity).is_some_and(|severity| severity >= limit)
    }
}

fn unknown(code: &str) -> String {
    format!("no rule is {code}; explain --list names all")
}

/// Whether a word names a rule, or the beginning of some.
fn is_known(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    let mut rules = rules::CATALOGUE.into_iter();
    rules.any(|rule| !word.is_empty() && rule.code.starts_with(&word))
}

/// The file of this folder or one above it, up to the root of the repository;
/// outside a repository only this folder's.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let root = here.ancestors().find(|folder| folder.join(".git").exists());
    here.ancestors()
        .take_while(|folder| folder.starts_with(root.unwrap_or(&here)))
        .map(|folder| folder.join(FILE))
        .find(|path| path.is_file())
}

fn read(path: &Path) -> Result<Written, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error: io::Error| told(&error))?;
    toml::from_str(&text).map_err(|error| told(&error))
}
