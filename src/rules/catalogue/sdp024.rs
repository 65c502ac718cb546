//! A call is put on hold by an address of zero.
//!
//! That is how it was done before 2002; RTCP stops too, and some devices take it for an
//! address.
//!
//! Fix: use a=sendonly or a=inactive.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP024",
    name: "hold-c-zero",
    severity: Severity::Warning,
    rfc: "RFC 3264",
    section: "8.4",
    source: include_str!("sdp024.rs"),
    flags: &["0 A>B INVITE to=t sdp=4000 swap=c=IN_IP4_10.0.0.1=>c=IN_IP4_0.0.0.0"],
    accepts: &[
        "0 A>B INVITE to=t sdp=4000/sendonly",
        "0 A>B INVITE to=t sdp=9 swap=c=IN_IP4_10.0.0.1=>c=IN_IP4_0.0.0.0 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_inside()) {
        for media in description.media.iter().filter(|own| own.port() != Some(0)) {
            let zero = description
                .address(media)
                .is_some_and(|ip| ip.is_unspecified());
            // So does ICE stand whose candidates follow (RFC 8840, 4.1).
            let follows =
                media.port() == Some(9) && description.attribute(media, "ice-ufrag").is_some();
            if zero && !follows && description.direction(media) == "sendrecv" {
                let part = description.connection(media).unwrap_or_default();
                found.quote(
                    message,
                    part,
                    format!("{} holds by the address 0.0.0.0", message.told()),
                );
                return;
            }
        }
    }
}
