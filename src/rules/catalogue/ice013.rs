//! An agent begins its connectivity checks in a burst.
//!
//! Each new check makes a NAT open a binding. Agents therefore begin them one after the other,
//! 50 ms apart where nothing else was agreed on and never less than 5: NATs that see more at
//! once run out of bindings or drop some, and pairs fail that would have worked.
//!
//! Fix: let the agent pace its checks by a timer of 50 ms, with all its sessions and components
//! together; fewer candidates help too.

use crate::engine::ice::Pace;
use crate::rules::ice::called;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::time::{MILLISECOND, millis};

pub(super) const RULE: Rule = Rule {
    code: "ICE013",
    name: "pacing",
    severity: Severity::Info,
    rfc: "RFC 8445",
    section: "14.2",
    source: include_str!("ice013.rs"),
    flags: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes controlling=yes
         1 A:4000>C:5000 stun request id=2 username=bbbb:aaaa priority=yes controlling=yes
         1 A:4000>D:5000 stun request id=3 username=bbbb:aaaa priority=yes controlling=yes
         2 A:4000>E:5000 stun request id=4 username=bbbb:aaaa priority=yes controlling=yes
         9 A:4000>F:5000 stun request id=5 username=bbbb:aaaa priority=yes controlling=yes",
    ],
    accepts: &[
        // Half of the shortest time that is allowed: how packets bunch on the way explains it.
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes controlling=yes
         1 A:4000>C:5000 stun request id=2 username=bbbb:aaaa priority=yes controlling=yes
         1 A:4000>D:5000 stun request id=3 username=bbbb:aaaa priority=yes controlling=yes
         2 A:4000>E:5000 stun request id=4 username=bbbb:aaaa priority=yes controlling=yes
         10 A:4000>F:5000 stun request id=5 username=bbbb:aaaa priority=yes controlling=yes",
        // Both sides together, and what is sent again.
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes controlling=yes
         1 A:4000>C:5000 stun request id=2 username=bbbb:aaaa priority=yes controlling=yes
         1 A:4000>C:5000 stun request id=2 username=bbbb:aaaa priority=yes controlling=yes
         1 A:4000>C:5000 stun request id=2 username=bbbb:aaaa priority=yes controlling=yes
         2 B:5000>A:4000 stun request id=3 username=aaaa:bbbb priority=yes controlled=yes
         3 C:5000>A:4000 stun request id=4 username=aaaa:bbbb priority=yes controlled=yes",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

/// In half the time that they must take at least, since packets bunch on their way.
const LEAST_NS: i64 = (Pace::BURST as i64 - 1) * 5 * MILLISECOND / 2;

fn check(context: &IceContext<'_>, found: &mut Findings) {
    for agent in &context.session.agents {
        let Some((spent, at)) = agent.pace.shortest else {
            continue;
        };
        if spent < LEAST_NS {
            found.add(
                format!(
                    "{} began {} checks within {:.1} ms",
                    called(agent),
                    Pace::BURST,
                    millis(spent)
                ),
                [at],
            );
        }
    }
}
