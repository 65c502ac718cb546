//! Over TCP a message does not end where its Content-Length says.
//!
//! What follows is no start line: the receiver reads the rest of a body as a message, answers
//! 400 or closes the connection.
//!
//! Fix: count the octets of the body, not its characters, and count them after the last
//! change of it.

use crate::engine::connection::Connection;
use crate::rules::{Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN005",
    name: "tcp-framing-lost",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "18.3",
    source: include_str!("trn005.rs"),
    flags: &["0 A>B OPTIONS over=tcp
         10 A>B MESSAGE over=tcp cseq=2 branch=2 body=more_than\\r\\nit_says\\r\\n length=9
         20 A>B OPTIONS over=tcp cseq=3 branch=3"],
    accepts: &["0 A>B OPTIONS over=tcp
         10 A>B MESSAGE over=tcp cseq=2 branch=2 body=as_much\\r\\nas_it_says\\r\\n
         20 A>B OPTIONS over=tcp cseq=3 branch=3"],
    check: Check::Connection(check),
    ..Rule::BASE
};

fn check(connection: &Connection, found: &mut Findings) {
    if let Some((runs, after)) = connection.out_of_step {
        found.add(
            format!(
                "between {} and {}, {runs} {} where a message should begin: a Content-Length is wrong",
                connection.flow.src,
                connection.flow.dst,
                if runs == 1 { "time something else stands" } else { "times something else stands" }
            ),
            [after],
        );
    }
}
