//! A connection for SIP could not be opened.
//!
//! The port is closed, or something on the way drops what is sent there. A client goes
//! on to the next server that DNS names.
//!
//! Fix: open the port (5060 for TCP, 5061 for TLS), start the service, or let DNS name
//! the transport that is there.

use crate::engine::connection::Connection;
use crate::rules::{Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN008",
    name: "tcp-connect-fail",
    severity: Severity::Error,
    rfc: "RFC 3263",
    section: "4.3",
    symptom: Some("not-reachable"),
    source: include_str!("trn008.rs"),
    flags: &[
        "0 A:4000>B:5060 tcp S
         1 B:5060>A:4000 tcp RA",
        "0 A:4000>B:5060 tcp S
         1000 A:4000>B:5060 tcp S
         3000 A:4000>B:5060 tcp S",
    ],
    accepts: &[
        "0 A:4000>B:5060 tcp S
         1 B:5060>A:4000 tcp SA
         2 A:4000>B:5060 tcp A",
        "0 A:4000>B:5060 tcp S",
    ],
    check: Check::Connection(check),
    ..Rule::BASE
};

fn check(connection: &Connection, found: &mut Findings) {
    let what = match connection.state() {
        "refused" => "refuses the connection",
        // A SYN that is repeated shows that nothing came back.
        "no-answer" if connection.syn_retransmissions >= 2 => "does not answer",
        _ => return,
    };
    found.add(
        format!("{} {what}", connection.flow.dst),
        [connection.first],
    );
    found.by(connection.flow.dst.ip.to_string());
}
