//! A caller asks for too short a session again after it was told the least.
//!
//! 422 names it in Min-SE; less is refused each time.
//!
//! Fix: let the caller take Min-SE of the 422 over.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TMR002",
    name: "too-short-session-again",
    severity: Severity::Warning,
    rfc: "RFC 4028",
    section: "7.3",
    symptom: Some("rejected"),
    source: include_str!("tmr002.rs"),
    flags: &["0 A>B INVITE header=Session-Expires:_100
         5 B>A 422 to=t header=Min-SE:_600
         6 A>B ACK to=t
         9 A>B INVITE cseq=2 branch=2 header=Session-Expires:_100"],
    accepts: &["0 A>B INVITE header=Session-Expires:_100
         5 B>A 422 to=t header=Min-SE:_600
         6 A>B ACK to=t
         9 A>B INVITE cseq=2 branch=2 header=Session-Expires:_600 header=Min-SE:_600"],
    needs: Needs::fields(&[HeaderName::SessionExpires]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        let Some(least) = response.number(HeaderName::MinSe).filter(|_| status == 422) else {
            continue;
        };
        let next = context
            .requests(&request.method)
            .find(|own| own.flow() == request.flow() && own.cseq > request.cseq);
        let Some((next, asked)) =
            next.and_then(|own| Some((own, own.number(HeaderName::SessionExpires)?)))
        else {
            continue;
        };
        if asked < least {
            let value = next.value(HeaderName::SessionExpires).unwrap_or_default();
            found.quote(
                next,
                value,
                format!(
                    "{} asks for {asked} s after {least} s were called the least",
                    next.told()
                ),
            );
            return;
        }
    }
}
