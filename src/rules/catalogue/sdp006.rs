//! An answer has not as many media lines as its offer.
//!
//! They match by position: an answer has one line for each of the offer, with port 0
//! for what it refuses. Whoever reads it otherwise mistakes one medium for another.
//!
//! Fix: the answerer must keep the line of each medium that it refuses, with port 0.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP006",
    name: "media-lines-differ",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "6",
    source: include_str!("sdp006.rs"),
    flags: &["0 A>B INVITE sdp=4000 video=4002
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t"],
    accepts: &["0 A>B INVITE sdp=4000 video=4002
         20 B>A 200 to=t sdp=5000 video=0
         30 A>B ACK branch=2 to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for epoch in &context.call().session.epochs {
        let Some(answer) = &epoch.answer else {
            continue;
        };
        let (offered, answered) = (epoch.offer.media.len(), answer.media.len());
        if offered != answered && !epoch.offer.is_cut && !answer.is_cut {
            let exchange = context.call().exchanges.get(epoch.exchange);
            found.add(
                format!("{offered} media are offered and {answered} answered"),
                exchange.map(|exchange| exchange.first),
            );
            found.by(epoch.offer_by.other().name());
        }
    }
}
