//! A connectivity check is answered from an address that was not asked.
//!
//! The pair counts as failed: media would come back another way than they go.
//!
//! Fix: let the program answer each check from the address that it came to, through the relay
//! if it came by one; with several interfaces, look at the routes.

use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE009",
    name: "non-symmetric",
    severity: Severity::Warning,
    rfc: "RFC 8445",
    section: "7.2.5.2.1",
    source: include_str!("ice009.rs"),
    flags: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         2 C:5000>A:4000 stun success id=1",
    ],
    accepts: &[
        "0 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         2 B:5000>A:4000 stun success id=1",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

fn check(context: &IceContext<'_>, found: &mut Findings) {
    for pair in &context.session.pairs {
        for own in &pair.checks {
            let Some((flow, from)) = own.flow.zip(own.answered_from) else {
                continue;
            };
            found.add(
                format!(
                    "{} checks from {} to {} are answered from {from}",
                    own.not_symmetric, flow.src, flow.dst
                ),
                [pair.first],
            );
            found.by(from.ip.to_string());
        }
    }
}
