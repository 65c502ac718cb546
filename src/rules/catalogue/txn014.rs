//! The answer to an INVITE is repeated because no ACK reaches whoever answered.
//!
//! An ACK that was sent somewhere is not enough: it must arrive where the answer came
//! from. It goes to the Contact of the answer, along the route set; a private address
//! there, or a missing Record-Route, leads it astray. After 32 seconds without an ACK
//! whoever answered must hang up.
//!
//! Fix: make the Contact of the answer reachable: let the proxy rewrite it
//! (fix_nated_contact, add_contact_alias) and add Record-Route, let the phone learn
//! its public address (rport, STUN, outbound), switch a SIP ALG off.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TXN014",
    name: "ack-missing-2xx",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "13.3.1.4",
    symptom: Some("dropped"),
    causes: &["DLG037"],
    source: include_str!("txn014.rs"),
    flags: &["0 A>B INVITE
         20 B>A 200 to=t
         30 A>C ACK branch=2 to=t
         520 B>A 200 to=t
         1520 B>A 200 to=t
         3520 B>A 200 to=t"],
    accepts: &[
        "0 A>B INVITE
         20 B>A 200 to=t
         520 B>A 200 to=t
         1520 B>A 200 to=t
         1600 A>B ACK branch=2 to=t",
        "0 A>B INVITE
         20 B>A 200 to=t
         520 B>A 200 to=t",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() || !context.call().start_seen {
        return;
    }
    for exchange in &context.call().exchanges {
        let Some(answerer) = exchange.answerer else {
            continue;
        };
        // The way to whoever answered must be in the capture.
        let hop = context
            .hops(exchange)
            .find(|hop| hop.flow.dst == answerer && hop.started.is_some());
        let Some(hop) = hop else { continue };
        if exchange.method != Method::Invite
            || exchange.acknowledged_to_answerer
            || hop.answer_retransmissions < 2
        {
            continue;
        }
        let status = hop
            .final_response
            .as_ref()
            .map_or(200, |own| own.status_code);
        let mut astray: Vec<String> = context
            .requests(&Method::Ack)
            .map(|ack| ack.flow().dst.to_string())
            .collect();
        astray.sort_unstable();
        astray.dedup();
        let went = if astray.is_empty() {
            "none was captured".to_owned()
        } else {
            format!("it went to {}", astray.join(", "))
        };
        found.add(
            format!(
                "{status} was sent {} times and no ACK reached {answerer}; {went}",
                hop.answer_retransmissions + 1
            ),
            [hop.first],
        );
        found.by("callee");
        let answer = context.responses().find(|(_, own)| {
            own.is_success(&Method::Invite)
                && own.flow().src == answerer
                && own.sip.contact().is_some()
        });
        if let Some((_, answer)) = answer {
            let contact = answer.sip.contact().map(|own| own.uri).unwrap_or_default();
            let routes = answer.values(HeaderName::RecordRoute).len();
            let way = match routes {
                0 => "no Record-Route stands before it".to_owned(),
                count => format!("through {count} Record-Routes"),
            };
            found.fix(format!(
                "the ACK must go to {} ({way}) and reach {answerer}: rewrite or alias the Contact at \
                 the proxy (fix_nated_contact, add_contact_alias) and add Record-Route; at the phone \
                 enable rport, STUN or outbound; at the router switch the SIP ALG off. Without the \
                 ACK the call drops 32 s after the answer",
                octets::text(contact)
            ));
        }
    }
}
