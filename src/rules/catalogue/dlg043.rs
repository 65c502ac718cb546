//! A request that is tried again carries the To tag of its refusal.
//!
//! It claims to be part of a dialog that never was; the other side answers 481.
//!
//! Fix: leave the tag of To out when a request outside a dialog is sent again.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG043",
    name: "totag-on-retry",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.3.5",
    symptom: Some("rejected"),
    source: include_str!("dlg043.rs"),
    flags: &["0 A>B INVITE
         5 B>A 401 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         6 A>B ACK to=t
         9 A>B INVITE to=t cseq=2 branch=2 uri=sip:b@x"],
    accepts: &["0 A>B INVITE
         5 B>A 401 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         6 A>B ACK to=t
         9 A>B INVITE cseq=2 branch=2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, refusal, request) in context.answered() {
        let retries = matches!(
            refusal.method,
            Method::Invite | Method::Register | Method::Subscribe
        );
        if status < 300 || request.is_inside() || refusal.to_tag.is_empty() || !retries {
            continue;
        }
        let stands = context.messages.iter().any(|own| {
            let says = own
                .status
                .is_some_and(|status| (101..300).contains(&status))
                && own.to_tag == refusal.to_tag;
            says || (own.is_request() && own.from_tag == refusal.to_tag)
        });
        let again = context.inside().find(|own| {
            own.method == refusal.method
                && own.to_tag == refusal.to_tag
                && own.from_tag == request.from_tag
                && own.cseq > request.cseq
        });
        if let (false, Some(again)) = (stands, again) {
            found.quote(
                again,
                again.to_tag,
                format!(
                    "{} carries the To tag of {}",
                    again.told(),
                    refusal.called()
                ),
            );
            return;
        }
    }
}
