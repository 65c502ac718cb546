//! A request of more than 1300 octets is sent over UDP.
//!
//! It is cut into fragments on the way, and firewalls and NATs often drop fragments: the
//! request never arrives, or not always. It should go over TCP.
//!
//! Fix: let the client use TCP or TLS for large requests, or make them smaller: fewer
//! codecs, compact header names.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN001",
    name: "udp-over-1300",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "18.1.1",
    causes: &["TXN001"],
    source: include_str!("trn001.rs"),
    flags: &["0 A>B INVITE header=Subject:_LONG"],
    accepts: &["0 A>B INVITE sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .originals()
        .filter(|own| own.is_request() && own.is_udp())
    {
        let length = message.sip.octets().len();
        if length > 1300 {
            found.message(
                message,
                format!(
                    "{} has {length} octets and is sent over UDP",
                    message.told()
                ),
            );
            found.fix(format!(
                "use TCP or TLS for this request, or shorten it by {} octets: fewer codecs, \
                 compact header names, no headers that nobody reads",
                length - 1300
            ));
            return;
        }
    }
}
