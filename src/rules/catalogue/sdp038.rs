//! The certificate of encrypted media is named by a hash that is no longer trusted.
//!
//! SHA-1 and MD5 can be forged; browsers refuse them.
//!
//! Fix: send the fingerprint with sha-256.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP038",
    name: "fingerprint-weak",
    severity: Severity::Warning,
    rfc: "RFC 8122",
    section: "5",
    source: include_str!("sdp038.rs"),
    flags: &["0 A>B INVITE sdp=4000 line=a=fingerprint:sha-1_AA"],
    accepts: &["0 A>B INVITE sdp=4000 line=a=fingerprint:sha-1_AA line=a=fingerprint:SHA-256_BB"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        let sections = description.media.iter().chain([&description.session]);
        let prints: Vec<&[u8]> = sections
            .flat_map(|own| own.attributes("fingerprint"))
            .collect();
        let weak = |value: &&[u8]| {
            let name = octets::text(words(value).first().copied().unwrap_or_default())
                .to_ascii_lowercase();
            matches!(name.as_str(), "sha-1" | "md5" | "md2")
        };
        if let (Some(first), true) = (prints.first(), prints.iter().all(weak)) {
            found.quote(
                message,
                first,
                format!("{} names its certificate by a weak hash", message.told()),
            );
            return;
        }
    }
}
