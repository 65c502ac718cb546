//! A device sends from one port and wants its answers at another.
//!
//! A NAT lets answers in only at the port that was sent from.
//!
//! Fix: send from the port that is listened at, and ask for rport.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::split_host_port;
use std::net::IpAddr;

pub(super) const RULE: Rule = Rule {
    code: "TRN026",
    name: "asymmetric-signalling",
    severity: Severity::Info,
    rfc: "RFC 3581",
    section: "4",
    source: include_str!("trn026.rs"),
    flags: &["0 A:7000>B OPTIONS swap=h0;=>10.0.0.1:5060;"],
    accepts: &["0 A:7000>B OPTIONS swap=h0;=>10.0.0.1:7000;"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .originals()
        .filter(|own| own.is_request() && own.is_udp())
    {
        let Ok(via) = message.sip.top_via() else {
            continue;
        };
        let (host, port) = split_host_port(via.sent_by);
        let source = message.flow().src;
        let named: Option<IpAddr> = octets::address(host);
        if named == Some(source.ip) && port.unwrap_or(5060) != source.port {
            found.quote(
                message,
                via.sent_by,
                format!(
                    "{} wants its answer at port {}",
                    message.told(),
                    port.unwrap_or(5060)
                ),
            );
            return;
        }
    }
}
