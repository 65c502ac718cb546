//! A session description is not one.
//!
//! It begins with v=0, names its origin (o=), and each medium has an address (c=) of its own
//! or of the session; each line is a letter, an equals sign and a value.
//!
//! Fix: see what made it; an ALG that inserts or drops lines does this.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP001",
    name: "sdp-syntax",
    severity: Severity::Error,
    rfc: "RFC 8866",
    section: "5",
    source: include_str!("sdp001.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=v=0\\r\\n=>",
        "0 A>B INVITE sdp=4000 swap=c=IN_IP4_10.0.0.1\\r\\n=>",
        "0 A>B INVITE sdp=4000 line=nonsense",
    ],
    accepts: &["0 A>B INVITE sdp=4000 swap=c=IN_IP4_10.0.0.1\\r\\n=> line=c=IN_IP4_10.0.0.1"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_entire()) {
        let first = description.session.lines.first();
        let odd = description
            .media
            .iter()
            .chain([&description.session])
            .flat_map(|own| &own.lines)
            .find(|line| line.kind == 0);
        let homeless = description
            .media
            .iter()
            .find(|own| own.port() != Some(0) && description.connection(own).is_none());
        let (part, fault) = if first.is_none_or(|line| line.kind != b'v' || line.value != b"0") {
            (message.sdp_text(), "does not begin with v=0")
        } else if description.origin().is_none() {
            (message.sdp_text(), "has no origin (o=)")
        } else if let Some(line) = odd {
            (line.value, "has a line that is none")
        } else if let Some(media) = homeless {
            (media.media, "has a medium without an address (c=)")
        } else {
            continue;
        };
        found.quote(
            message,
            part,
            format!("the session description of {} {fault}", message.told()),
        );
    }
}
