//! A message that makes a dialog has no Contact.
//!
//! The other side does not know where to send what follows: its ACK, its BYE, its NOTIFY
//! go to the wrong place or nowhere.
//!
//! Fix: put a Contact into INVITE, SUBSCRIBE and REFER, and into the 2xx to them.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN029",
    name: "contact-missing",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.8",
    source: include_str!("syn029.rs"),
    flags: &[
        "0 A>B INVITE without=Contact",
        "0 A>B INVITE
         9 B>A 200 to=t without=Contact
         10 A>B ACK to=t branch=2",
    ],
    accepts: &[
        "0 A>B OPTIONS without=Max-Forwards",
        "0 A>B INVITE
         9 B>A 486 to=t
         10 A>B ACK to=t",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_entire()) {
        let needs = match message.status {
            None => matches!(
                message.method,
                Method::Invite | Method::Subscribe | Method::Refer
            ),
            Some(_) => {
                message.is_success(&Method::Invite) || message.is_success(&Method::Subscribe)
            }
        };
        if needs && !has(&message.sip, HeaderName::Contact) {
            found.message(message, format!("{} has no Contact", message.told()));
        }
    }
}
