//! A text message is longer than may go over a way that can't slow down.
//!
//! More than 1300 octets belong over TCP or MSRP.
//!
//! Fix: send it over TCP or TLS, or in parts.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "MSG001",
    name: "message-too-big",
    severity: Severity::Warning,
    rfc: "RFC 3428",
    section: "8",
    source: include_str!("msg001.rs"),
    flags: &["0 A>B MESSAGE body=LONGLONG header=Content-Type:_text/plain"],
    accepts: &["0 A>B MESSAGE body=short header=Content-Type:_text/plain"],
    needs: Needs::methods(&[Method::Message]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Message)
        .filter(|own| own.is_original && own.is_udp())
    {
        if message.sip.octets().len() > 1300 {
            found.message(
                message,
                format!(
                    "{} has {} octets",
                    message.told(),
                    message.sip.octets().len()
                ),
            );
            return;
        }
    }
}
