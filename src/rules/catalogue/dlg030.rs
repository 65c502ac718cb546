//! A transfer was accepted, and nobody said how it went.
//!
//! Whoever accepts a REFER tells by NOTIFY at once, and again when the new call is
//! answered or fails. Without it the one who transfers can't know whether to hang up.
//!
//! Fix: see whether the NOTIFY is sent and lost (Contact and route set of the dialog),
//! or not sent at all.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG030",
    name: "refer-no-notify",
    severity: Severity::Warning,
    rfc: "RFC 3515",
    section: "2.4.4",
    symptom: Some("transfer-failed"),
    source: include_str!("dlg030.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         900 A>B REFER to=t cseq=2 branch=5 header=Refer-To:_<sip:c@x>
         901 B>A 202 to=t cseq=2 branch=5 method=REFER
         90000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         900 A>B REFER to=t cseq=2 branch=5 header=Refer-To:_<sip:c@x>
         901 B>A 202 to=t cseq=2 branch=5 method=REFER
         902 B>A NOTIFY tag=t to=f branch=6 header=Event:_refer
         903 A>B 200 tag=t to=f branch=6 method=NOTIFY
         90000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         900 A>B REFER to=t cseq=2 branch=5 header=Refer-To:_<sip:c@x> header=Refer-Sub:_false
         901 B>A 202 to=t cseq=2 branch=5 method=REFER
         90000 C>D OPTIONS call=later tag=o branch=o",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    for exchange in context
        .call()
        .exchanges
        .iter()
        .filter(|own| own.method == Method::Refer)
    {
        let accepted = context
            .call()
            .final_of(exchange)
            .filter(|response| (200..300).contains(&response.status_code));
        let Some(accepted) = accepted else { continue };
        let waived = context.requests(&Method::Refer).any(|refer| {
            let no_subscription = |value: std::borrow::Cow<'_, [u8]>| {
                octets::text(&value).to_ascii_lowercase().contains("false")
            };
            refer.sip.named("Refer-Sub").is_some_and(no_subscription)
                || refer.sip.named("Require").is_some_and(|value| {
                    let value = octets::text(&value);
                    value.contains("norefersub") || value.contains("nosub")
                })
        });
        let told = context
            .requests(&Method::Notify)
            .any(|notify| notify.at().timestamp >= exchange.first.timestamp);
        if !told && !waived && context.timed_out(accepted.at) {
            found.add(
                format!(
                    "REFER of the {} is accepted and no NOTIFY follows",
                    context.side(exchange)
                ),
                [exchange.first],
            );
            found.by(accepted.by.ip.to_string());
        }
    }
}
