//! A side changed its session description and kept the version.
//!
//! The other side may take it for the one it knows and ignore the change: hold, resume or
//! new addresses have no effect.
//!
//! Fix: add one to the version of o= with each change.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP003",
    name: "version-not-incremented",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "8",
    source: include_str!("sdp003.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4000 line=a=sendonly"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4000",
        "0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4002",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.renewals() {
        // A request that is tried again is a new beginning; a response before
        // the answer is a preview of it.
        let settled = case.message.is_inside()
            || (!case.message.is_request() && case.earlier.cseq != case.message.cseq);
        let (before, now) = (case.before.origin_words(), case.description.origin_words());
        let ([user, session, version, ..], [_, _, same, ..]) = (before.as_slice(), now.as_slice())
        else {
            continue;
        };
        let same_session = now.first() == Some(user) && now.get(1) == Some(session);
        let (old, new) = (octets::decimal(version), octets::decimal(same));
        if settled
            && same_session
            && new <= old
            && new.is_some()
            && case.before.without_origin() != case.description.without_origin()
        {
            let line = changed(
                &case.before.without_origin(),
                &case.description.without_origin(),
            );
            let part = case.description.origin().unwrap_or_default();
            found.quote(
                case.message,
                part,
                format!(
                    "{} changes its session description ({line}) and keeps version {}",
                    case.message.told(),
                    octets::text(same)
                ),
            );
            found.also(case.earlier.at());
            return;
        }
    }
}

fn changed(
    before: &[crate::rules::description::Line<'_>],
    now: &[crate::rules::description::Line<'_>],
) -> String {
    let new = now.iter().find(|line| !before.contains(line));
    let gone = before.iter().find(|line| !now.contains(line));
    let text = |line: &crate::rules::description::Line<'_>| {
        format!("{}={}", char::from(line.kind), octets::text(line.value))
    };
    match (new, gone) {
        (Some(line), _) => text(line),
        (None, Some(line)) => format!("without {}", text(line)),
        (None, None) => "the order of lines".to_owned(),
    }
}
