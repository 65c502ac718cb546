//! A REGISTER has no higher number than the one before under the same Call-ID.
//!
//! The registrar must take it for an old one that was overtaken: it changes nothing.
//!
//! Fix: count CSeq up, or begin a new Call-ID after a restart.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "REG004",
    name: "register-cseq-not-incremented",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "10.2",
    symptom: Some("registration-lost"),
    source: include_str!("reg004.rs"),
    flags: &["0 A>B REGISTER cseq=5 header=Contact:_<sip:a@10.0.0.1>
         1 B>A 200 method=REGISTER cseq=5 to=t
         900 A>B REGISTER cseq=4 branch=2 header=Contact:_<sip:a@10.0.0.1>"],
    accepts: &["0 A>B REGISTER cseq=5 header=Contact:_<sip:a@10.0.0.1>
         1 B>A 200 method=REGISTER cseq=5 to=t
         900 A>B REGISTER cseq=6 branch=2 header=Contact:_<sip:a@10.0.0.1>"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let registers: Vec<_> = context
        .requests(&Method::Register)
        .filter(|own| own.cseq.is_some())
        .collect();
    for (place, message) in registers.iter().enumerate() {
        let before = registers
            .iter()
            .take(place)
            .filter(|own| own.flow() == message.flow() && own.from_tag == message.from_tag);
        let Some(last) = before.max_by_key(|own| own.cseq) else {
            continue;
        };
        let apart = last.kept.transaction != message.kept.transaction
            && message.when().since(last.when()) > SECOND / 10;
        if message.cseq <= last.cseq && apart {
            let cseq = message.value(HeaderName::CSeq).unwrap_or_default();
            found.quote(
                message,
                cseq,
                format!(
                    "{} has number {} after {}",
                    message.told(),
                    message.cseq.unwrap_or(0),
                    last.cseq.unwrap_or(0)
                ),
            );
            found.also(last.at());
            return;
        }
    }
}
