//! A response does not carry the Vias of its request.
//!
//! They are the way back. With one missing, added or in another order, the response does
//! not find whoever asked.
//!
//! Fix: whoever answers must copy all Vias in order; look for an ALG if it does.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::Via;

pub(super) const RULE: Rule = Rule {
    code: "TXN034",
    name: "via-stack-altered",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.2.6.2",
    source: include_str!("txn034.rs"),
    flags: &["0 A>B OPTIONS via=2
         1 B>A 200 to=t via=1 method=OPTIONS"],
    accepts: &["0 A>B OPTIONS via=2
         1 B>A 200 to=t via=2 method=OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered().filter(|(_, own, _)| own.is_entire()) {
        let mut pairs = request.sip.values(HeaderName::Via);
        if response.sip.values(HeaderName::Via).eq(pairs.by_ref()) {
            continue;
        }
        let branches = |own: &Message<'_>| -> Vec<Option<String>> {
            let vias = own.values(HeaderName::Via);
            let read = vias
                .iter()
                .filter(|via| !via.is_empty())
                .map(|via| Via::parse(via));
            read.map(|via| via.ok().and_then(|via| via.branch).map(octets::text))
                .collect()
        };
        let (asked, told) = (branches(request), branches(response));
        if asked != told && request.is_entire() && response.flow().reversed() == request.flow() {
            let via = response.value(HeaderName::Via).unwrap_or_default();
            found.quote(
                response,
                via,
                format!(
                    "{} carries {} Vias, other than the {} of its request",
                    response.told(),
                    told.len(),
                    asked.len()
                ),
            );
        }
    }
}
