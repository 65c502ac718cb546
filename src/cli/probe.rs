//! `probe`: asks servers, and tells what their answers show.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::args::PlainFormat;
use super::probe_args::{
    Codec, Login, MIRROR_AWAY, Probe as ProbeArgs, ProbeAlg, ProbeCall, ProbeCommon, ProbeDns,
    ProbeNat, ProbeOptions, ProbeRegister, ProbeStun, ProbeTurn,
};
use super::probe_expect::Expectation;
use super::probe_target::{Located, find, find_at, locate, relay_server, resolver};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::output::escape::write_json;
use crate::output::probe::print;
use crate::probe::alg::{self, AlgProbe};
use crate::probe::call::{self, CallProbe, numbers};
use crate::probe::dns::{self, DnsProbe};
use crate::probe::driver::{self, Options, Tap};
use crate::probe::nat::NatProbe;
use crate::probe::options::OptionsProbe;
use crate::probe::register::RegisterProbe;
use crate::probe::stun::StunProbe;
use crate::probe::target::{SipTarget, Target};
use crate::probe::turn::{self, TurnProbe};
use crate::probe::{Credentials, Ending, Ids, Probe, Trust, nat, options, register, stun};
use crate::report::{
    CallMeasurements, Measurements, ProbeEvidence, ProbeReport, ProbeStep, SCHEMA,
};

/// Seconds that a call may ring and talk, unless told otherwise; it takes some more
/// to end it.
const LONGEST_CALL_S: u64 = 50;

/// Runs the verb.
pub(super) fn run(args: &ProbeArgs) -> ExitStatus {
    let status = match args {
        ProbeArgs::Stun(args) => stun_server(args),
        ProbeArgs::Nat(args) => behavior(args),
        ProbeArgs::Options(args) => options_ping(args),
        ProbeArgs::Register(args) => registrar(args),
        ProbeArgs::Call(args) => test_call(args),
        ProbeArgs::Turn(args) => relay(args),
        ProbeArgs::Dns(args) => names(args),
        ProbeArgs::Alg(args) => middlebox(args),
    };
    status.unwrap_or_else(|status| status)
}

fn stun_server(args: &ProbeStun) -> Result<ExitStatus, ExitStatus> {
    let (target, trust) = relay_server(&args.server, args.transport, &args.tls, &args.common)?;
    let password = match args.user.as_str() {
        "" => None,
        _ => password(args.password_file.as_deref())?,
    };
    let interval = Duration::from_millis(args.interval);
    let mut probe = StunProbe::new(stun::Config {
        credentials: Credentials {
            user: args.user.clone(),
            password,
            realm: None,
        },
        servers: target.endpoints.clone(),
        transport: args.transport.carrier(),
        count: args.count,
        interval_ns: i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX),
        ids: Ids::Random,
    });
    // Each address may be silent, and then all requests take their time.
    let addresses = u64::try_from(target.endpoints.len()).unwrap_or(1);
    let usual = addresses * 6 + u64::from(args.count) * (args.interval / 1000 + 1) + 6;
    let plan = Plan {
        trust,
        ..Plan::new("stun", vec![target], usual)
    };
    Ok(drive(plan, &mut probe, &args.common))
}

fn behavior(args: &ProbeNat) -> Result<ExitStatus, ExitStatus> {
    let mut targets = Vec::new();
    for server in &args.servers {
        match find(server, args.common.family()) {
            Ok(target) => targets.push(target),
            Err(status) => return Err(status),
        }
    }
    let mut probe = NatProbe::new(nat::Config {
        servers: targets
            .iter()
            .flat_map(|own| own.endpoints.iter().copied())
            .collect(),
        lifetime_s: args.lifetime.unwrap_or(0),
        tcp: args.tcp,
        ids: Ids::Random,
        rng: fastrand::Rng::new(),
    });
    // The watch may be repeated with shorter spans.
    let usual = 60 + 6 * targets.len() as u64 + args.lifetime.unwrap_or(0) * 5;
    Ok(drive(
        Plan::new("nat", targets, usual),
        &mut probe,
        &args.common,
    ))
}

fn registrar(args: &ProbeRegister) -> Result<ExitStatus, ExitStatus> {
    let located = locate(
        &args.uri,
        args.transport,
        &args.tls,
        &args.resolver,
        &args.common,
    );
    let located = located?;
    let uri = located.uri.clone();
    if uri.user.is_empty() {
        notices::error(&format!("probe register {}: no user to register", args.uri));
        return Err(ExitStatus::Usage);
    }
    let credentials = credentials(&args.login, &uri.user)?;
    let mut probe = RegisterProbe::new(register::Config {
        servers: located.target.endpoints.clone(),
        target: uri,
        credentials,
        transport: located.carrier,
        expires_s: args.expires,
        rng: fastrand::Rng::new(),
    });
    Ok(drive(
        located.plan("register", 60),
        &mut probe,
        &args.common,
    ))
}

fn test_call(args: &ProbeCall) -> Result<ExitStatus, ExitStatus> {
    let refuse = |why: &str| {
        notices::error(&format!("probe call {}: {why}", args.uri));
        Err(ExitStatus::Usage)
    };
    let uri = match SipTarget::parse(&args.uri) {
        Ok(uri) if uri.user.is_empty() => return refuse("no user to call"),
        Ok(uri) => uri,
        Err(why) => return refuse(why),
    };
    if let Err(why) = numbers::check(&uri.user, &args.allow) {
        return refuse(&why);
    }
    let caller = match args.from.as_deref().map(SipTarget::parse) {
        None => None,
        Some(Ok(own)) if !own.user.is_empty() => Some(own),
        Some(Ok(_)) => return refuse("--from names no user"),
        Some(Err(why)) => return refuse(&format!("--from: {why}")),
    };
    let longest = args.ring + args.duration;
    if args.common.timeout.is_none() && longest > LONGEST_CALL_S {
        return refuse(&format!(
            "ringing and talking may take {longest} s; beyond {LONGEST_CALL_S} s say --timeout"
        ));
    }
    let digits = args.dtmf.as_deref().unwrap_or_default().chars();
    let Some(digits) = digits.map(call::event).collect::<Option<Vec<u8>>>() else {
        return refuse("--dtmf takes 0 to 9, *, #, A to D");
    };
    let known = serde_json::to_value(CallMeasurements::default()).unwrap_or_default();
    let expectations = args
        .expect
        .iter()
        .map(|own| Expectation::parse(own, &known));
    let expectations = match expectations.collect::<Result<Vec<_>, _>>() {
        Ok(expectations) => expectations,
        Err(why) => return refuse(&format!("--expect {why}")),
    };
    let located = locate(
        &args.uri,
        args.transport,
        &args.tls,
        &args.resolver,
        &args.common,
    );
    let located = located?;
    let uri = located.uri.clone();
    let user = caller.as_ref().map_or("probe", |own| own.user.as_str());
    let credentials = credentials(&args.login, user)?;
    let nanos =
        |seconds: u64| i64::try_from(Duration::from_secs(seconds).as_nanos()).unwrap_or(i64::MAX);
    let mut probe = CallProbe::new(call::Config {
        servers: located.target.endpoints.clone(),
        target: uri,
        caller,
        credentials,
        transport: located.carrier,
        talk_ns: nanos(args.duration),
        ring_ns: nanos(args.ring),
        payload_types: match args.codec {
            Codec::Pcmu => vec![0, 8],
            Codec::Pcma => vec![8, 0],
        },
        digits,
        rng: fastrand::Rng::new(),
    });
    let plan = Plan {
        packets: 1000 + longest * 55,
        expectations,
        ..located.plan("call", 60)
    };
    Ok(drive(plan, &mut probe, &args.common))
}

/// The password of a file, or of the environment.
fn password(path: Option<&Path>) -> Result<Option<String>, ExitStatus> {
    let Some(path) = path else {
        return Ok(std::env::var("SIP_INSPECT_PASSWORD").ok());
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().next().map(str::to_owned)),
        Err(error) => {
            notices::error(&format!("{}: can't be read: {error}", path.display()));
            Err(ExitStatus::Input)
        }
    }
}

fn relay(args: &ProbeTurn) -> Result<ExitStatus, ExitStatus> {
    let (target, trust) = relay_server(&args.server, args.transport, &args.tls, &args.common)?;
    let file = args
        .secret_file
        .as_deref()
        .or(args.password_file.as_deref());
    let password = password(file)?;
    let mut probe = TurnProbe::new(turn::Config {
        servers: target.endpoints.clone(),
        transport: args.transport.carrier(),
        credentials: Credentials {
            user: args.user.clone(),
            password,
            realm: args.realm.clone(),
        },
        is_secret: args.secret_file.is_some(),
        count: args.count,
        rng: fastrand::Rng::new(),
    });
    let count = u64::from(args.count);
    let plan = Plan {
        packets: 1000 + count * 3,
        trust,
        ..Plan::new("turn", vec![target], 40 + count / 40)
    };
    Ok(drive(plan, &mut probe, &args.common))
}

/// What answers challenges.
fn credentials(login: &Login, user: &str) -> Result<Credentials, ExitStatus> {
    let password = password(login.password_file.as_deref())?;
    Ok(Credentials {
        user: login.auth_user.as_deref().unwrap_or(user).to_owned(),
        password,
        realm: login.realm.clone(),
    })
}

fn options_ping(args: &ProbeOptions) -> Result<ExitStatus, ExitStatus> {
    let located = locate(
        &args.uri,
        args.transport,
        &args.tls,
        &args.resolver,
        &args.common,
    );
    let located = located?;
    let uri = located.uri.clone();
    let addresses = u64::try_from(located.target.endpoints.len()).unwrap_or(1);
    let usual = addresses * 12 + u64::from(args.count) * (args.interval / 1000 + 1) + 60;
    let interval = Duration::from_millis(args.interval);
    let mut probe = OptionsProbe::new(options::Config {
        servers: located.target.endpoints.clone(),
        target: uri,
        transport: located.carrier,
        count: args.count,
        interval_ns: i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX),
        trace: args.trace,
        rng: fastrand::Rng::new(),
    });
    Ok(drive(
        located.plan("options", usual),
        &mut probe,
        &args.common,
    ))
}

fn middlebox(args: &ProbeAlg) -> Result<ExitStatus, ExitStatus> {
    let target = find_at(&args.server, 5060, args.common.family())?;
    let Some(server) = target.endpoints.first().copied() else {
        return Err(ExitStatus::Usage);
    };
    let control = args
        .control
        .unwrap_or(server.port.saturating_add(MIRROR_AWAY));
    if server.port == control {
        notices::error("probe alg: --control is to be another port than that of SIP");
        return Err(ExitStatus::Usage);
    }
    let mut probe = AlgProbe::new(alg::Config {
        server,
        control,
        rng: fastrand::Rng::new(),
    });
    // Twelve messages, each of which may be waited for.
    Ok(drive(
        Plan::new("alg", vec![target], 130),
        &mut probe,
        &args.common,
    ))
}

fn names(args: &ProbeDns) -> Result<ExitStatus, ExitStatus> {
    let refuse = |why: &str| {
        notices::error(&format!("probe dns: {why}"));
        Err(ExitStatus::Usage)
    };
    let (name, wanted) = match (&args.uri, &args.number) {
        (_, Some(number)) => {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let is_number = number
                .chars()
                .all(|own| own.is_ascii_digit() || "+-. ()".contains(own));
            if !is_number || !(3..=15).contains(&digits.len()) {
                return refuse("--enum takes a number with its country (RFC 6116)");
            }
            (number.clone(), dns::Wanted::Number(digits))
        }
        (Some(uri), None) => {
            let scheme = uri
                .split(':')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            let whole = match scheme.as_str() {
                "sip" | "sips" | "tel" => uri.clone(),
                _ => format!("sip:{uri}"),
            };
            match dns::located(&whole) {
                Some(own) => (uri.clone(), dns::Wanted::Uri(own)),
                None => return refuse("no sip: or sips: URI that can be followed"),
            }
        }
        (None, None) => return refuse("no URI and no number"),
    };
    let resolver = resolver(&args.resolver, args.common.family())?;
    let mut probe = DnsProbe::new(dns::Config {
        resolver,
        wanted,
        rng: fastrand::Rng::new(),
    });
    let target = Target {
        name,
        endpoints: vec![resolver],
        is_numeric: true,
    };
    Ok(drive(
        Plan::new("dns", vec![target], 30),
        &mut probe,
        &args.common,
    ))
}

impl Located {
    /// What is run against it.
    fn plan(self, name: &'static str, usual_s: u64) -> Plan {
        Plan {
            trust: self.trust,
            lookup: self.lookup,
            tap: self.tap,
            ..Plan::new(name, vec![self.target], usual_s)
        }
    }
}

/// What is run, and how far it may go by itself.
struct Plan {
    name: &'static str,
    targets: Vec<Target>,
    /// Seconds that it usually takes at most.
    usual_s: u64,
    packets: u64,
    expectations: Vec<Expectation>,
    trust: Option<Trust>,
    /// What was asked before, and where its packets went.
    lookup: Vec<ProbeStep>,
    tap: Option<Tap>,
}

impl Plan {
    const fn new(name: &'static str, targets: Vec<Target>, usual_s: u64) -> Self {
        Self {
            name,
            targets,
            usual_s,
            packets: 1000,
            expectations: Vec::new(),
            trust: None,
            lookup: Vec::new(),
            tap: None,
        }
    }
}

fn drive(plan: Plan, probe: &mut dyn Probe, common: &ProbeCommon) -> ExitStatus {
    let name = plan.name;
    let names: Vec<&str> = plan.targets.iter().map(|own| own.name.as_str()).collect();
    let target = names.join(", ");
    for own in plan.targets.iter().filter(|_| !common.quiet) {
        let addresses: Vec<String> = own.endpoints.iter().map(ToString::to_string).collect();
        if !own.is_numeric {
            notices::notice(&format!("{} is {}", own.name, addresses.join(", ")));
        }
    }
    let tap = plan
        .tap
        .map_or_else(|| Tap::new(common.write.as_deref()), Ok);
    let mut tap = match tap {
        Ok(tap) => tap,
        Err(error) => return unwritten(common.write.as_deref(), &error),
    };
    let options = Options {
        source: common.source,
        interface: common.interface.clone(),
        rate: common.rate,
        packets: common.max_packets.unwrap_or(plan.packets),
        deadline: Duration::from_secs(common.timeout.unwrap_or(plan.usual_s)),
        trust: plan.trust,
        hears_icmp: name != "nat",
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
    if !plan.expectations.is_empty() && found.ending != Ending::Inconclusive {
        let unmet = unmet(&plan.expectations, &found.measurements);
        for why in &unmet {
            notices::error(why);
        }
        if found.ending == Ending::Done && !unmet.is_empty() {
            found.ending = Ending::Failed;
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
        steps: [plan.lookup, found.steps].concat(),
        measurements: found.measurements,
        evidence: ProbeEvidence {
            packets_sent: sent,
            packets_received: received,
            strays: found.strays,
            capture: capture.map(|path| path.display().to_string()),
            cut_short: run.cut_short.map(str::to_owned),
            tls: run.tls,
            diagnostics,
        },
    };
    match told(&report, common) {
        ExitStatus::Done => status,
        failed => failed,
    }
}

fn unmet(expectations: &[Expectation], measurements: &Measurements) -> Vec<String> {
    let value = serde_json::to_value(measurements).unwrap_or_default();
    let unmet = expectations.iter().filter_map(|own| own.unmet(&value));
    unmet.collect()
}

pub(super) fn unwritten(path: Option<&Path>, error: &io::Error) -> ExitStatus {
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
