//! A candidate of ICE lacks what the other side needs.
//!
//! A reflexive or relayed one says which address it stands for, if only 0.0.0.0 where that is
//! nobody's business, and no two of a medium have the same priority: pairs are tried in its
//! order.
//!
//! Fix: let the program add raddr and rport, and count each priority down from the last.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE018",
    name: "candidate-syntax",
    severity: Severity::Warning,
    rfc: "RFC 8839",
    section: "5.1",
    source: include_str!("ice018.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_UDP_1694498815_198.51.100.16_4000_typ_srflx",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_UDP_2130706431_10.0.0.9_4000_typ_host",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_UDP_1694498815_198.51.100.16_4000_typ_srflx_raddr_0.0.0.0_rport_9",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_UDP_2130706175_10.0.0.9_4000_typ_host",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        for media in &description.media {
            let mut known: Vec<(&[u8], &[u8])> = Vec::new();
            for line in media.attributes("candidate") {
                let mut words = line.split(u8::is_ascii_whitespace);
                let mut word = || words.next().unwrap_or_default();
                let (_, _, _, priority, ip, _) = (word(), word(), word(), word(), word(), word());
                let (_, kind) = (word(), word());
                let lacks = matches!(kind, b"srflx" | b"prflx" | b"relay")
                    && memchr::memmem::find(line, b" raddr ").is_none();
                if lacks {
                    let kind = octets::text(kind);
                    found.quote(
                        message,
                        line,
                        format!("a {kind} candidate of {} has no raddr", message.told()),
                    );
                }
                let same = known
                    .iter()
                    .find(|(own, other)| *own == priority && *other != ip);
                if same.is_some() {
                    found.quote(
                        message,
                        line,
                        format!(
                            "two candidates of {} have the same priority",
                            message.told()
                        ),
                    );
                }
                known.push((priority, ip));
            }
        }
    }
}
