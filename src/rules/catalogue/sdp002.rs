//! The origin of a session description is malformed.
//!
//! It has six words: user, session, version, IN, the kind of address, the address; session
//! and version are numbers. The version tells whether something changed.
//!
//! Fix: write - for the user if its name has spaces.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP002",
    name: "origin-malformed",
    severity: Severity::Error,
    rfc: "RFC 8866",
    section: "5.2",
    source: include_str!("sdp002.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=o=-_1=>o=-_one",
        "0 A>B INVITE sdp=4000 swap=o=-_1=>o=my_phone_1",
    ],
    accepts: &["0 A>B INVITE sdp=4000 swap=o=-_1=>o=-_18446744073709551615"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        let Some(origin) = description.origin() else {
            continue;
        };
        let parts = description.origin_words();
        let number = |place: usize| {
            parts
                .get(place)
                .is_some_and(|own| octets::decimal(own).is_some())
        };
        if parts.len() != 6 || !number(1) || !number(2) {
            found.quote(
                message,
                origin,
                format!(
                    "the origin of {} has not six words with numbers for session and version",
                    message.told()
                ),
            );
            return;
        }
    }
}
