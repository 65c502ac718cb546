//! A call was hung up because no media came for some time.
//!
//! The Reason of the BYE says so. The packets stopped before: the other side fell silent, a
//! NAT forgot its way, or a firewall closed it.
//!
//! Fix: see from when on packets are missing and who should have sent them; let silent
//! phones send keep-alives, or lengthen the time-out.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "MED062",
    name: "rtp-timeout",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "15",
    symptom: Some("dropped"),
    source: include_str!("med062.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100
         20000 B>A BYE tag=t to=f branch=9 header=Reason:_SIP;cause=408;text=\"RTP_Timeout\"
         20001 A>B 200 tag=t to=f branch=9 method=BYE"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100
         2200 B>A BYE tag=t to=f branch=9 header=Reason:_Q.850;cause=16;text=\"Normal_call_clearing\"
         2201 A>B 200 tag=t to=f branch=9 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for bye in context.requests(&Method::Bye).filter(|own| own.is_original) {
        let Some(reason) = bye.value(HeaderName::Reason) else {
            continue;
        };
        let text = octets::text(reason).to_ascii_lowercase();
        let says = text.contains("timeout")
            || text.contains("time-out")
            || text.contains("no media")
            || text.contains("inactivity");
        if !says || !(text.contains("rtp") || text.contains("media")) {
            continue;
        }
        let last = context
            .closed
            .streams
            .iter()
            .filter(|own| own.membership.is_some())
            .map(|own| own.last)
            .max();
        let silence = last.map_or_else(
            || "no media were seen".to_owned(),
            |last| {
                format!(
                    "the last packet came {:.1} s before",
                    millis(bye.when().since(last)) / 1000.0
                )
            },
        );
        found.quote(
            bye,
            reason,
            format!("{} because media stopped; {silence}", bye.told()),
        );
        // Who waited for media hangs up; the other one did not send.
        found.by(context.sender(bye).other().name());
        return;
    }
}
