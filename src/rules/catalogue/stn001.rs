//! The header of a STUN message is wrong.
//!
//! Its first two bits are zero, and its length is a multiple of four and ends where the
//! datagram ends. A receiver takes anything else for another protocol and says nothing: the
//! client waits and asks again.
//!
//! Fix: count the octets of the attributes with their padding, without the header; where the
//! sender is right, a middlebox cut or padded the datagram.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::stun::HeaderFault;

pub(super) const RULE: Rule = Rule {
    code: "STN001",
    name: "bad-header",
    severity: Severity::Error,
    rfc: "RFC 8489",
    section: "5",
    source: include_str!("stn001.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request length=6",
        "0 A:4000>B:3478 stun request length=8",
        "0 A:4000>B:3478 stun request bits=64",
    ],
    accepts: &[
        "0 A:4000>B:3478 stun request
         5 B:3478>A:4000 stun success mapped=C:7000",
        "0 A:4000>B:3478 stun request username=user cut=66",
    ],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, _: CaptureFacts, found: &mut Findings) {
    let Some((fault, at)) = exchange.header_fault else {
        return;
    };
    let says = match fault {
        HeaderFault::FirstBits => "begins with bits that are not zero".to_owned(),
        HeaderFault::NoMultipleOfFour { length } => {
            format!("has a length of {length}, no multiple of four")
        }
        HeaderFault::WrongLength { length, rest } => {
            format!("has a length of {length} and {rest} octets behind the header")
        }
    };
    found.add(
        format!(
            "a STUN message between {} and {} {says}",
            exchange.flow.src, exchange.flow.dst
        ),
        [at],
    );
}
