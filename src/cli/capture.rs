//! `capture`: interfaces in, a report out.

use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::CaptureArgs;
use super::reporter::{Reporter, Wishes, output_status};
use super::sending::Sending;
use super::{ExitStatus, notices, signals};
use crate::capture::keep::{Keeper, Ring};
use crate::capture::live::{self, Live, LiveConfig, LiveError, LiveSink};
use crate::capture::privileges::Successor;
use crate::inspector::PointInfo;
use crate::output::escape::terminal;
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::time::{SECOND, Timestamp};

/// Runs the verb.
pub(super) fn run(args: &CaptureArgs) -> ExitStatus {
    if args.list_interfaces {
        return list();
    }
    let (limits, ring) = match (stops(&args.autostop), ring(&args.ring)) {
        (Ok(limits), Ok(ring)) => (limits, ring),
        (Err(error), _) | (_, Err(error)) => {
            notices::error(&error);
            return ExitStatus::Usage;
        }
    };
    if args.interfaces.is_empty() && args.hep_listen.is_empty() {
        notices::error("no interface is named; -i IFACE, -D to list them, or --hep-listen");
        return ExitStatus::Usage;
    }
    let filter = args.filter.clone().or_else(|| {
        let words = args.expression.join(" ");
        Some(words).filter(|words| !words.is_empty())
    });
    let opened = Live::open(&LiveConfig {
        interfaces: args.interfaces.clone(),
        filter,
        promiscuous: !args.no_promiscuous,
        snap_length: args.snap_length,
        buffer_mib: args.buffer,
        agents: args.hep_listen.clone(),
    });
    let mut live = match opened {
        Ok(live) => live,
        Err(error) => return refused(&error),
    };
    let successor = match successor(args) {
        Ok(successor) => successor,
        Err(status) => return status,
    };
    let interfaces: Vec<(String, LinkType)> = live
        .interfaces()
        .map(|(name, link_type)| (name.to_owned(), link_type))
        .collect();
    let keeper = match &args.write {
        None => None,
        Some(path) => match Keeper::new(path, interfaces.clone(), ring) {
            Ok(keeper) => Some(keeper),
            Err(error) => {
                notices::error(&format!("{}: can't be written: {error}", path.display()));
                return ExitStatus::Output;
            }
        },
    };
    let stop = Arc::new(AtomicBool::new(false));
    if let Err(error) = signals::heed(&stop) {
        notices::error(&format!("signals can't be heeded: {error}"));
        return ExitStatus::Internal;
    }
    let forward = !args.hep_send.is_empty();
    let wishes = Wishes {
        events: args.events,
        forward,
        line_by_line: args.events,
    };
    let mut reporter = match Reporter::open(&args.report, wishes) {
        Ok(reporter) => reporter,
        Err(status) => return status,
    };
    if let Some(successor) = &successor
        && let Err(status) = hand_over(successor, keeper.as_ref())
    {
        return status;
    }
    for (name, link_type) in &interfaces {
        reporter.inspector.add_point(PointInfo {
            file: "live".to_owned(),
            interface: name.clone(),
            link_type: *link_type,
            digits: 9,
            dropped: None,
        });
    }
    if !args.report.quiet {
        let names: Vec<&str> = interfaces.iter().map(|(name, _)| name.as_str()).collect();
        let who = successor.map_or_else(String::new, |own| format!(" as {}", own.name));
        notices::notice(&format!(
            "capturing on {}{who}; Ctrl-C ends",
            names.join(", ")
        ));
    }
    if forward {
        match Sending::open(&args.hep_send, args.hep_id) {
            Ok(sending) => reporter.sending = Some(sending),
            Err(error) => {
                notices::error(&format!("--hep-send: {error}"));
                return ExitStatus::Output;
            }
        }
    }
    let mut watching = Watching {
        reporter,
        keeper,
        kept: Ok(()),
        until: None,
        duration_ns: limits.duration_ns,
        left: limits.packets,
    };
    let watched = catch_unwind(AssertUnwindSafe(|| live.watch(&stop, &mut watching)));
    let Watching {
        mut reporter,
        keeper,
        kept,
        ..
    } = watching;
    for (dropped, number) in live.dropped().into_iter().zip(0..) {
        reporter
            .inspector
            .set_dropped(CapturePoint(number), dropped);
    }
    let lost = match &watched {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("an internal error ended the capture early".to_owned()),
    };
    if let Some(lost) = &lost {
        notices::error(lost);
        reporter.inspector.incomplete(lost.clone());
    }
    reporter.finish();
    if let Some(sending) = reporter.sending.take() {
        sending.finish();
    }
    if live.refused() > 0 {
        notices::warning(&format!(
            "{} connections of agents were refused",
            live.refused()
        ));
    }
    let status = reporter.status();
    let kept = kept.and_then(|()| keeper.map_or(Ok(0), Keeper::finish));
    let name = args.write.as_ref().map(|path| path.display().to_string());
    let kept = output_status(kept.map(drop), &name.unwrap_or_default());
    match watched {
        Err(_) => ExitStatus::Internal,
        Ok(_) if kept != ExitStatus::Done => kept,
        Ok(Err(_)) => ExitStatus::Capture,
        Ok(Ok(())) => status,
    }
}

/// Who is to go on in place of root.
fn successor(args: &CaptureArgs) -> Result<Option<Successor>, ExitStatus> {
    let sudo_uid = std::env::var("SUDO_UID").ok();
    Successor::of(args.relinquish_privileges.as_deref(), sudo_uid.as_deref()).map_err(|error| {
        notices::error(&format!("-Z: {error}"));
        ExitStatus::Usage
    })
}

/// Gives root up, before the first packet is read.
fn hand_over(successor: &Successor, keeper: Option<&Keeper>) -> Result<(), ExitStatus> {
    let name = &successor.name;
    if let Some(keeper) = keeper
        && let Err(error) = successor.own(keeper.file())
    {
        notices::warning(&format!("the file stays root's, not {name}'s: {error}"));
    }
    if let Err(error) = successor.take_over() {
        notices::error(&format!("root is not given up: {error}; -Z root keeps it"));
        return Err(ExitStatus::Capture);
    }
    if let Some(Err(error)) = keeper.map(Keeper::can_go_on) {
        notices::error(&format!(
            "{name} can't make the next files of the ring there: {error}; choose a folder where {name} can, or -Z USER"
        ));
        return Err(ExitStatus::Output);
    }
    Ok(())
}

fn refused(error: &LiveError) -> ExitStatus {
    notices::error(&error.to_string());
    match error {
        LiveError::Filter { .. } => ExitStatus::Usage,
        LiveError::Permission { .. } => {
            let program = std::env::current_exe().map_or_else(
                |_| "sip-inspect".to_owned(),
                |path| path.display().to_string(),
            );
            notices::notice(&format!(
                "allow it once with: sudo setcap cap_net_raw+ep {program}"
            ));
            ExitStatus::Capture
        }
        LiveError::Other { .. } => ExitStatus::Capture,
    }
}

fn list() -> ExitStatus {
    match live::interfaces() {
        Ok(interfaces) => {
            let mut stdout = io::stdout().lock();
            let written = interfaces
                .iter()
                .try_for_each(|line| writeln!(stdout, "{}", terminal(line)))
                .and_then(|()| stdout.flush());
            output_status(written, "standard output")
        }
        Err(error) => refused(&error),
    }
}

/// When a capture ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stops {
    duration_ns: Option<i64>,
    packets: Option<u64>,
}

fn stops(words: &[String]) -> Result<Stops, String> {
    let mut stops = Stops::default();
    for word in words {
        let bad = || format!("-a {word}: expected duration:SECONDS or packets:N");
        let (kind, value) = word.split_once(':').ok_or_else(bad)?;
        match kind {
            "duration" => {
                let seconds: i64 = value.parse().map_err(|_| bad())?;
                let span = seconds.checked_mul(SECOND).filter(|span| *span > 0);
                stops.duration_ns = Some(span.ok_or_else(bad)?);
            }
            "packets" => stops.packets = Some(value.parse().map_err(|_| bad())?),
            _ => return Err(bad()),
        }
    }
    Ok(stops)
}

fn ring(words: &[String]) -> Result<Ring, String> {
    let mut ring = Ring::default();
    for word in words {
        let bad = || format!("-b {word}: expected filesize:KB or files:N");
        let (kind, value) = word.split_once(':').ok_or_else(bad)?;
        let number: u64 = value
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(bad)?;
        match kind {
            "filesize" => ring.file_octets = Some(number.saturating_mul(1000)),
            "files" => ring.files = usize::try_from(number).ok(),
            _ => return Err(bad()),
        }
    }
    if ring.files.is_some() && ring.file_octets.is_none() {
        return Err("-b files:N needs -b filesize:KB".to_owned());
    }
    Ok(ring)
}

/// Packets on their way into the report and the file.
struct Watching {
    reporter: Reporter,
    keeper: Option<Keeper>,
    kept: io::Result<()>,
    until: Option<Timestamp>,
    duration_ns: Option<i64>,
    left: Option<u64>,
}

impl LiveSink for Watching {
    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        if let Some(keeper) = &mut self.keeper {
            self.kept = keeper.packet(packet);
            if self.kept.is_err() {
                return false;
            }
        }
        let more = self.reporter.packet(packet);
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        more && self.left != Some(0)
    }

    fn tick(&mut self, now: Timestamp) -> bool {
        self.reporter.inspector.handle_timeout(now);
        self.reporter.drain();
        if let Some(keeper) = &mut self.keeper {
            self.kept = keeper.tick(now);
        }
        if let Some(duration) = self.duration_ns {
            let until = *self.until.get_or_insert(now.offset(duration));
            if now >= until {
                return false;
            }
        }
        self.kept.is_ok() && self.reporter.is_writable()
    }

    fn notice(&mut self, interface: &str, what: &str) {
        notices::warning(&format!("{interface} {what}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_and_rings_are_words() {
        let words = |list: &[&str]| {
            list.iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let both = stops(&words(&["duration:2", "packets:9"])).expect("good");
        assert_eq!(
            (both.duration_ns, both.packets),
            (Some(2 * SECOND), Some(9))
        );
        for bad in ["duration", "duration:x", "duration:0", "filesize:3"] {
            assert!(stops(&words(&[bad])).is_err(), "{bad}");
        }
        let ring_of = |list: &[&str]| ring(&words(list)).ok();
        let expected = Ring {
            file_octets: Some(5000),
            files: Some(2),
        };
        assert_eq!(ring_of(&["filesize:5", "files:2"]), Some(expected));
        for bad in ["files:2", "filesize:0", "size:3"] {
            assert_eq!(ring_of(&[bad]), None, "{bad}");
        }
    }
}
