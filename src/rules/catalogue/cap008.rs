//! SIP travels over TLS here and can't be read.
//!
//! What is said about calls rests on what was sent in the clear.
//!
//! Fix: capture where the signalling is in the clear, at the proxy; or switch TLS off for a
//! test.

use crate::engine::connection::Connection;
use crate::rules::{Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "CAP008",
    name: "undecryptable-signalling",
    severity: Severity::Info,
    source: include_str!("cap008.rs"),
    flags: &["0 A:4000>B:5061 tls-alert 48"],
    accepts: &["0 A:4000>B:443 tls-alert 48"],
    check: Check::Connection(check),
    ..Rule::BASE
};

fn check(connection: &Connection, found: &mut Findings) {
    let Some(tls) = &connection.tls else { return };
    let of_sip = connection.flow.dst.port == 5061
        || tls.client.alpn.iter().any(|own| own.starts_with("sip"));
    if of_sip && !connection.is_dtls() && connection.sip_messages == 0 {
        found.add(
            format!(
                "{} to {} is encrypted",
                connection.flow.src, connection.flow.dst
            ),
            [connection.first],
        );
    }
}
