//! A message on a stream does not say how long it is.
//!
//! Over TCP nobody can tell where it ends and the next one begins; the connection must be
//! closed.
//!
//! Fix: send Content-Length with every message, 0 too.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN004",
    name: "missing-content-length-stream",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "20.14",
    source: include_str!("trn004.rs"),
    flags: &["0 A>B OPTIONS over=tcp without=Content-Length swap=2.0/UDP=>2.0/TCP"],
    accepts: &[
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP",
        "0 A>B OPTIONS without=Content-Length",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .originals()
        .filter(|own| own.is_entire() && !own.is_udp())
    {
        if message.sip.content_length().is_none() {
            found.message(message, format!("{} has no Content-Length", message.told()));
            return;
        }
    }
}
