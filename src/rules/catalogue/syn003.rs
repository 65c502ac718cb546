//! A message lacks a header field that every message has.
//!
//! To, From, CSeq, Call-ID and Via make a message what it is; without one of them it
//! can't be matched or routed.
//!
//! Fix: the stack that made it is broken, or something on the way cut it.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN003",
    name: "missing-mandatory-header",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1",
    source: include_str!("syn003.rs"),
    flags: &["0 A>B INVITE without=To", "0 A>B INVITE without=Call-ID"],
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
    for message in context.messages.iter().filter(|own| own.is_entire()) {
        let missing: Vec<&str> = [
            ("To", HeaderName::To),
            ("From", HeaderName::From),
            ("CSeq", HeaderName::CSeq),
            ("Call-ID", HeaderName::CallId),
            ("Via", HeaderName::Via),
        ]
        .into_iter()
        .filter(|(_, name)| !has(&message.sip, *name))
        .map(|(text, _)| text)
        .collect();
        if !missing.is_empty() {
            found.message(
                message,
                format!(
                    "{} from {} lacks {}",
                    message.called(),
                    message.flow().src,
                    missing.join(", ")
                ),
            );
        }
    }
}
