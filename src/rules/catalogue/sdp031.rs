//! Media are grouped by names that they do not have.
//!
//! BUNDLE lists the mid of each medium that shares a transport; a name that no medium has,
//! or two media of one name, leave it open which is meant.
//!
//! Fix: keep mids and group alike when a description is rewritten.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP031",
    name: "bundle-invalid",
    severity: Severity::Error,
    rfc: "RFC 9143",
    section: "7",
    source: include_str!("sdp031.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=t=0_0=>t=0_0\\r\\na=group:BUNDLE_x line=a=mid:y"],
    accepts: &["0 A>B INVITE sdp=4000 swap=t=0_0=>t=0_0\\r\\na=group:BUNDLE_y line=a=mid:y"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_entire()) {
        let mids: Vec<&[u8]> = description
            .media
            .iter()
            .filter_map(|own| own.attribute("mid"))
            .map(<[u8]>::trim_ascii)
            .collect();
        for group in description.session.attributes("group") {
            let Some(names) = group.strip_prefix(b"BUNDLE") else {
                continue;
            };
            let stray = words(names)
                .into_iter()
                .find(|name| mids.iter().filter(|own| *own == name).count() != 1);
            if let Some(name) = stray {
                found.quote(
                    message,
                    name,
                    format!(
                        "{} bundles {}, which not exactly one medium is called",
                        message.told(),
                        octets::text(name)
                    ),
                );
            }
        }
    }
}
