//! A side goes on sending to the address that the other one has left.
//!
//! A re-INVITE, an UPDATE or the answer to one named a new Contact; what follows goes there.
//!
//! Fix: let the program take the Contact of each re-INVITE, UPDATE and 2xx over.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::Uri;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "DLG017",
    name: "target-refresh-ignored",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.2.2",
    source: include_str!("dlg017.rs"),
    flags: &["0 A>B INVITE
         20 B>A 200 to=t
         30 A>B ACK branch=2 to=t
         900 B>A UPDATE tag=t to=f branch=5 header=Contact:_<sip:10.0.0.3>
         901 A>B 200 tag=t to=f branch=5 method=UPDATE
         3000 A>B BYE to=t branch=9 cseq=2"],
    accepts: &["0 A>B INVITE
         20 B>A 200 to=t
         30 A>B ACK branch=2 to=t
         900 B>A UPDATE tag=t to=f branch=5 header=Contact:_<sip:10.0.0.3>
         901 A>B 200 tag=t to=f branch=5 method=UPDATE
         3000 A>B BYE to=t branch=9 cseq=2 uri=sip:10.0.0.3"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() || !context.call().start_seen {
        return;
    }
    let target = |uri: &[u8]| {
        let uri = Uri::parse(uri);
        (
            octets::text(uri.host).to_ascii_lowercase(),
            uri.port.unwrap_or(5060),
        )
    };
    for message in context.inside().filter(|own| {
        !matches!(own.method, Method::Ack | Method::Cancel) && own.sip.via_count() == 1
    }) {
        // What the other side said of itself, as it reached this one.
        let said = context.messages.iter().filter(|own| {
            let refreshes = own.is_success(&Method::Invite)
                || own.is_success(&Method::Update)
                || (own.is_request() && matches!(own.method, Method::Invite | Method::Update));
            let tags = match own.is_request() {
                true => own.from_tag == message.to_tag && own.to_tag == message.from_tag,
                false => own.to_tag == message.to_tag && own.from_tag == message.from_tag,
            };
            refreshes
                && tags
                && own.flow().dst.ip == message.flow().src.ip
                && message.when().since(own.when()) > SECOND
        });
        let known: Vec<_> = said
            .filter_map(|own| Some((own, target(own.sip.contact()?.uri))))
            .collect();
        let Some((last, current)) = known.last() else {
            continue;
        };
        let own = target(message.request_uri());
        if own != *current && known.iter().any(|(_, old)| *old == own) {
            found.quote(
                message,
                message.request_uri(),
                format!(
                    "{} goes to {}, which the other side has left for {}",
                    message.told(),
                    own.0,
                    current.0
                ),
            );
            found.also(last.at());
            return;
        }
    }
}
