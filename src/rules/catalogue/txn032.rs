//! A proxy passes a request on without counting down Max-Forwards.
//!
//! Nothing stops such a request when the routing is a circle.
//!
//! Fix: let the proxy take one off.

use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TXN032",
    name: "max-forwards-not-decremented",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "16.6",
    source: include_str!("txn032.rs"),
    flags: &["0 A>B INVITE
         1 B>C INVITE branch=2 via=2"],
    accepts: &["0 A>B INVITE
         1 B>C INVITE branch=2 via=2 swap=Forwards:_70=>Forwards:_69"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .messages
        .iter()
        .filter(|own| own.is_request() && !own.is_original)
    {
        let hops = |own: &Message<'_>| own.number(HeaderName::MaxForwards);
        let before = context.messages.iter().find(|own| {
            own.is_request()
                && own.method == message.method
                && own.cseq == message.cseq
                && own.from_tag == message.from_tag
                && own.flow().dst.ip == message.flow().src.ip
                && own.sip.via_count() + 1 == message.sip.via_count()
        });
        let Some(before) = before else { continue };
        if let (Some(came), Some(went)) = (hops(before), hops(message))
            && went >= came
            && came > 0
        {
            let value = message.value(HeaderName::MaxForwards).unwrap_or_default();
            found.quote(
                message,
                value,
                format!(
                    "{} passes {} on with Max-Forwards {went}, which came with {came}",
                    message.flow().src,
                    message.method.as_str()
                ),
            );
            return;
        }
    }
}
