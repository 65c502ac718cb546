//! The same INVITE reached one phone by two ways, and it took both.
//!
//! A proxy forked it and both branches led to the same device: it rings twice, or answers
//! one and refuses the other. The later one should be answered 482.
//!
//! Fix: see why the device is registered twice, or named twice in the routing.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN029",
    name: "merged-request",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "8.2.2.2",
    source: include_str!("txn029.rs"),
    flags: &["0 A>P INVITE
         1 P>B INVITE branch=2 via=2
         2 P>B INVITE branch=3 via=2
         5 B>P 180 branch=2 via=2 to=t
         6 B>P 180 branch=3 via=2 to=u"],
    accepts: &["0 A>P INVITE
         1 P>B INVITE branch=2 via=2
         2 P>C INVITE branch=3 via=2
         5 B>P 180 branch=2 via=2 to=t
         6 C>P 180 branch=3 via=2 to=u"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in context
        .call()
        .exchanges
        .iter()
        .filter(|own| own.method == Method::Invite && own.is_outside)
    {
        let hops: Vec<_> = context
            .hops(exchange)
            .filter(|hop| hop.started.is_some() && hop.ringing.is_some())
            .collect();
        for (place, hop) in hops.iter().enumerate() {
            let before = hops
                .iter()
                .take(place)
                .find(|own| own.flow.dst == hop.flow.dst && own.branch != hop.branch);
            if let (Some(before), false) = (before, context.closed.proxies.contains(&hop.flow.dst))
            {
                found.add(
                    format!("{} takes the same INVITE twice", hop.flow.dst),
                    [before.first, hop.first],
                );
                found.by(hop.flow.src.ip.to_string());
            }
        }
    }
}
