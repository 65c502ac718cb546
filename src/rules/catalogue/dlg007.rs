//! A request inside a dialog has no higher number than the one before.
//!
//! Each side counts its own requests up. The other side takes it for an old one and answers
//! 500, or drops it.
//!
//! Fix: keep one counter for each side of a dialog; a B2BUA that was restarted may have
//! lost it.

use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "DLG007",
    name: "cseq-not-increasing",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.2.1.1",
    source: include_str!("dlg007.rs"),
    flags: &["0 A>B INVITE cseq=5
         5 B>A 200 to=t cseq=5
         6 A>B ACK to=t branch=2 cseq=5
         900 A>B BYE to=t branch=9 cseq=4"],
    accepts: &["0 A>B INVITE cseq=5
         5 B>A 200 to=t cseq=5
         6 A>B ACK to=t branch=2 cseq=5
         900 B>A BYE tag=t to=f branch=9 cseq=1"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let counts = |own: &&Message<'_>| {
        own.is_request() && !matches!(own.method, Method::Ack | Method::Cancel | Method::Prack)
    };
    let requests: Vec<_> = context.originals().filter(counts).collect();
    for (place, message) in requests
        .iter()
        .enumerate()
        .filter(|(_, own)| own.is_inside())
    {
        let before = requests.iter().take(place).filter(|own| {
            own.from_tag == message.from_tag
                && (own.to_tag == message.to_tag || own.to_tag.is_empty())
                && !own.from_tag.is_empty()
        });
        let Some(last) = before.max_by_key(|own| own.cseq) else {
            continue;
        };
        // Datagrams may overtake one another.
        let overtaken = message.when().since(last.when()) < SECOND / 10;
        if message.cseq <= last.cseq
            && message.cseq.is_some()
            && !overtaken
            && last.flow().src.ip == message.flow().src.ip
        {
            let cseq = message.value(HeaderName::CSeq).unwrap_or_default();
            found.quote(
                message,
                cseq,
                format!(
                    "{} has number {}, {} before it had {}",
                    message.told(),
                    message.cseq.unwrap_or(0),
                    last.called(),
                    last.cseq.unwrap_or(0)
                ),
            );
            found.also(last.at());
        }
    }
}
