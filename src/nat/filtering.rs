//! What a NAT, or a firewall, lets in (RFC 4787, 5).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::behavior::{Dependence, Elimination};
use super::contacts::Contacts;
use super::device::{Realm, is_measured};
use crate::engine::nat::{Binding, Contact, FilterTest, Learned, NatFacts};
use crate::net::{Endpoint, Transport};
use crate::packet::CapturePoint;
use crate::time::{SECOND, Timestamp};

/// Who is asked about: hosts, and the bindings that lead to them. A host
/// without a NAT has bindings to itself.
#[derive(Clone, Debug)]
pub struct Filtered<'a> {
    /// The hosts, as they know themselves.
    pub hosts: &'a BTreeSet<IpAddr>,
    /// How they are seen.
    pub bindings: &'a [&'a Binding],
    /// Whether something reads SIP and opens holes by it.
    pub has_alg: bool,
}

/// A binding is alive this long after a packet (RFC 4787, REQ-5 asks for 120).
const ALIVE_NS: i64 = 30 * SECOND;

/// What tests and unasked packets leave possible.
#[must_use]
pub fn filtering(subject: &Filtered<'_>, facts: &NatFacts, contacts: &Contacts) -> Elimination {
    let mut left = Elimination::default();
    tests(subject, facts, contacts, &mut left);
    unasked(subject, contacts, &mut left);
    kept_out(subject, contacts, &mut left);
    left
}

/// How one endpoint stood to another before a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It had sent nothing to that address.
    Nothing,
    /// It had sent to another port of it.
    Address,
    /// It had sent right there.
    Endpoint,
}

fn known(contacts: &Contacts, own: Endpoint, other: Endpoint, before: Timestamp) -> Known {
    let mut known = Known::Nothing;
    for contact in contacts.from(own) {
        let flow = contact.flow;
        if flow.dst.ip != other.ip || contact.first.timestamp > before {
            continue;
        }
        if flow.dst.port == other.port {
            return Known::Endpoint;
        }
        known = Known::Address;
    }
    known
}

/// Requests that wanted their answer from elsewhere (RFC 5780, 4.4).
fn tests(subject: &Filtered<'_>, facts: &NatFacts, contacts: &Contacts, left: &mut Elimination) {
    let own: Vec<&FilterTest> = facts
        .filter_tests()
        .iter()
        .filter(|test| subject.hosts.contains(&test.asker.ip))
        .collect();
    for test in &own {
        let Some(other) = facts.other_address(test.server) else {
            continue;
        };
        let expected = Endpoint::new(
            if test.change_ip {
                other.ip
            } else {
                test.server.ip
            },
            if test.change_port {
                other.port
            } else {
                test.server.port
            },
        );
        let stood = known(contacts, test.asker, expected, facts.moment(test.at));
        let is_dropped = is_dropped(contacts, expected, test.asker);
        if test.answered_from == Some(expected) && !is_dropped {
            let possible: &[Dependence] = match stood {
                Known::Nothing => &[Dependence::Endpoint],
                Known::Address => &[Dependence::Endpoint, Dependence::Address],
                Known::Endpoint => continue,
            };
            left.only(possible, test.at, || {
                format!(
                    "{} is answered from {expected}, which it had not asked",
                    test.asker
                )
            });
        } else if is_dropped || is_refused(test, &own, facts) {
            let possible: &[Dependence] = match stood {
                Known::Nothing => &[Dependence::Address, Dependence::AddressAndPort],
                Known::Address => &[Dependence::AddressAndPort],
                Known::Endpoint => continue,
            };
            left.only(possible, test.at, || {
                format!(
                    "{} gets no answer from {expected}, which it had not asked",
                    test.asker
                )
            });
        }
    }
}

/// Whether packets toward a host were captured before a firewall and not behind
/// it, where others of the host's were captured on both sides.
fn is_dropped(contacts: &Contacts, from: Endpoint, host: Endpoint) -> bool {
    let mut came = contacts
        .from(from)
        .filter(|own| own.flow.dst == host)
        .peekable();
    came.peek().is_some()
        && came.all(|own| own.passed == 0 && own.paired == 0)
        && contacts.from(host).any(|own| own.passed > 0)
}

/// Whether a missing answer was kept out, not lost: it was seen outside, or it
/// was asked for again and again.
fn is_refused(test: &FilterTest, all: &[&FilterTest], facts: &NatFacts) -> bool {
    let seen_outside = facts.filter_tests().iter().any(|twin| {
        twin.transaction == test.transaction
            && twin.asker != test.asker
            && twin.answered_from.is_some()
    });
    let same = |other: &&&FilterTest| {
        other.asker.ip == test.asker.ip
            && other.server == test.server
            && (other.change_ip, other.change_port) == (test.change_ip, test.change_port)
    };
    let (mut asked, mut answered) = (0, 0);
    for other in all.iter().filter(same) {
        asked += 1;
        answered += u32::from(other.answered_from.is_some());
    }
    test.answered_from.is_none() && answered == 0 && (seen_outside || asked >= 2)
}

/// Packets that came in from where nothing had been sent to.
fn unasked(subject: &Filtered<'_>, contacts: &Contacts, left: &mut Elimination) {
    // What reads SIP opens holes that the filter would not.
    if subject.has_alg {
        return;
    }
    let came_in = subject
        .hosts
        .iter()
        .flat_map(|host| contacts.to_host(*host));
    for contact in came_in {
        let (from, to) = (contact.flow.src, contact.flow.dst);
        let came = contact.first;
        let is_outside = Realm::of(from.ip) == Realm::Global && !subject.hosts.contains(&from.ip);
        if !is_outside || contact.flow.transport != Transport::Udp {
            continue;
        }
        // A port that a server listens on may be forwarded for good; one that
        // was measured before is a client's.
        let opened = subject.bindings.iter().any(|own| {
            own.inside == to
                && own.is_learned(Learned::Stun)
                && own.first.timestamp <= came.timestamp
                && own.remote.is_some_and(|remote| remote.ip != from.ip)
        });
        // A port that the NAT was asked for is open to all.
        let is_granted = || {
            let mut bindings = subject.bindings.iter();
            bindings.any(|own| own.inside == to && own.is_learned(Learned::Granted))
        };
        let is_own = subject.bindings.iter().any(|own| own.outside.ip == from.ip);
        let is_lost = is_dropped(contacts, from, to);
        if !opened || is_granted() || is_own || is_lost || !is_let_in(subject, contacts, contact) {
            continue;
        }
        let possible: &[Dependence] = match known(contacts, to, from, came.timestamp) {
            Known::Nothing => &[Dependence::Endpoint],
            Known::Address => &[Dependence::Endpoint, Dependence::Address],
            Known::Endpoint => continue,
        };
        left.only(possible, came, || {
            format!("{from} reaches {to}, which had not sent there")
        });
    }
}

/// Whether a packet toward an inside address was captured inside, not on its
/// way to nowhere outside: where the host's own packets pass as it sends them,
/// and not as they leave the NAT as well.
fn is_let_in(subject: &Filtered<'_>, contacts: &Contacts, came: &Contact) -> bool {
    let host = came.flow.dst;
    let passes = |src: Endpoint| {
        contacts
            .from(src)
            .any(|own| own.capture_point == came.capture_point)
    };
    let passes_inside = passes(host);
    let passes_outside = subject
        .bindings
        .iter()
        .any(|binding| binding.inside == host && !binding.is_identity() && passes(binding.outside));
    passes_inside && (came.paired > 0 || !passes_outside)
}

/// Packets that were seen outside and never inside.
fn kept_out(subject: &Filtered<'_>, contacts: &Contacts, left: &mut Elimination) {
    let outside: BTreeSet<Endpoint> = subject
        .bindings
        .iter()
        .filter(|own| own.is_paired() && !own.is_identity())
        .map(|own| own.outside)
        .collect();
    for contact in outside.into_iter().flat_map(|own| contacts.to(own)) {
        let (from, to) = (contact.flow.src, contact.flow.dst);
        let came = contact.first.timestamp;
        if contact.paired > 0 || contact.flow.transport != Transport::Udp {
            continue;
        }
        // The binding stood, and both sides were being captured.
        let standing = subject.bindings.iter().find(|own| {
            own.outside == to
                && own.is_paired()
                && !own.is_identity()
                && own.first.timestamp <= came
                && came.since(own.last) < ALIVE_NS
        });
        let Some(binding) = standing else { continue };
        let is_watched = subject
            .bindings
            .iter()
            .any(|own| own.is_paired() && own.last >= came);
        let came_through = contacts
            .from(from)
            .any(|other| other.flow.dst == binding.inside);
        if !is_watched || came_through || is_inside(contacts, from, contact.capture_point) {
            continue;
        }
        let possible: &[Dependence] = match known(contacts, binding.inside, from, came) {
            Known::Nothing => &[Dependence::Address, Dependence::AddressAndPort],
            Known::Address => &[Dependence::AddressAndPort],
            Known::Endpoint => continue,
        };
        left.only(possible, contact.first, || {
            format!(
                "what {from} sends to {to} is not let in to {}",
                binding.inside
            )
        });
    }
}

/// Whether an endpoint is itself inside, as the one who is translated.
fn is_inside(contacts: &Contacts, endpoint: Endpoint, point: CapturePoint) -> bool {
    Realm::of(endpoint.ip) != Realm::Global
        && contacts
            .from(endpoint)
            .any(|own| own.capture_point == point && own.paired > 0)
}

/// Whether a host is seen by others as it knows itself.
#[must_use]
pub fn is_untranslated(binding: &Binding) -> bool {
    let is_far = |remote: Endpoint| Realm::of(remote.ip) == Realm::Global;
    binding.is_identity() && is_measured(binding) && binding.remote.is_some_and(is_far)
}
