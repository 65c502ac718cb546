//! A TLS handshake for SIP failed.
//!
//! One side sent an alert that is not the farewell: a certificate that is not trusted,
//! that has expired or that is for another name, no version or cipher in common.
//!
//! Fix: the alert says which; give the server a certificate for the SIP domain that
//! the client trusts, and allow TLS 1.2 on both sides.

use crate::engine::connection::Connection;
use crate::rules::{Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN009",
    name: "tls-handshake-fail",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "26.3.1",
    symptom: Some("not-reachable"),
    source: include_str!("trn009.rs"),
    flags: &[
        "0 A:4000>B:5061 tls-alert 42",
        "0 A:4000>B:5061 tcp S
         1 B:5061>A:4000 tcp SA
         2 A:4000>B:5061 tls-client 0
         5000 A:4000>B:5061 tcp FA
         5001 B:5061>A:4000 tcp FA",
    ],
    accepts: &[
        "0 A:4000>B:5061 tls-alert 0",
        "0 A:4000>B:5061 tcp S
         1 B:5061>A:4000 tcp SA
         2 A:4000>B:5061 tls-client 0",
    ],
    check: Check::Connection(check),
    ..Rule::BASE
};

fn check(connection: &Connection, found: &mut Findings) {
    let Some(tls) = &connection.tls else { return };
    let name = tls.client.server_name.as_deref();
    let to = name.map_or_else(|| connection.flow.dst.to_string(), str::to_owned);
    let alert = tls
        .alert
        .as_deref()
        .filter(|alert| !matches!(*alert, "close_notify" | "user_canceled"));
    // The answer to the SYN was captured: so would be one to the hello.
    let is_silent = connection.opened.is_some()
        && connection.closed.is_some()
        && tls.version.is_none()
        && tls.alert.is_none()
        && tls.closed_records == 0;
    let text = match alert {
        Some(alert) => format!("TLS to {to} ends with the alert {alert}"),
        None if is_silent => format!("{to} takes the connection and never answers in TLS"),
        None => return,
    };
    found.add(text, [connection.first]);
    found.by(connection.flow.dst.ip.to_string());
}
