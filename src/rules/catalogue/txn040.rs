//! A request that is answered at once took more than a second.
//!
//! Look-ups in DNS or a database lie in the way.
//!
//! Fix: compare the same request on each hop to see who takes so long.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "TXN040",
    name: "slow-final",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "17.1.2",
    source: include_str!("txn040.rs"),
    flags: &["0 A>B OPTIONS
         1200 B>A 200 to=t method=OPTIONS"],
    accepts: &["0 A>B OPTIONS
         900 B>A 200 to=t method=OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for hop in &context.call().transactions {
        let (Some(started), Some(ended)) = (hop.started, hop.final_response.as_ref()) else {
            continue;
        };
        let took = ended.at.since(started);
        if took > SECOND && !matches!(hop.method, Method::Invite | Method::Ack) {
            found.add(
                format!(
                    "{} took {:.0} ms for {}",
                    hop.flow.dst,
                    millis(took),
                    hop.method.as_str()
                ),
                [hop.first],
            );
        }
    }
}
