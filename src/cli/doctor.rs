//! `doctor`: what this machine allows, and what to do where it does not.

use std::io::{self, IsTerminal as _, Write};

use colored::Colorize as _;

use super::ExitStatus;
use super::args::PlainFormat;
use super::reporter::output_status;
#[cfg(feature = "live")]
use crate::capture::live::{self, Live, LiveConfig};
#[cfg(feature = "live")]
use crate::capture::privileges::Successor;
use crate::output::escape::{terminal, write_json};
use crate::report::{Check, Examination, SCHEMA};

fn note(name: &str, says: impl Into<String>) -> Check {
    Check {
        name: name.to_owned(),
        state: "note".to_owned(),
        says: says.into(),
        fix: None,
    }
}

fn check<E: std::fmt::Display>(
    name: &str,
    result: Result<String, E>,
    fix: impl Into<String>,
) -> Check {
    let (state, says, fix) = match result {
        Ok(says) => ("good", says, None),
        Err(error) => ("bad", error.to_string(), Some(fix.into())),
    };
    Check {
        name: name.to_owned(),
        state: state.to_owned(),
        says,
        fix,
    }
}

/// Runs the verb.
pub(super) fn run(format: PlainFormat) -> ExitStatus {
    let mut checks = Vec::new();
    #[cfg(feature = "live")]
    checks.extend(capturing());
    #[cfg(not(feature = "live"))]
    checks.push(note("capture", "this program was built to read files only"));
    checks.extend([temporary(), zone(), pager(), screen()]);
    let healthy = checks.iter().all(|check| check.state != "bad");
    let mut out = io::stdout().lock();
    let written = match format {
        PlainFormat::Table => checks.iter().try_for_each(|check| line(&mut out, check)),
        PlainFormat::Json => write_json(
            &mut out,
            &Examination {
                schema: SCHEMA.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                healthy,
                checks,
            },
        )
        .and_then(|()| out.write_all(b"\n")),
    }
    .and_then(|()| out.flush());
    match output_status(written, "standard output") {
        ExitStatus::Done if !healthy => ExitStatus::Failed,
        status => status,
    }
}

fn line(out: &mut impl Write, check: &Check) -> io::Result<()> {
    let state = match check.state.as_str() {
        "good" => "good".green(),
        "bad" => "bad ".red().bold(),
        _ => "note".dimmed(),
    };
    writeln!(out, "{state}  {:<12} {}", check.name, terminal(&check.says))?;
    match &check.fix {
        Some(fix) => writeln!(out, "                   {}", terminal(fix)),
        None => Ok(()),
    }
}

#[cfg(feature = "live")]
fn capturing() -> Vec<Check> {
    let program = std::env::current_exe().map_or_else(
        |_| "sip-inspect".to_owned(),
        |path| path.display().to_string(),
    );
    let interfaces = live::interfaces();
    let opened = Live::open(&LiveConfig {
        interfaces: vec!["any".to_owned()],
        filter: None,
        promiscuous: false,
        snap_length: 256,
        buffer_mib: 1,
        agents: Vec::new(),
    });
    let mut checks = vec![
        check(
            "capture",
            opened.map(|_| "packets can be captured on all interfaces".to_owned()),
            format!("allow it once with: sudo setcap cap_net_raw+ep {program}"),
        ),
        check(
            "interfaces",
            interfaces.map(|lines| {
                let names: Vec<String> = lines
                    .iter()
                    .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
                    .collect();
                names.join(", ")
            }),
            "files can still be read",
        ),
    ];
    let sudo_uid = std::env::var("SUDO_UID").ok();
    match Successor::of(None, sudo_uid.as_deref()) {
        Ok(None) => {}
        Ok(Some(successor)) => checks.push(note(
            "privileges",
            format!("started as root; a capture goes on as {}", successor.name),
        )),
        Err(error) => checks.push(check(
            "privileges",
            Err(error),
            "name a user to go on as: capture -Z USER",
        )),
    }
    checks
}

/// Long reports are gathered in a file without a name.
fn temporary() -> Check {
    let folder = std::env::temp_dir();
    let made = tempfile::tempfile().and_then(|mut file| file.write_all(&[0; 4096]));
    check(
        "temporary",
        made.map(|()| format!("{} takes long reports", folder.display())),
        "name a folder that can be written in TMPDIR",
    )
}

fn zone() -> Check {
    let zone = jiff::tz::TimeZone::system();
    note(
        "time zone",
        zone.iana_name().map_or_else(
            || "not found: --time local shows UTC".to_owned(),
            |name| format!("--time local shows {name}"),
        ),
    )
}

fn pager() -> Check {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    let program = pager.split_whitespace().next().unwrap_or_default();
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    note(
        "pager",
        if found {
            format!("flow shows its ladders through {program}")
        } else {
            format!("{program} is not found: flow prints its ladders at once")
        },
    )
}

fn screen() -> Check {
    let term = std::env::var("TERM").unwrap_or_else(|_| "none".to_owned());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "none".to_owned());
    let what = if io::stdout().is_terminal() {
        "a terminal"
    } else {
        "no terminal: no colours"
    };
    note(
        "screen",
        format!("standard output is {what}; TERM {term}, locale {locale}"),
    )
}
