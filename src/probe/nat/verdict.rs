//! What the answers say of the NAT.

use super::NatProbe;
use crate::nat::behavior::{Dependence, nickname};
use crate::nat::ports::Ports;
use crate::nat::prediction::{Behavior, State as FilterState, predict};
use crate::net::Endpoint;
use crate::probe::client::{Answer, Exchange, State, step};
use crate::probe::{Ending, Found};
use crate::report::{Measurements, NatMeasurements, PeerPrediction, ProbeStep, rounded};

/// What is still possible of a behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Possible(Vec<Dependence>);

impl Possible {
    fn all() -> Self {
        Self(Dependence::ALL.to_vec())
    }

    fn only(&mut self, possible: &[Dependence]) {
        self.0.retain(|own| possible.contains(own));
    }

    fn verdict(&self) -> Option<Dependence> {
        match self.0.as_slice() {
            [verdict] => Some(*verdict),
            _ => None,
        }
    }

    fn name(&self) -> String {
        let verdict = self.verdict().map_or("unknown", Dependence::name);
        verdict.to_owned()
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|own| own.name().to_owned()).collect()
    }
}

/// The verdict so far.
pub(super) fn found(probe: &NatProbe) -> Found {
    let mut steps = steps(probe);
    let Some(first) = first_answer(probe) else {
        return unreached(probe, steps);
    };
    let mut not_judged = Vec::new();
    let is_translated = first.mapped.map(|mapped| mapped != first.local);
    let mapping = mapping(probe, &mut not_judged);
    let filtering = filtering(probe, &mapping, &mut not_judged);
    let tcp_mapping = tcp_mapping(probe, &mut not_judged);
    let ports = ports(probe);
    let span = probe.lifetime.as_ref().map(|own| own.span(&probe.client));
    if span.is_some_and(|own| !own.is_judged) {
        not_judged.push("lifetime: the server does not answer to another port".to_owned());
    }
    let (verdict, ending) = match (is_translated, mapping.verdict(), filtering.verdict()) {
        (Some(false), _, Some(Dependence::Endpoint)) => ("no-nat", Ending::Done),
        (Some(false), _, Some(_)) => ("firewall", Ending::Done),
        // Without an other address nobody can tell a firewall.
        (Some(false), _, None) => ("no-nat", Ending::Inconclusive),
        (Some(true), Some(_), Some(_)) => ("nat", Ending::Done),
        (Some(true), Some(_), None) if probe.other.is_none() => ("nat", Ending::Done),
        (Some(true), ..) => ("nat", Ending::Inconclusive),
        (None, ..) => ("inconclusive", Ending::Inconclusive),
    };
    steps.extend(hairpin_step(probe));
    let hairpinning = hairpinning(probe, &mapping, &filtering);
    let behavior = mapping.verdict().zip(filtering.verdict());
    let known = ports.as_ref().and_then(|own| own.allocation);
    let text = |endpoint: Endpoint| endpoint.to_string();
    let measurements = NatMeasurements {
        server: probe.primary.map(text),
        other_address: probe.other.map(text),
        local_address: Some(text(first.local)),
        mapped_address: first.mapped.map(text),
        is_translated,
        mapping: mapping.name(),
        mapping_values: mapping.names(),
        tcp_mapping,
        filtering: filtering.name(),
        filtering_values: filtering.names(),
        nickname: behavior
            .filter(|_| is_translated == Some(true))
            .map(|(mapping, filtering)| nickname(mapping, filtering).to_owned()),
        allocation: known.map_or("unknown", |own| own.name()).to_owned(),
        port_preservation: ports.as_ref().map(|own| rounded(own.preserved, 3)),
        port_parity: ports.as_ref().and_then(|own| own.parity),
        port_contiguity: ports.as_ref().and_then(|own| own.contiguity),
        pooling: pooling(probe).to_owned(),
        hairpinning: hairpinning.to_owned(),
        lifetime_at_least_s: span.and_then(|own| own.at_least_s),
        lifetime_at_most_s: span.and_then(|own| own.at_most_s),
        fragments: fragments(probe).to_owned(),
        is_rewritten: answers(probe).any(|own| own.rewritten.is_some()),
        not_judged,
        toward: behavior.map(toward).unwrap_or_default(),
    };
    Found {
        verdict: verdict.to_owned(),
        ending,
        steps,
        measurements: Measurements::Nat(Box::new(measurements)),
        strays: probe.client.strays,
    }
}

/// How TCP is mapped, where that was asked; the filter for TCP only a server shows that
/// connects back.
fn tcp_mapping(probe: &NatProbe, not_judged: &mut Vec<String>) -> Option<String> {
    let asked = &probe.asked.tcp_mapping;
    if asked.is_empty() {
        return None;
    }
    let seen: Vec<(Endpoint, Endpoint, Endpoint)> = asked
        .iter()
        .filter_map(|own| {
            let answer = probe.client.answer(*own)?;
            Some((probe.client.get(*own)?.to, answer.local, answer.mapped?))
        })
        .collect();
    let unknown = |why: &str, not_judged: &mut Vec<String>| {
        not_judged.push(format!("mapping of TCP: {why}"));
        Some("unknown".to_owned())
    };
    let Some((lead, local, first)) = seen.first().copied() else {
        return unknown("no connection", not_judged);
    };
    if seen.iter().any(|(_, own, _)| *own != local) {
        return unknown("the port was not free for each connection", not_judged);
    }
    // Toward which address, and toward which port of it.
    let alike = |by: &dyn Fn(Endpoint, Endpoint) -> bool| {
        let pairs = seen.iter().enumerate();
        let mut pairs = pairs.flat_map(|(place, one)| {
            let others = seen.iter().skip(place + 1);
            others.map(move |other| (one, other))
        });
        pairs.any(|(one, other)| by(one.0, other.0) && one.2 != other.2)
    };
    let by_port = alike(&|one, other| one.ip == other.ip && one.port != other.port);
    let by_address = alike(&|one, other| one.ip != other.ip);
    let has_ports = seen.iter().any(|(to, ..)| {
        let mut others = seen.iter();
        others.any(|(other, ..)| other.ip == to.ip && other.port != to.port)
    });
    let has_addresses = seen.iter().any(|(to, ..)| to.ip != lead.ip);
    let dependence = match (by_address, by_port) {
        (_, true) => Dependence::AddressAndPort,
        (true, false) if has_ports => Dependence::Address,
        (false, false) if has_addresses && seen.iter().all(|own| own.2 == first) => {
            Dependence::Endpoint
        }
        _ => return unknown("too few servers answered", not_judged),
    };
    Some(dependence.name().to_owned())
}

fn unreached(probe: &NatProbe, steps: Vec<ProbeStep>) -> Found {
    let over_tcp = probe
        .asked
        .tcp
        .iter()
        .find_map(|own| probe.client.answer(*own));
    let (verdict, ending) = match over_tcp {
        Some(_) => ("udp-blocked", Ending::Done),
        None => ("no-answer", Ending::NoAnswer),
    };
    let text = |endpoint: Endpoint| endpoint.to_string();
    let unknown = || "unknown".to_owned();
    let measurements = NatMeasurements {
        server: over_tcp.map(|own| text(own.from)),
        local_address: over_tcp.map(|own| text(own.local)),
        mapped_address: over_tcp.and_then(|own| own.mapped).map(text),
        is_translated: over_tcp.and_then(|own| Some(own.mapped?.ip != own.local.ip)),
        mapping: unknown(),
        filtering: unknown(),
        allocation: unknown(),
        pooling: unknown(),
        hairpinning: unknown(),
        fragments: unknown(),
        not_judged: vec!["all: no answer came over UDP".to_owned()],
        ..NatMeasurements::default()
    };
    Found {
        verdict: verdict.to_owned(),
        ending,
        steps,
        measurements: Measurements::Nat(Box::new(measurements)),
        strays: probe.client.strays,
    }
}

fn first_answer(probe: &NatProbe) -> Option<&Answer> {
    let mut reach = probe.asked.reach.iter();
    reach.find_map(|own| probe.client.answer(*own))
}

fn answers(probe: &NatProbe) -> impl Iterator<Item = &Answer> {
    let asked = &probe.asked;
    let all = [
        &asked.reach,
        &asked.mapping,
        &asked.still_heard,
        &asked.ports,
    ];
    all.into_iter()
        .flatten()
        .chain(&asked.again)
        .filter_map(|own| probe.client.answer(*own))
}

/// RFC 5780, 4.3: what one socket looks like to several remotes.
fn mapping(probe: &NatProbe, not_judged: &mut Vec<String>) -> Possible {
    use Dependence::{Address, AddressAndPort, Endpoint as Alone};
    let mut left = Possible::all();
    let exchanges: Vec<&Exchange> = (probe.asked.mapping.iter())
        .filter_map(|own| probe.client.get(*own))
        .collect();
    let samples: Vec<(Endpoint, Endpoint)> = exchanges
        .iter()
        .filter_map(|own| Some((own.to, own.answer()?.mapped?)))
        .collect();
    for (place, (to, seen)) in samples.iter().enumerate() {
        for (other_to, other_seen) in samples.iter().skip(place + 1) {
            left.only(match (to.ip == other_to.ip, seen == other_seen) {
                (false, true) => &[Alone],
                (true, true) => &[Alone, Address],
                (true, false) => &[AddressAndPort],
                (false, false) => &[Address, AddressAndPort],
            });
        }
    }
    // What held a moment ago must hold still; else the samples are of several
    // bindings.
    let first = exchanges.first().and_then(|own| own.answer()?.mapped);
    let again = probe
        .asked
        .again
        .and_then(|own| probe.client.answer(own)?.mapped);
    let fault = match (first, again) {
        _ if samples.len() < 2 => Some("mapping: fewer than two servers or addresses answered"),
        (Some(first), Some(again)) if first != again => {
            Some("mapping: the same server saw two addresses of one socket within seconds")
        }
        (_, None) => Some("mapping: whether the binding still stood is not known"),
        _ if left.0.is_empty() => Some("mapping: the answers contradict each other"),
        _ if left.0.len() > 1 => Some("mapping: a server with two ports, or a third, is needed"),
        _ => None,
    };
    if let Some(fault) = fault {
        not_judged.push(fault.to_owned());
    }
    let is_void = first.is_some() && again.is_some() && first != again;
    if is_void || again.is_none() || left.0.is_empty() {
        return Possible::all();
    }
    left
}

/// RFC 5780, 4.4: from where answers are let in.
fn filtering(probe: &NatProbe, mapping: &Possible, not_judged: &mut Vec<String>) -> Possible {
    use Dependence::{Address, AddressAndPort, Endpoint as Alone};
    let (Some(primary), Some(other)) = (probe.primary, probe.other) else {
        not_judged.push("filtering: no server has a second address (RFC 5780)".to_owned());
        return Possible::all();
    };
    let get = |own: Option<usize>| own.and_then(|own| probe.client.get(own));
    let both = get(probe.asked.change_both);
    let port = get(probe.asked.change_port);
    // Asked to answer from elsewhere, a server may refuse, or not care.
    let disobeys = |own: &Exchange| match (&own.state, own.wanted.change) {
        (State::Answered(answer), Some((ip, _))) => {
            let expected = if ip { other.ip } else { primary.ip };
            answer.error.is_some() || answer.from != Endpoint::new(expected, other.port)
        }
        (State::Refused(_), _) => true,
        _ => false,
    };
    let honesty: Vec<&Exchange> = (probe.asked.honesty.iter())
        .filter_map(|own| probe.client.get(*own))
        .collect();
    // The socket of the control has bindings everywhere, and connection tracking
    // may give what comes in by another of them another source: there only an
    // answer from where it was asked shows that nothing was changed.
    let is_ignored = |own: &Exchange| match &own.state {
        State::Answered(answer) => answer.error.is_some() || answer.from == primary,
        _ => false,
    };
    let tests = both.into_iter().chain(port);
    if tests.into_iter().any(disobeys) || honesty.iter().any(|own| is_ignored(own)) {
        not_judged
            .push("filtering: the server does not answer from where it is asked to".to_owned());
        return Possible::all();
    }
    if both.is_some_and(|own| own.answer().is_some()) {
        return Possible(vec![Alone]);
    }
    // From here on silence is to mean something: both sockets are still heard,
    // and the server answers from elsewhere where every filter lets it in.
    let still = |place: usize| {
        let again = probe.asked.still_heard.get(place);
        again.is_some_and(|own| probe.client.answer(*own).is_some())
    };
    let is_silent = |own: Option<&Exchange>| own.is_some_and(|own| own.state == State::Silent);
    let answered = |own: usize| honesty.get(own).is_some_and(|own| own.answer().is_some());
    // The socket that has sent everywhere has one binding for all of them where
    // the mapping is endpoint-independent, one for each address else; where it is
    // one for each port, no control can show it.
    let is_honest = match mapping.verdict() {
        Some(Alone) => (answered(0), answered(1)),
        Some(Address) => (answered(1), answered(1)),
        Some(AddressAndPort) => (true, true),
        None => (false, false),
    };
    if !still(0) || !is_silent(both) || !is_honest.0 {
        not_judged.push("filtering: that no answer came is not proved to mean anything".to_owned());
        return Possible::all();
    }
    if port.is_some_and(|own| own.answer().is_some()) {
        return Possible(vec![Address]);
    }
    if !still(1) || !is_silent(port) || !is_honest.1 {
        not_judged.push("filtering: whether it knows ports is not proved".to_owned());
        return Possible(vec![Address, AddressAndPort]);
    }
    Possible(vec![AddressAndPort])
}

fn ports(probe: &NatProbe) -> Option<Ports> {
    let pairs: Vec<(u16, u16)> = (probe.asked.ports.iter())
        .filter_map(|own| probe.client.answer(*own))
        .filter_map(|own| Some((own.local.port, own.mapped?.port)))
        .collect();
    (!pairs.is_empty()).then(|| Ports::of_sockets(&pairs))
}

/// RFC 4787, REQ-2, by sockets opened at once.
fn pooling(probe: &NatProbe) -> &'static str {
    let mut ips =
        (probe.asked.ports.iter()).filter_map(|own| Some(probe.client.answer(*own)?.mapped?.ip));
    let (first, mut rest) = (ips.next(), ips.peekable());
    match (first, rest.peek().is_some()) {
        (Some(first), true) if rest.all(|own| own == first) => "paired",
        (Some(_), true) => "arbitrary",
        _ => "unknown",
    }
}

/// RFC 4787, 6. What is kept out by the filter does not count: only where both
/// ends are seen the same by all is the filter open for the other.
fn hairpinning(probe: &NatProbe, mapping: &Possible, filtering: &Possible) -> &'static str {
    let is_open = [mapping, filtering]
        .iter()
        .any(|own| own.verdict() == Some(Dependence::Endpoint));
    let mut tries = probe
        .asked
        .hairpin
        .iter()
        .filter_map(|own| probe.client.get(*own));
    let is_silent = tries.next().is_some_and(|own| own.state == State::Silent);
    match probe.turned_back {
        Some(_) => "yes",
        None if is_silent && is_open && tries.all(|own| own.state == State::Silent) => "no",
        None => "unknown",
    }
}

fn hairpin_step(probe: &NatProbe) -> Option<ProbeStep> {
    let asked = probe.client.get(*probe.asked.hairpin.first()?)?;
    let other = |end: usize| {
        let own = probe.asked.hairpin_ends.get(1 - end.min(1))?;
        probe.client.answer(*own)?.mapped
    };
    let (outcome, says) = match probe.turned_back {
        Some(turned) if Some(turned.from) == other(turned.end) => {
            ("answered", "it turns back, from the outside address")
        }
        Some(_) => (
            "answered",
            "it turns back, but not from the outside address (RFC 4787, REQ-9)",
        ),
        None => ("silent", "nothing turns back"),
    };
    Some(ProbeStep {
        name: "hairpin".to_owned(),
        outcome: outcome.to_owned(),
        to: Some(asked.to.to_string()),
        says: says.to_owned(),
        sent: asked.copies as u64,
        rtt_ms: None,
    })
}

fn fragments(probe: &NatProbe) -> &'static str {
    let Some(asked) = probe.asked.padding.and_then(|own| probe.client.get(own)) else {
        return "unknown";
    };
    match &asked.state {
        State::Answered(answer) if answer.error.is_none() => "yes",
        // An attribute that is not known is no sign of the way.
        State::Silent => "no",
        _ => "unknown",
    }
}

/// What gets through to each kind of peer, the more pessimistic way.
fn toward((mapping, filtering): (Dependence, Dependence)) -> Vec<PeerPrediction> {
    let own = Behavior { mapping, filtering };
    let mut peers = Vec::new();
    for mapping in Dependence::ALL {
        for filtering in Dependence::ALL {
            let peer = Behavior { mapping, filtering };
            peers.push(PeerPrediction {
                mapping: mapping.name().to_owned(),
                filtering: filtering.name().to_owned(),
                outcome: predict(own, peer, FilterState::Mapping).name().to_owned(),
            });
        }
    }
    peers
}

/// Each thing that was tried, in order.
fn steps(probe: &NatProbe) -> Vec<ProbeStep> {
    let asked = &probe.asked;
    let groups: [(&str, Vec<usize>); 9] = [
        ("reach", asked.reach.clone()),
        ("reach over TCP", asked.tcp.clone()),
        (
            "filter, other address and port",
            asked.change_both.into_iter().collect(),
        ),
        (
            "filter, other port",
            asked.change_port.into_iter().collect(),
        ),
        ("mapping", asked.mapping.clone()),
        ("mapping again", asked.again.into_iter().collect()),
        ("control", [&asked.still_heard[..], &asked.honesty].concat()),
        ("ports", asked.ports.clone()),
        ("fragments", asked.padding.into_iter().collect()),
    ];
    let mut steps = Vec::new();
    for (name, numbers) in groups {
        for exchange in numbers.into_iter().filter_map(|own| probe.client.get(own)) {
            steps.push(step(name, exchange));
        }
    }
    steps
}
