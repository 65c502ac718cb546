//! A request inside a dialog does not go to the Contact of the other side.
//!
//! The Contact that the other side gave is the only address it promised to be reached at.
//! A request to the URI that was dialled first may end at the proxy, or at another device.
//!
//! Fix: send what follows to the Contact of the last INVITE, UPDATE or 2xx that came.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::Uri;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "DLG001",
    name: "indialog-wrong-target",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.2.1.1",
    causes: &["TXN014", "DLG037"],
    source: include_str!("dlg001.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2 uri=sip:b@x"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t header=Contact:_<sip:b@10.0.0.2:5062;ob>
         6 A>B ACK to=t branch=2 uri=sip:b@10.0.0.2:5062"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() || !context.call().start_seen {
        return;
    }
    for message in context
        .inside()
        .filter(|own| own.method != Method::Cancel && own.sip.via_count() == 1)
    {
        let refusal = context.messages.iter().any(|own| {
            !own.is_request()
                && own.kept.transaction == message.kept.transaction
                && own.method == Method::Invite
        });
        if message.method == Method::Ack && refusal {
            continue;
        }
        // Before loose routing the next hop stood in the Request-URI.
        let strict = message.values(HeaderName::Route).iter().any(|route| {
            NameAddr::parse(route)
                .parsed_uri()
                .parameter("lr")
                .is_none()
        });
        let given: Vec<&[u8]> = context
            .messages
            .iter()
            .filter(|own| {
                own.when() <= message.when()
                    && own.flow().dst.ip == message.flow().src.ip
                    && own.flow().src.ip != message.flow().src.ip
            })
            .filter(|own| match own.is_request() {
                true => own.from_tag == message.to_tag,
                false => own.to_tag == message.to_tag && own.from_tag == message.from_tag,
            })
            .filter_map(|own| Some(own.sip.contact()?.uri))
            .collect();
        let uri = message.request_uri();
        if given.is_empty() || strict || given.iter().any(|own| same_target(own, uri)) {
            continue;
        }
        let last = given.last().copied().unwrap_or_default();
        found.quote(
            message,
            uri,
            format!(
                "{} goes to {}; the Contact of the other side is {}",
                message.told(),
                octets::text(uri),
                octets::text(last)
            ),
        );
    }
}

/// Parameters are often added on the way, and the user means nothing to whoever
/// gave the address: host and port tell.
fn same_target(one: &[u8], other: &[u8]) -> bool {
    let (one, other) = (Uri::parse(one), Uri::parse(other));
    let port = |uri: &Uri<'_>| uri.port.unwrap_or(5060);
    one.host.eq_ignore_ascii_case(other.host)
        && (port(&one) == port(&other) || one.port.is_none() || other.port.is_none())
}
