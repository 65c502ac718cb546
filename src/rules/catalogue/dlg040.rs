//! The Contact of an answer names a private address that is not where it came from,
//! and the ACK that follows it is lost.
//!
//! Requests inside the dialog go to the Contact. A phone behind a NAT that names its
//! inside address there can't be reached from outside.
//!
//! Fix: let the proxy in front of the NAT rewrite the Contact (fix_nated_contact,
//! add_contact_alias), or let the phone learn its outside address (rport, STUN,
//! outbound); switch a SIP ALG off that does half of it.

use crate::net::is_private;
use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG040",
    name: "contact-unroutable",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.1.1",
    causes: &["TXN014", "DLG037"],
    source: include_str!("dlg040.rs"),
    flags: &["0 A>B INVITE
         20 B>A 200 to=t header=Contact:_<sip:b@192.168.7.7>
         30 A>C ACK branch=2 to=t
         520 B>A 200 to=t header=Contact:_<sip:b@192.168.7.7>
         1520 B>A 200 to=t header=Contact:_<sip:b@192.168.7.7>"],
    accepts: &[
        "0 A>B INVITE
         20 B>A 200 to=t header=Contact:_<sip:b@192.168.7.7>
         30 A>B ACK branch=2 to=t",
        "0 A>B INVITE
         20 B>A 200 to=t header=Contact:_<sip:b@10.0.0.2>
         520 B>A 200 to=t header=Contact:_<sip:b@10.0.0.2>
         1520 B>A 200 to=t header=Contact:_<sip:b@10.0.0.2>",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if !(200..300).contains(&status) || message.method != Method::Invite {
            continue;
        }
        let Some(contact) = message.sip.contact() else {
            continue;
        };
        let host = octets::text(contact.parsed_uri().host);
        let Ok(named) = host.trim_matches(['[', ']']).parse() else {
            continue;
        };
        let source = message.flow().src;
        let lost = context.call().exchanges.iter().any(|exchange| {
            exchange.method == Method::Invite
                && exchange.answerer == Some(source)
                && !exchange.acknowledged_to_answerer
                && context
                    .hops(exchange)
                    .any(|hop| hop.flow.dst == source && hop.answer_retransmissions >= 2)
        });
        if is_private(named) && named != source.ip && lost && context.is_whole() {
            found.quote(
                message,
                contact.uri,
                format!(
                    "{status} from {source} names Contact {host}, which is private: nothing that \
                     is sent there arrives"
                ),
            );
            found.by("callee");
            return;
        }
    }
}
