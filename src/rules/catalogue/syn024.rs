//! A SIP URI does not follow its grammar.
//!
//! A space, a port beyond 65535, an IPv6 address without brackets or a percent sign
//! without two hexadecimal digits: whoever must route by it can't.
//!
//! Fix: put IPv6 addresses in brackets and escape what is no letter or digit.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Uri;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "SYN024",
    name: "uri-unparsable",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "19.1",
    source: include_str!("syn024.rs"),
    flags: &[
        "0 A>B INVITE swap=From:_<sip:a@x>=>From:_<sip:a@x:70000>",
        "0 A>B INVITE header=Contact:_<sip:a@2001:db8::9>",
        "0 A>B INVITE header=Contact:_<sip:a%4@10.0.0.1>",
    ],
    accepts: &["0 A>B INVITE header=Contact:_<sip:a%40@[2001:db8::9]:5060>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const NAMES: [(&str, HeaderName); 3] = [
        ("From", HeaderName::From),
        ("To", HeaderName::To),
        ("Contact", HeaderName::Contact),
    ];
    let [from, to, contact] = NAMES.map(|(_, kind)| Some(kind));
    let is_fine = context.parties.all(&[None, from, to, contact], |party| {
        spaced(party.value).is_none() && fault(party.address.uri, party.uri()).is_none()
    });
    if is_fine {
        return;
    }
    for message in context.originals().filter(|own| own.is_entire()) {
        let mut uris: Vec<(&str, &[u8])> = vec![("the Request-URI", message.request_uri())];
        for (name, kind) in NAMES {
            for value in message.sip.values(kind) {
                if let Some(inside) = spaced(value) {
                    found.quote(
                        message,
                        inside,
                        format!(
                            "{name} of {} has spaces within its brackets",
                            message.told()
                        ),
                    );
                }
                uris.push((name, NameAddr::parse(value).uri));
            }
        }
        for (place, uri) in uris {
            if let Some(fault) = fault(uri, Uri::parse(uri)) {
                found.quote(
                    message,
                    uri,
                    format!("{place} of {} {fault}", message.told()),
                );
            }
        }
    }
}

/// What stands within brackets, if there are spaces at its ends.
fn spaced(value: &[u8]) -> Option<&[u8]> {
    let start = memchr::memchr2(b'<', b'>', value)?;
    let inside = octets::from(value, start + 1);
    let end = memchr::memchr2(b'<', b'>', inside).unwrap_or(inside.len());
    let inside = octets::span(inside, 0, end);
    (inside.trim_ascii().len() < inside.len()).then_some(inside)
}

fn fault(uri: &[u8], parsed: Uri<'_>) -> Option<&'static str> {
    let scheme = parsed.scheme;
    if !scheme.eq_ignore_ascii_case(b"sip") && !scheme.eq_ignore_ascii_case(b"sips") {
        return None;
    }
    if uri.iter().any(u8::is_ascii_whitespace) {
        return Some("has a space");
    }
    let escapes = |part: &[u8]| {
        memchr::memchr_iter(b'%', part).all(|at| {
            part.get(at + 1..at + 3)
                .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
        })
    };
    if !escapes(parsed.user) {
        return Some("has a percent sign without two hexadecimal digits");
    }
    let after = match memchr::memrchr(b'@', uri) {
        Some(at) if !parsed.user.is_empty() => octets::from(uri, at + 1),
        _ => octets::from(uri, scheme.len() + 1),
    };
    let end = memchr::memchr2(b';', b'?', after).unwrap_or(after.len());
    let host_port = octets::span(after, 0, end);
    let colons = memchr::memchr_iter(b':', host_port).count();
    if parsed.host.is_empty() {
        return Some("names no host");
    }
    if host_port.starts_with(b"[") {
        let address = octets::text(parsed.host).parse::<std::net::Ipv6Addr>();
        return address
            .is_err()
            .then_some("has brackets around what is no IPv6 address");
    }
    if colons > 1 {
        return Some("has an IPv6 address without brackets");
    }
    (colons == 1 && parsed.port.is_none()).then_some("has a port that is none")
}
