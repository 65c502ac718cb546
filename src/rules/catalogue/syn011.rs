//! Content-Length is no number.
//!
//! Over TCP nobody can tell where the message ends; over UDP it may be refused.
//!
//! Fix: the sender must write the octets of the body as a decimal number.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;

pub(super) const RULE: Rule = Rule {
    code: "SYN011",
    name: "content-length-invalid",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "20.14",
    source: include_str!("syn011.rs"),
    flags: &["0 A>B INVITE length=-1"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in &context.messages {
        if message
            .sip
            .anomalies()
            .contains(&Anomaly::ContentLengthInvalid)
        {
            found.message(
                message,
                format!(
                    "{} from {} has a Content-Length that is no number",
                    message.called(),
                    message.flow().src
                ),
            );
        }
    }
}
