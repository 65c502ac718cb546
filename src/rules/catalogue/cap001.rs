//! The capture began inside this call.
//!
//! What came before is not known: who called, what was agreed, how it was routed.
//! Nothing that needs it is judged.
//!
//! Fix: begin the capture before the call.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "CAP001",
    name: "mid-dialog-capture",
    severity: Severity::Info,
    rfc: "",
    section: "",
    source: include_str!("cap001.rs"),
    flags: &["0 A>B BYE cseq=2 to=t branch=3
         1 B>A 200 cseq=2 to=t branch=3 method=BYE"],
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
    let call = context.call();
    if call.is_session() && !call.start_seen {
        found.add("the INVITE that began it was not captured", [call.first]);
    }
}
