//! Whom probes ask: names looked up, over what, and whom TLS trusts.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::probe::unwritten;
use super::probe_args::{ProbeCommon, ResolverArgs, SipStream, Stream, TlsArgs};
use super::{ExitStatus, notices};
use crate::net::Endpoint;
use crate::probe::dns::{self, DnsProbe};
use crate::probe::driver::{self, Options, Tap};
use crate::probe::target::{self, Family, SipTarget, Target, resolve};
use crate::probe::{Carrier, Trust};
use crate::report::ProbeStep;

/// The port of STUN (RFC 8489, 18.6).
const STUN_PORT: u16 = 3478;

/// Whom a SIP URI names, where that is, and over what it is asked.
pub(super) struct Located {
    pub uri: SipTarget,
    pub target: Target,
    pub carrier: Carrier,
    pub trust: Option<Trust>,
    /// What was asked of DNS, and where its packets went.
    pub lookup: Vec<ProbeStep>,
    pub tap: Option<Tap>,
}

pub(super) fn locate(
    text: &str,
    transport: Option<SipStream>,
    tls: &TlsArgs,
    resolver_args: &ResolverArgs,
    common: &ProbeCommon,
) -> Result<Located, ExitStatus> {
    let uri = SipTarget::parse(text).map_err(|why| {
        notices::error(&format!("probe {text}: {why}"));
        ExitStatus::Usage
    })?;
    let family = common.family();
    let wanted = transport.map(SipStream::carrier).or(uri.carrier);
    if wanted.is_some_and(|own| !own.is_secure()) && uri.is_secure {
        notices::error(&format!("probe {text}: sips goes over nothing but TLS"));
        return Err(ExitStatus::Usage);
    }
    let plain = if uri.is_secure {
        Carrier::Tls
    } else {
        Carrier::Udp
    };
    let is_named =
        uri.port.is_none() && uri.host.contains('.') && uri.host.parse::<IpAddr>().is_err();
    let looked_up = match is_named {
        true => look_up(&uri, wanted, resolver_args, common)?,
        false => None,
    };
    let (mut target, carrier, lookup, tap) = match looked_up {
        Some(Lookup {
            endpoints,
            carrier,
            steps,
            tap,
        }) if !endpoints.is_empty() => {
            let target = Target {
                name: String::new(),
                endpoints,
                is_numeric: false,
            };
            (target, carrier, steps, Some(tap))
        }
        other => {
            let carrier = wanted.unwrap_or(plain);
            let target = find_at(&uri.host_port, carrier.port(), family)?;
            let (steps, tap) = other.map(|own| (own.steps, own.tap)).unzip();
            (target, carrier, steps.unwrap_or_default(), tap)
        }
    };
    text.clone_into(&mut target.name);
    let trust = trust(tls, &uri.host, carrier)?;
    Ok(Located {
        uri,
        target,
        carrier,
        trust,
        lookup,
        tap,
    })
}

/// What DNS says of a host.
struct Lookup {
    endpoints: Vec<Endpoint>,
    carrier: Carrier,
    steps: Vec<ProbeStep>,
    tap: Tap,
}

/// Looks a host up as RFC 3263 has it; nothing, where the system names no resolver.
fn look_up(
    uri: &SipTarget,
    wanted: Option<Carrier>,
    args: &ResolverArgs,
    common: &ProbeCommon,
) -> Result<Option<Lookup>, ExitStatus> {
    let resolver = match (&args.resolver, system_resolver(Family::Any)) {
        (Some(_), _) => resolver(args, Family::Any)?,
        (None, Some(resolver)) => resolver,
        (None, None) => return Ok(None),
    };
    let mut tap = Tap::new(common.write.as_deref())
        .map_err(|error| unwritten(common.write.as_deref(), &error))?;
    let mut probe = DnsProbe::new(dns::Config {
        resolver,
        wanted: dns::Wanted::Uri(dns::Uri {
            is_secure: uri.is_secure,
            host: uri.host.clone(),
            port: None,
            transport: wanted,
        }),
        rng: fastrand::Rng::new(),
    });
    let options = Options {
        // The resolver may be elsewhere than the server.
        source: None,
        interface: None,
        rate: common.rate,
        packets: 200,
        deadline: Duration::from_secs(8),
        trust: None,
        hears_icmp: true,
    };
    let run = driver::run(&mut probe, &options, &mut tap).map_err(|error| {
        notices::error(&format!("probe {}: {error}", uri.host));
        ExitStatus::Internal
    })?;
    let targets = probe.targets().into_iter();
    let targets: Vec<(Carrier, Endpoint)> = targets
        .filter(|(carrier, to)| *carrier != Carrier::Sctp && common.family().has(to.ip))
        .collect();
    let carrier = targets.first().map_or(Carrier::Udp, |own| own.0);
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for (_, to) in targets.iter().filter(|own| own.0 == carrier) {
        if target::check(to.ip).is_err() {
            notices::error(&format!("probe {}: {} is not one host", uri.host, to.ip));
            return Err(ExitStatus::Usage);
        }
        if !endpoints.contains(to) {
            endpoints.push(*to);
        }
    }
    Ok(Some(Lookup {
        endpoints,
        carrier,
        steps: run.found.steps,
        tap,
    }))
}

/// Whom TLS trusts, where it is spoken.
fn trust(args: &TlsArgs, host: &str, carrier: Carrier) -> Result<Option<Trust>, ExitStatus> {
    let name = args.tls_name.as_deref().unwrap_or(host);
    if !carrier.is_secure() {
        return Ok(None);
    }
    let trust = Trust::new(args.ca.as_deref(), args.insecure).map_err(|error| {
        let path = args.ca.as_deref().unwrap_or_else(|| Path::new("-"));
        notices::error(&format!("{}: can't be read: {error}", path.display()));
        ExitStatus::Input
    })?;
    Ok(Some(match name.parse::<IpAddr>() {
        Ok(_) if args.tls_name.is_none() => trust,
        _ => trust.named(name),
    }))
}

/// Who is asked for names: who was named, or the first of the system's.
pub(super) fn resolver(args: &ResolverArgs, family: Family) -> Result<Endpoint, ExitStatus> {
    if let Some(text) = &args.resolver {
        let target = find_at(text, 53, family)?;
        return target.endpoints.first().copied().ok_or(ExitStatus::Usage);
    }
    system_resolver(family).ok_or_else(|| {
        notices::error("probe: the system names no resolver; say --resolver");
        ExitStatus::Usage
    })
}

/// The first resolver that the system names.
fn system_resolver(family: Family) -> Option<Endpoint> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let mut servers = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_server = words.next() == Some("nameserver");
        words.next().filter(|_| is_server)?.parse().ok()
    });
    let found = servers.find(|own| family.has(*own))?;
    Some(Endpoint::new(found, 53))
}

/// A STUN or TURN server, and whom TLS to it trusts.
pub(super) fn relay_server(
    server: &str,
    transport: Stream,
    tls: &TlsArgs,
    common: &ProbeCommon,
) -> Result<(Target, Option<Trust>), ExitStatus> {
    let carrier = transport.carrier();
    // RFC 8489, 18.6.
    let port = if carrier.is_secure() { 5349 } else { STUN_PORT };
    let target = find_at(server, port, common.family())?;
    let trust = trust(tls, target::host(&target.name), carrier)?;
    Ok((target, trust))
}

pub(super) fn find(server: &str, family: Family) -> Result<Target, ExitStatus> {
    find_at(server, STUN_PORT, family)
}

pub(super) fn find_at(server: &str, port: u16, family: Family) -> Result<Target, ExitStatus> {
    resolve(server, port, family).map_err(|error| {
        notices::error(&format!("probe: {error}"));
        match error {
            crate::probe::target::TargetError::Unknown { .. } => ExitStatus::NoAnswer,
            _ => ExitStatus::Usage,
        }
    })
}
