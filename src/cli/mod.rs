//! The command line: parse, wire up, draw, exit.

mod analyze;
mod args;
mod baseline;
#[cfg(feature = "live")]
mod capture;
mod check;
mod doctor;
mod exit_status;
mod explain;
mod export;
mod flow;
mod gathering;
mod keys;
mod nat;
mod notices;
mod papers;
mod policy;
#[cfg(feature = "probe")]
mod probe;
#[cfg(feature = "probe")]
mod probe_args;
#[cfg(feature = "probe")]
mod probe_expect;
#[cfg(feature = "probe")]
mod probe_target;
mod reporter;
mod schema;
#[cfg(feature = "live")]
mod sending;
#[cfg(feature = "probe")]
mod serve;
#[cfg(feature = "live")]
mod signals;
mod stats;

pub use exit_status::ExitStatus;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use self::args::{Args, Verb};

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = with_verb(std::env::args_os().collect());
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // clap's own text: help and version are no errors.
            let status = if error.use_stderr() {
                ExitStatus::Usage
            } else {
                ExitStatus::Done
            };
            let _ = error.print();
            return status.into();
        }
    };
    args.color.apply();
    let status = match &args.verb {
        Verb::Analyze(analyze) => analyze::run(analyze),
        #[cfg(feature = "live")]
        Verb::Capture(capture) => capture::run(capture),
        Verb::Flow(flow) => flow::run(flow),
        Verb::Check(args) => check::run(args),
        Verb::Explain(args) => explain::run(args),
        Verb::Export(args::Export::Pcap(args)) => export::pcap(args),
        Verb::Stats(args) => stats::run(args),
        Verb::Nat(args) => nat::run(args),
        #[cfg(feature = "probe")]
        Verb::Probe(args) => probe::run(args),
        #[cfg(feature = "probe")]
        Verb::Serve(args) => serve::run(args),
        Verb::Doctor { format } => doctor::run(*format),
        Verb::Schema { what } => schema::run(*what),
        Verb::Completions { shell } => papers::completions(*shell),
        Verb::Man { verb } => papers::man(verb.as_deref()),
    };
    status.into()
}

/// `sip-inspect FILE` is `sip-inspect analyze FILE`: a first word that is no
/// verb is a file.
fn with_verb(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let verbs: Vec<String> = Args::command()
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .chain(["help".to_owned()])
        .collect();
    let first = arguments
        .iter()
        .skip(1)
        .position(|argument| {
            let text = argument.to_string_lossy();
            text == "-" || !text.starts_with('-')
        })
        .map(|place| place + 1);
    let has_flag = arguments.len() > 1 && first.is_none();
    let about_itself = arguments.iter().skip(1).take(1).any(|argument| {
        matches!(
            argument.to_str(),
            Some("-h" | "--help" | "-V" | "--version")
        )
    });
    let is_verb = first
        .and_then(|place| arguments.get(place))
        .and_then(|word| word.to_str())
        .is_some_and(|word| verbs.iter().any(|verb| verb == word));
    if !is_verb && !about_itself && (first.is_some() || has_flag) {
        arguments.insert(1, OsString::from("analyze"));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_file_alone_is_analyzed() {
        let check = |given: &[&str], expected: &[&str]| {
            let arguments = |words: &[&str]| -> Vec<OsString> {
                std::iter::once("sip-inspect")
                    .chain(words.iter().copied())
                    .map(OsString::from)
                    .collect()
            };
            assert_eq!(with_verb(arguments(given)), arguments(expected));
        };
        check(&["a.pcap"], &["analyze", "a.pcap"]);
        check(&["--json", "a.pcap"], &["analyze", "--json", "a.pcap"]);
        check(&["-"], &["analyze", "-"]);
        check(&["-r", "a.pcap"], &["analyze", "-r", "a.pcap"]);
        check(&["analyze", "a.pcap"], &["analyze", "a.pcap"]);
        check(&["schema"], &["schema"]);
        check(&["--help"], &["--help"]);
        check(&[], &[]);
    }
}
