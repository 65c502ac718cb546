//! Media of a protocol that is not known were accepted.
//!
//! Nobody can say what will flow.
//!
//! Fix: refuse what is not supported by port 0.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP049",
    name: "unknown-proto",
    severity: Severity::Warning,
    rfc: "RFC 8866",
    section: "5.14",
    source: include_str!("sdp049.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/XYZ
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP=>RTP/XYZ"],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const KNOWN: [&str; 16] = [
        "RTP/AVP",
        "RTP/SAVP",
        "RTP/AVPF",
        "RTP/SAVPF",
        "UDP/TLS/RTP/SAVP",
        "UDP/TLS/RTP/SAVPF",
        "TCP/TLS/RTP/SAVP",
        "TCP/RTP/AVP",
        "UDPTL",
        "UDP/TLS/UDPTL",
        "TCP/MSRP",
        "TCP/TLS/MSRP",
        "UDP/DTLS/SCTP",
        "DTLS/SCTP",
        "TCP/BFCP",
        "UDP",
    ];
    for round in context.rounds() {
        for media in round
            .answered
            .media
            .iter()
            .filter(|own| own.port() != Some(0))
        {
            let protocol = octets::text(media.protocol()).to_ascii_uppercase();
            if !KNOWN.contains(&protocol.as_str())
                && !protocol.ends_with("BFCP")
                && !protocol.starts_with("TCP/")
            {
                found.quote(
                    round.answer,
                    media.protocol(),
                    format!("{} accepts media over {protocol}", round.answer.told()),
                );
            }
        }
    }
}
