//! A provisional response is repeated because no PRACK comes.
//!
//! The callee waits for the confirmation and gives the call up after 32 seconds. PRACK went
//! to the wrong Contact, past the proxies, or was never sent.
//!
//! Fix: see whether the caller sends PRACK and where to; compare with the Contact and the
//! Record-Route of the response.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "PRK005",
    name: "prack-missing",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "4",
    symptom: Some("rejected"),
    source: include_str!("prk005.rs"),
    flags: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         505 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         1505 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         3505 B>A 183 to=t header=Require:_100rel header=RSeq:_1"],
    accepts: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         505 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         1505 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         1510 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    for (_, response, _) in context
        .answered()
        .filter(|(_, own, _)| own.is_reliable() && own.is_original)
    {
        let Some(hop) = context.call().transactions.get(response.kept.transaction) else {
            continue;
        };
        let confirmed = context.requests(&Method::Prack).any(|own| {
            own.to_tag == response.to_tag && own.flow().dst.ip == response.flow().src.ip
        });
        let repeated = hop
            .retransmissions
            .saturating_sub(hop.answer_retransmissions + hop.failure_retransmissions);
        if !confirmed && repeated >= 2 {
            found.message(
                response,
                format!(
                    "{} is repeated {repeated} times and no PRACK reaches it",
                    response.told()
                ),
            );
            found.by("caller");
            return;
        }
    }
}
