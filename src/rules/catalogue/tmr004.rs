//! A session ran out because nobody refreshed it.
//!
//! Both sides agreed on a time after which the session ends unless one of them, the
//! refresher, sends a re-INVITE or UPDATE. The other hangs up shortly before.
//!
//! Fix: the refresher must send at half of the time; if it does, see why the refresh
//! is refused or lost.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::{SECOND, millis};

pub(super) const RULE: Rule = Rule {
    code: "TMR004",
    name: "session-not-refreshed",
    severity: Severity::Error,
    rfc: "RFC 4028",
    section: "10",
    symptom: Some("dropped"),
    source: include_str!("tmr004.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000 header=Session-Expires:_90;refresher=uac
         30 A>B ACK branch=2 to=t
         60040 B>A BYE tag=t to=f branch=9
         60041 A>B 200 tag=t to=f branch=9 method=BYE"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000 header=Session-Expires:_90;refresher=uac
         30 A>B ACK branch=2 to=t
         45000 A>B INVITE to=t cseq=2 branch=5 sdp=4000
         45010 B>A 200 to=t cseq=2 branch=5 sdp=5000 header=Session-Expires:_90;refresher=uac
         45020 A>B ACK to=t cseq=2 branch=6
         60040 B>A BYE tag=t to=f branch=9
         60041 A>B 200 tag=t to=f branch=9 method=BYE",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000 header=Session-Expires:_90;refresher=uac
         30 A>B ACK branch=2 to=t
         20040 B>A BYE tag=t to=f branch=9",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let call = context.call();
    let (Some((seconds, refresher)), Some(base)) = (&call.session_timer, call.last_refresh) else {
        return;
    };
    let Ok(seconds) = i64::try_from(*seconds) else {
        return;
    };
    // The other side hangs up a third of the time before, or 32 s.
    let due = seconds
        .saturating_sub((seconds / 3).min(32))
        .saturating_mul(SECOND);
    let bye = call
        .exchanges
        .iter()
        .find(|exchange| exchange.method == Method::Bye);
    let Some(bye) = bye else { return };
    let lasted = bye.first.timestamp.since(base);
    let window = due.saturating_sub(5 * SECOND)..=seconds.saturating_add(5).saturating_mul(SECOND);
    if seconds >= 90 && window.contains(&lasted) && call.start_seen {
        let who = refresher
            .as_deref()
            .map_or("nobody was named", |who| match who {
                "uac" => "the caller was to",
                _ => "the callee was to",
            });
        found.add(
            format!(
                "BYE {:.0} s after the last refresh of a session of {seconds} s; {who} refresh it",
                millis(lasted) / 1000.0
            ),
            [bye.first],
        );
        found.by(match refresher.as_deref() {
            Some("uac") => "caller",
            _ => "callee",
        });
        found.fix(format!(
            "the {} must send a re-INVITE or UPDATE by {} s; if it does, see why it is refused or \
             lost",
            match refresher.as_deref() {
                Some("uac") => "caller",
                Some(_) => "callee",
                None => "side that is named the refresher",
            },
            seconds / 2
        ));
    }
}
