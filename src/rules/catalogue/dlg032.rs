//! A transfer failed.
//!
//! The REFER was refused, or the NOTIFY about the call that it asked for tells of a
//! failure.
//!
//! Fix: the status says why the new call failed; look at that call. A refused REFER:
//! allow transfers at the one who refused it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG032",
    name: "transfer-failed",
    severity: Severity::Warning,
    rfc: "RFC 3515",
    section: "2.4.5",
    symptom: Some("transfer-failed"),
    source: include_str!("dlg032.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         900 A>B REFER to=t cseq=2 branch=5 header=Refer-To:_<sip:c@x>
         901 B>A 603 to=t cseq=2 branch=5 method=REFER"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         900 A>B REFER to=t cseq=2 branch=5 header=Refer-To:_<sip:c@x>
         901 B>A 202 to=t cseq=2 branch=5 method=REFER"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in context
        .call()
        .exchanges
        .iter()
        .filter(|own| own.method == Method::Refer)
    {
        let refused = context
            .call()
            .final_of(exchange)
            .map(|response| response.status_code)
            .filter(|status| *status >= 300 && !matches!(status, 401 | 407));
        let failed = exchange.transfer_status.filter(|status| *status >= 300);
        let target = exchange.refer_to.as_deref().unwrap_or("?");
        let message = match (refused, failed) {
            (Some(status), _) => format!("REFER to {target} is refused: {status}"),
            (None, Some(status)) => {
                format!("the call to {target} that was asked for fails: {status}")
            }
            (None, None) => continue,
        };
        found.add(message, [exchange.first]);
        found.by(context.side(exchange));
    }
}
