//! `probe`: asks servers, and tells what their answers show.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::args::PlainFormat;
use super::probe_args::{
    Probe as ProbeArgs, ProbeCommon, ProbeNat, ProbeOptions, ProbeRegister, ProbeStun, Stream,
};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::net::Transport;
use crate::output::escape::write_json;
use crate::output::probe::print;
use crate::probe::driver::{self, Options, Tap};
use crate::probe::nat::NatProbe;
use crate::probe::options::OptionsProbe;
use crate::probe::register::RegisterProbe;
use crate::probe::stun::StunProbe;
use crate::probe::target::{Family, SipTarget, Target, resolve};
use crate::probe::{Ending, Ids, Probe, nat, options, register, stun};
use crate::report::{ProbeEvidence, ProbeReport, SCHEMA};

/// The port of STUN (RFC 8489, 18.6).
const STUN_PORT: u16 = 3478;

/// Runs the verb.
pub(super) fn run(args: &ProbeArgs) -> ExitStatus {
    match args {
        ProbeArgs::Stun(args) => stun_server(args),
        ProbeArgs::Nat(args) => behavior(args),
        ProbeArgs::Options(args) => options_ping(args),
        ProbeArgs::Register(args) => registrar(args),
    }
}

fn stun_server(args: &ProbeStun) -> ExitStatus {
    let target = match find(&args.server, args.common.family()) {
        Ok(target) => target,
        Err(status) => return status,
    };
    let interval = Duration::from_millis(args.interval);
    let mut probe = StunProbe::new(stun::Config {
        servers: target.endpoints.clone(),
        transport: match args.transport {
            Stream::Udp => Transport::Udp,
            Stream::Tcp => Transport::Tcp,
        },
        count: args.count,
        interval_ns: i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX),
        ids: Ids::Random,
    });
    // Each address may be silent, and then all requests take their time.
    let addresses = u64::try_from(target.endpoints.len()).unwrap_or(1);
    let usual = addresses * 6 + u64::from(args.count) * (args.interval / 1000 + 1) + 6;
    drive("stun", &[target], &mut probe, &args.common, usual)
}

fn behavior(args: &ProbeNat) -> ExitStatus {
    let mut targets = Vec::new();
    for server in &args.servers {
        match find(server, args.common.family()) {
            Ok(target) => targets.push(target),
            Err(status) => return status,
        }
    }
    let mut probe = NatProbe::new(nat::Config {
        servers: targets
            .iter()
            .flat_map(|own| own.endpoints.iter().copied())
            .collect(),
        lifetime_s: args.lifetime.unwrap_or(0),
        ids: Ids::Random,
        rng: fastrand::Rng::new(),
    });
    // The watch may be repeated with shorter spans.
    let usual = 60 + 6 * targets.len() as u64 + args.lifetime.unwrap_or(0) * 5;
    drive("nat", &targets, &mut probe, &args.common, usual)
}

/// Whom a SIP URI names, where that is, and over what it is asked.
fn sip_server(
    text: &str,
    transport: Option<Stream>,
    family: Family,
) -> Result<(SipTarget, Target, Transport), ExitStatus> {
    let uri = SipTarget::parse(text).map_err(|why| {
        notices::error(&format!("probe {text}: {why}"));
        ExitStatus::Usage
    })?;
    let target = find_at(&uri.host_port, 5060, family)?;
    let transport = match transport {
        Some(Stream::Tcp) => Transport::Tcp,
        Some(Stream::Udp) => Transport::Udp,
        None if uri.is_tcp => Transport::Tcp,
        None => Transport::Udp,
    };
    Ok((uri, target, transport))
}

fn registrar(args: &ProbeRegister) -> ExitStatus {
    let family = args.common.family();
    let (uri, target, transport) = match sip_server(&args.uri, args.transport, family) {
        Ok(found) => found,
        Err(status) => return status,
    };
    if uri.user.is_empty() {
        notices::error(&format!("probe register {}: no user to register", args.uri));
        return ExitStatus::Usage;
    }
    let password = match &args.password_file {
        None => std::env::var("SIP_INSPECT_PASSWORD").ok(),
        Some(path) => match std::fs::read_to_string(path) {
            Ok(text) => text.lines().next().map(str::to_owned),
            Err(error) => {
                notices::error(&format!("{}: can't be read: {error}", path.display()));
                return ExitStatus::Input;
            }
        },
    };
    let mut probe = RegisterProbe::new(register::Config {
        servers: target.endpoints.clone(),
        user: uri.user,
        host: uri.host,
        auth_user: args.auth_user.clone(),
        password,
        realm: args.realm.clone(),
        transport,
        expires_s: args.expires,
        rng: fastrand::Rng::new(),
    });
    drive("register", &[target], &mut probe, &args.common, 60)
}

fn options_ping(args: &ProbeOptions) -> ExitStatus {
    let family = args.common.family();
    let (uri, target, transport) = match sip_server(&args.uri, args.transport, family) {
        Ok(found) => found,
        Err(status) => return status,
    };
    let addresses = u64::try_from(target.endpoints.len()).unwrap_or(1);
    let usual = addresses * 12 + u64::from(args.count) * (args.interval / 1000 + 1) + 60;
    let interval = Duration::from_millis(args.interval);
    let mut probe = OptionsProbe::new(options::Config {
        servers: target.endpoints.clone(),
        user: uri.user,
        host: uri.host,
        transport,
        count: args.count,
        interval_ns: i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX),
        trace: args.trace,
        rng: fastrand::Rng::new(),
    });
    drive("options", &[target], &mut probe, &args.common, usual)
}

fn find(server: &str, family: Family) -> Result<Target, ExitStatus> {
    find_at(server, STUN_PORT, family)
}

fn find_at(server: &str, port: u16, family: Family) -> Result<Target, ExitStatus> {
    resolve(server, port, family).map_err(|error| {
        notices::error(&format!("probe: {error}"));
        match error {
            crate::probe::target::TargetError::Unknown { .. } => ExitStatus::NoAnswer,
            _ => ExitStatus::Usage,
        }
    })
}

fn drive(
    name: &str,
    targets: &[Target],
    probe: &mut dyn Probe,
    common: &ProbeCommon,
    usual_s: u64,
) -> ExitStatus {
    let names: Vec<&str> = targets.iter().map(|own| own.name.as_str()).collect();
    let target = names.join(", ");
    for own in targets.iter().filter(|_| !common.quiet) {
        let addresses: Vec<String> = own.endpoints.iter().map(ToString::to_string).collect();
        if addresses != [own.name.clone()] {
            notices::notice(&format!("{} is {}", own.name, addresses.join(", ")));
        }
    }
    let mut tap = match Tap::new(common.write.as_deref()) {
        Ok(tap) => tap,
        Err(error) => return unwritten(common.write.as_deref(), &error),
    };
    let options = Options {
        source: common.source,
        interface: common.interface.clone(),
        rate: common.rate,
        packets: common.max_packets,
        deadline: Duration::from_secs(common.timeout.unwrap_or(usual_s)),
    };
    let run = match driver::run(probe, &options, &mut tap) {
        Ok(run) => run,
        Err(error) => {
            notices::error(&format!("probe {name} {target}: {error}"));
            return ExitStatus::Internal;
        }
    };
    let (sent, received) = (tap.sent, tap.received);
    let (diagnostics, capture) = match tap.finish() {
        Ok(finished) => finished,
        Err(error) => return unwritten(common.write.as_deref(), &error),
    };
    let mut found = run.found;
    if let Some(why) = run.cut_short {
        notices::warning(&format!(
            "probe {name} {target}: {why}; what was found is kept"
        ));
        if found.ending == Ending::Done {
            found.ending = Ending::Inconclusive;
        }
    }
    let status = match found.ending {
        Ending::Done => ExitStatus::Done,
        Ending::Failed => ExitStatus::Failed,
        Ending::NoAnswer => ExitStatus::NoAnswer,
        Ending::Inconclusive => ExitStatus::Inconclusive,
    };
    let report = ProbeReport {
        schema: SCHEMA.to_owned(),
        probe: name.to_owned(),
        target,
        verdict: found.verdict,
        exit: status as u8,
        steps: found.steps,
        measurements: found.measurements,
        evidence: ProbeEvidence {
            packets_sent: sent,
            packets_received: received,
            strays: found.strays,
            capture: capture.map(|path| path.display().to_string()),
            cut_short: run.cut_short.map(str::to_owned),
            diagnostics,
        },
    };
    match told(&report, common) {
        ExitStatus::Done => status,
        failed => failed,
    }
}

fn unwritten(path: Option<&Path>, error: &io::Error) -> ExitStatus {
    let name = path.map(|path| path.display().to_string());
    let name = name.unwrap_or_else(|| "the capture".to_owned());
    notices::error(&format!("{name}: can't be written: {error}"));
    ExitStatus::Output
}

fn told(report: &ProbeReport, common: &ProbeCommon) -> ExitStatus {
    let (mut out, name): (Box<dyn Write>, String) = match &common.output {
        None => (Box::new(io::stdout().lock()), "standard output".to_owned()),
        Some(path) => match File::create(path) {
            Ok(file) => (Box::new(file), path.display().to_string()),
            Err(error) => return unwritten(Some(path), &error),
        },
    };
    let is_json = common.json || common.format == PlainFormat::Json;
    let written = match is_json {
        true => write_json(&mut out, report).and_then(|()| out.write_all(b"\n")),
        false => print(report, &mut out),
    };
    output_status(written.and_then(|()| out.flush()), &name)
}
