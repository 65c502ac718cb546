//! A pair works, but for ten seconds nobody decides on it.
//!
//! Packets pass between the two, and the controlling side goes on trying without nominating a
//! pair. Many programs send no media before.
//!
//! Fix: let the controlling side nominate after a bounded time, whatever else it waits for.

use crate::engine::ice::IcePair;
use crate::rules::ice::{called, seconds};
use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::stun::IceRole;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "ICE007",
    name: "never-nominated",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "8.1.1",
    source: include_str!("ice007.rs"),
    flags: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         2 B:5000>A:4000 stun success id=1
         5 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlled=yes
         7 A:4000>B:5000 stun success id=2
         10005 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes",
    ],
    accepts: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         2 B:5000>A:4000 stun success id=1
         5 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlled=yes
         7 A:4000>B:5000 stun success id=2
         9005 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes",
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         2 B:5000>A:4000 stun success id=1
         10005 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

/// How long a pair that works may wait for the decision.
const PATIENCE_NS: i64 = 10 * SECOND;

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    if session.pairs.iter().any(|pair| pair.nominated.is_some()) {
        return;
    }
    let mut agents = session.agents.iter().enumerate();
    let deciding = agents.find(|(_, own)| own.role == Some(IceRole::Controlling));
    let Some((place, deciding)) = deciding else {
        return;
    };
    // Only where its own checks are captured would its decision be.
    let is_heard = |pair: &IcePair| pair.checks.get(place).is_some_and(|own| own.succeeded > 0);
    if !session.pairs.iter().any(is_heard) {
        return;
    }
    let works = |pair: &IcePair| {
        let firsts = pair.checks.iter().filter_map(|own| own.succeeded_at);
        firsts.map(|(first, _)| first).min()
    };
    let since = session.pairs.iter().filter_map(works).min();
    let Some(since) = since.filter(|since| session.last.since(*since) >= PATIENCE_NS) else {
        return;
    };
    found.add(
        format!(
            "a pair works since {:.1} s before the last check, and {} nominated none",
            seconds(session.last.since(since)),
            called(deciding)
        ),
        [session.first],
    );
}
