//! It took more than two seconds until ICE had a pair.
//!
//! The caller hears nothing for so long after the call was answered, or the first words are
//! lost.
//!
//! Fix: send the checks closer together and nominate the first pair that is good enough; look
//! which candidates were tried in vain before.

use crate::rules::ice::seconds;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "ICE021",
    name: "setup-slow",
    severity: Severity::Warning,
    source: include_str!("ice021.rs"),
    flags: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         2 B:5000>A:4000 stun success id=1
         2100 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         2102 B:5000>A:4000 stun success id=3",
    ],
    accepts: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         2 B:5000>A:4000 stun success id=1
         1900 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         1902 B:5000>A:4000 stun success id=3",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

/// Longer than this is noticed.
const SLOW_NS: i64 = 2 * SECOND;

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    let nominated = session.pairs.iter().filter_map(|own| own.nominated).min();
    let spent = nominated.map(|at| at.since(session.first.timestamp));
    if let Some(spent) = spent.filter(|spent| *spent > SLOW_NS) {
        let failed = session.pairs.iter().filter(|own| !own.is_valid()).count();
        found.add(
            format!(
                "the first pair was nominated {:.1} s after the first check, {failed} pairs came to \
                 nothing",
                seconds(spent)
            ),
            [session.first],
        );
    }
}
