//! Both sides wanted to change the session at the same time, and keep doing so.
//!
//! 491 asks the one who gets it to try again: whoever began the call after 2.1 to 4 seconds,
//! the other within 2, so that they do not meet again. Here somebody does not wait, or they
//! meet again and again.
//!
//! Fix: let whoever began the call wait longer than two seconds before it tries again.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "DLG019",
    name: "glare",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "14.1",
    symptom: Some("rejected"),
    source: include_str!("dlg019.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         1000 A>B INVITE to=t cseq=2 branch=3 sdp=4002
         1010 B>A 491 to=t cseq=2 branch=3
         1020 A>B ACK to=t cseq=2 branch=3 uri=sip:10.0.0.2
         1200 A>B INVITE to=t cseq=3 branch=4 sdp=4004"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         1000 A>B INVITE to=t cseq=2 branch=3 sdp=4002
         1010 B>A 491 to=t cseq=2 branch=3
         1020 A>B ACK to=t cseq=2 branch=3 uri=sip:10.0.0.2
         3200 A>B INVITE to=t cseq=3 branch=4 sdp=4004",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         1000 B>A INVITE tag=t to=f branch=3 sdp=5002
         1010 A>B 491 tag=t to=f branch=3
         1020 B>A ACK tag=t to=f branch=3 uri=sip:10.0.0.1
         1200 B>A INVITE tag=t to=f cseq=2 branch=4 sdp=5004",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let mut rounds = Vec::new();
    for (status, response, request) in context.answered() {
        if status != 491 || !response.is_original {
            continue;
        }
        rounds.push(response.at());
        let again = context.requests(&request.method).find(|own| {
            own.is_original && own.from_tag == request.from_tag && own.when() > response.when()
        });
        let waited = again.map(|own| own.when().since(response.when()));
        let is_owner = context.sender(request) == Side::Caller && context.call().start_seen;
        if let (Some(again), Some(waited)) =
            (again, waited.filter(|own| is_owner && *own < 2 * SECOND))
        {
            found.message(
                again,
                format!(
                    "{} {:.1} s after 491; whoever began the call waits at least 2.1 s",
                    again.told(),
                    millis(waited) / 1000.0
                ),
            );
            found.also(response.at());
            return;
        }
    }
    if rounds.len() >= 3 {
        found.add(
            format!("the two sides met {} times (491)", rounds.len()),
            rounds,
        );
    }
}
