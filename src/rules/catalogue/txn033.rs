//! Two different requests have the same branch.
//!
//! A server takes the second for a copy of the first and answers it with what it answered
//! before, or not at all.
//!
//! Fix: make a new branch for each request.

use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};
use crate::sip::MAGIC_COOKIE;
use crate::sip::Method;
use crate::sip::transaction::TRANSACTION_TIMEOUT_NS;
use std::collections::HashMap;

pub(super) const RULE: Rule = Rule {
    code: "TXN033",
    name: "branch-reused",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.7",
    source: include_str!("txn033.rs"),
    flags: &["0 A>B OPTIONS
         1 B>A 200 to=t method=OPTIONS
         900 A>B OPTIONS cseq=2"],
    accepts: &["0 A>B OPTIONS
         1 B>A 200 to=t method=OPTIONS
         900 A>B OPTIONS cseq=2 branch=2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let mut met: HashMap<&[u8], (Option<u32>, &Message<'_>)> = HashMap::new();
    for message in context
        .originals()
        .filter(|own| own.is_request() && !matches!(own.method, Method::Ack | Method::Cancel))
    {
        let via = message.sip.top_via().ok();
        let Some(own) = via.and_then(|via| via.branch).filter(|own| {
            own.len() > MAGIC_COOKIE.len() && own.starts_with(MAGIC_COOKIE.as_bytes())
        }) else {
            continue;
        };
        let (cseq, first) = met.entry(own).or_insert((message.cseq, message));
        let same_sender = first.flow().src == message.flow().src;
        if *cseq != message.cseq
            && same_sender
            && message.when().since(first.when()) < TRANSACTION_TIMEOUT_NS
        {
            let part = message
                .sip
                .top_via()
                .ok()
                .and_then(|via| via.branch)
                .unwrap_or_default();
            found.quote(
                message,
                part,
                format!(
                    "{} has the branch of an earlier {}",
                    message.told(),
                    first.called()
                ),
            );
            found.also(first.at());
        }
    }
}
