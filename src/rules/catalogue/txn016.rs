//! The ACK to a refusal does not fit the INVITE that was refused.
//!
//! It must have the branch, the Request-URI and the number of the INVITE and the To of the
//! refusal; else the server does not know it and goes on repeating.
//!
//! Fix: build the ACK of the INVITE, and take only To from the response.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN016",
    name: "ack-non2xx-malformed",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "17.1.1.3",
    source: include_str!("txn016.rs"),
    flags: &[
        "0 A>B INVITE
         5 B>A 486 to=t
         6 A>B ACK to=t uri=sip:other@x",
        "0 A>B INVITE
         5 B>A 486 to=t
         6 A>B ACK to=u",
        "0 A>B INVITE
         5 B>A 486 to=t
         6 A>B ACK to=t branch=other",
    ],
    accepts: &["0 A>B INVITE
         5 B>A 486 to=t
         6 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, refusal, invite) in context.answered() {
        if status < 300
            || refusal.method != Method::Invite
            || refusal.flow().reversed() != invite.flow()
        {
            continue;
        }
        let mut same = context
            .requests(&Method::Ack)
            .filter(|own| own.flow() == invite.flow() && own.cseq == refusal.cseq);
        let own = context
            .requests(&Method::Ack)
            .find(|own| own.kept.transaction == refusal.kept.transaction);
        let tags: Vec<_> = context
            .responses()
            .filter(|(_, other)| other.kept.transaction == refusal.kept.transaction)
            .map(|(_, other)| other.to_tag)
            .collect();
        match own {
            Some(ack) if ack.request_uri() != invite.request_uri() => {
                found.quote(
                    ack,
                    ack.request_uri(),
                    format!(
                        "{} to {status} asks of another URI than the INVITE",
                        ack.told()
                    ),
                );
            }
            Some(ack) if !tags.contains(&ack.to_tag) && !refusal.to_tag.is_empty() => {
                found.quote(
                    ack,
                    ack.to_tag,
                    format!(
                        "{} to {status} has another To tag than the response",
                        ack.told()
                    ),
                );
            }
            Some(_) => {}
            // A forked INVITE may be both refused and answered.
            None => {
                let answered = context
                    .responses()
                    .any(|(_, own)| own.is_success(&Method::Invite) && own.cseq == refusal.cseq);
                if let Some(ack) = same
                    .find(|own| own.to_tag == refusal.to_tag && !answered && !own.to_tag.is_empty())
                {
                    let branch = ack
                        .sip
                        .top_via()
                        .ok()
                        .and_then(|via| via.branch)
                        .unwrap_or_default();
                    found.quote(
                        ack,
                        branch,
                        format!(
                            "{} to {status} has another branch than the INVITE",
                            ack.told()
                        ),
                    );
                }
            }
        }
    }
}
