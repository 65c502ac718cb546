//! Both sides of an ICE session took the same role.
//!
//! One decides on the pair, the other follows. Where both decide, checks are refused with 487
//! until the one with the smaller tie-breaker gives way; if none does, no pair is agreed on.
//!
//! Fix: look whether something between the two made an offer toward both; each must change
//! its role when it is refused with 487.

use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::stun::IceRole;

pub(super) const RULE: Rule = Rule {
    code: "ICE002",
    name: "role-conflict",
    severity: Severity::Warning,
    rfc: "RFC 8445",
    section: "7.3.1.1",
    source: include_str!("ice002.rs"),
    flags: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         5 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlling=yes",
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         2 B:5000>A:4000 stun error=487 id=1
         5 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlled=yes
         6 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlling=yes",
    ],
    accepts: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         5 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlled=yes",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    let [one, other] = &session.agents;
    let Some(role) = one.role.filter(|_| one.role == other.role) else {
        if session.role_conflicts > 0 {
            found.add(
                format!(
                    "both sides wanted the same role: {} checks were refused with 487, then they \
                     agreed",
                    session.role_conflicts
                ),
                [session.first],
            );
        }
        return;
    };
    let role = match role {
        IceRole::Controlling => "to decide",
        IceRole::Controlled => "to follow",
    };
    found.add(
        format!("both sides of the ICE session want {role}, and neither gave way"),
        [session.first],
    );
}
