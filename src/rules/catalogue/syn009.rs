//! Content-Length says more than there is.
//!
//! Over UDP the datagram ends where it ends; the answer to a request that is short of
//! its body is 400. An ALG that rewrites the body and forgets the length is the usual
//! cause.
//!
//! Fix: switch the SIP ALG off; else the sender must count octets, not letters.

use crate::net::Transport;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;

pub(super) const RULE: Rule = Rule {
    code: "SYN009",
    name: "content-length-exceeds-body",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "18.3",
    causes: &["SDP009"],
    source: include_str!("syn009.rs"),
    flags: &["0 A>B INVITE length=90"],
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
        let short = message
            .sip
            .anomalies()
            .contains(&Anomaly::ContentLengthTooLarge);
        if short && !message.kept.is_cut && message.flow().transport == Transport::Udp {
            let said = message.sip.content_length().flatten().unwrap_or_default();
            found.message(
                message,
                format!(
                    "{} from {} says {said} octets of body and has {}",
                    message.called(),
                    message.flow().src,
                    message.sip.body().len()
                ),
            );
        }
    }
}
