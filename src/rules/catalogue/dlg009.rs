//! A request inside a dialog was answered as if there were none.
//!
//! 481 says that the tags or the Call-ID mean nothing to the far end: it has ended the
//! call already, was started anew, is another node of a cluster, or something on the
//! way changed the tags.
//!
//! Fix: compare Call-ID and tags with those of the answer; in a cluster let the nodes
//! share their dialogs, or route by Call-ID.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG009",
    name: "unknown-dialog",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "12.2.2",
    source: include_str!("dlg009.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 481 to=t branch=9 cseq=2 method=BYE"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3000 B>A BYE tag=t to=f branch=8 cseq=1
         3001 B>A 481 to=t branch=9 cseq=2 method=BYE
         3002 A>B 200 tag=t to=f branch=8 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.call().start_seen {
        return;
    }
    let exchanges = &context.call().exchanges;
    let byes = exchanges
        .iter()
        .filter(|own| own.method == Method::Bye)
        .count();
    for exchange in exchanges {
        let response = context.call().final_of(exchange);
        // Both sides may hang up at once; a CANCEL may come too late.
        let glare = exchange.method == Method::Bye && byes > 1;
        if exchange.is_outside
            || glare
            || matches!(exchange.method, Method::Cancel | Method::Notify)
            || response.is_none_or(|response| response.status_code != 481)
        {
            continue;
        }
        found.add(
            format!(
                "{} inside the dialog is answered 481",
                exchange.method.as_str()
            ),
            [exchange.first],
        );
        found.by(context.side(exchange));
    }
}
