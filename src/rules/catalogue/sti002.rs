//! A signed caller identity does not get through whole.
//!
//! Identity alone takes some 700 octets. Over UDP such an INVITE comes in fragments, and one
//! that is lost takes all with it; or a device with a short buffer cuts the signature.
//!
//! Fix: send signed calls over TCP or TLS.

use std::collections::HashSet;

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Message, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::parameter;

pub(super) const RULE: Rule = Rule {
    code: "STI002",
    name: "identity-truncated",
    severity: Severity::Error,
    rfc: "RFC 8224",
    section: "4",
    source: include_str!("sti002.rs"),
    flags: &[
        "0 A>B INVITE header=Identity:_eyJh.eyJk.AAAA",
        "0 A>B INVITE fragment=800 header=Identity:_eyJh.LONG.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;info=<https://c.example/c.pem>
         40000 C>D OPTIONS call=other",
    ],
    accepts: &[
        "0 A>B INVITE header=Identity:_eyJh.eyJk.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;info=<https://c.example/c.pem>",
        "0 A>B INVITE header=Identity:_eyJh.eyJk.AAAA;info=<https://c.example/c.pem>;alg=XY1",
        "0 A>B INVITE header=Identity:_eyJh.eyJk.AAAA cut=255",
        "0 A>B INVITE fragment=800 header=Identity:_eyJh.LONG.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;info=<https://c.example/c.pem>
         10 B>A 100
         40000 C>D OPTIONS call=other",
        "0 A>B INVITE fragment=800 header=Identity:_eyJh.LONG.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;info=<https://c.example/c.pem>
         9000 C>D OPTIONS call=other",
    ],
    needs: Needs::fields(&[HeaderName::Identity]),
    check: Check::Call(check),
    ..Rule::BASE
};

/// Characters of an ES256 signature: 64 octets in base64url (RFC 7518, 3.4).
const SIGNATURE: usize = 86;
/// About what a signed identity takes.
const LARGE: usize = 700;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    // A request is answered on its hop.
    let answered: HashSet<usize> = context
        .responses()
        .map(|(_, response)| response.kept.transaction)
        .collect();
    for message in context
        .requests(&crate::sip::Method::Invite)
        .filter(|own| own.is_udp() && own.is_entire())
    {
        for value in message.fields(HeaderName::Identity) {
            if let Some(signature) = short_signature(value) {
                found.quote(
                    message,
                    signature,
                    format!(
                        "the signature in Identity of {} ends after {} of {SIGNATURE} characters",
                        message.told(),
                        signature.len()
                    ),
                );
            }
        }
        let longest = message
            .fields(HeaderName::Identity)
            .iter()
            .map(|own| own.len())
            .max();
        let is_silent = !answered.contains(&message.kept.transaction)
            && context.is_whole()
            && context.timed_out(message.when());
        if longest > Some(LARGE) && message.kept.packets > 1 && is_silent {
            found.message(message, in_fragments(message));
        }
    }
}

fn in_fragments(message: &Message<'_>) -> String {
    format!(
        "{} has {} octets with its Identity, takes {} fragments and is never answered",
        message.told(),
        message.sip.octets().len(),
        message.kept.packets
    )
}

/// The signature, where it is shorter than that of ES256, the one algorithm
/// there is (RFC 8225, 6).
fn short_signature(value: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let algorithm = parameter(octets::from(value, end), "alg").unwrap_or(b"ES256");
    let mut parts = octets::span(value, 0, end)
        .trim_ascii()
        .splitn(3, |own| *own == b'.');
    let (_, _, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let is_known = algorithm.trim_ascii_start().eq_ignore_ascii_case(b"ES256");
    (is_known && signature.len() < SIGNATURE).then_some(signature)
}
