//! A notification comes after the subscription was ended.
//!
//! The notifier said terminated and goes on: it does not remove what it ended.
//!
//! Fix: let the notifier forget the subscription with the last NOTIFY.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Message, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "SUB007",
    name: "notify-after-terminated",
    severity: Severity::Warning,
    rfc: "RFC 6665",
    section: "4.2.2",
    source: include_str!("sub007.rs"),
    flags: &["0 B>A NOTIFY tag=t to=f header=Event:_presence header=Subscription-State:_terminated;reason=timeout
         900 B>A NOTIFY tag=t to=f cseq=2 branch=2 header=Event:_presence header=Subscription-State:_active"],
    accepts: &["0 B>A NOTIFY tag=t to=f header=Event:_presence header=Subscription-State:_active
         900 B>A NOTIFY tag=t to=f cseq=2 branch=2 header=Event:_presence header=Subscription-State:_terminated;reason=timeout"],
    needs: Needs::methods(&[Method::Subscribe, Method::Notify, Method::Refer]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let event = |own: &Message<'_>| own.value(HeaderName::Event).map(octets::text);
    let mut ended: Vec<(Option<String>, &[u8], &Message<'_>)> = Vec::new();
    for message in context.originals().filter(|own| own.is_request()) {
        match message.method {
            // A new one may begin in the same dialog.
            Method::Subscribe | Method::Refer => ended.clear(),
            Method::Notify => {
                let known = ended
                    .iter()
                    .find(|(name, tag, _)| *name == event(message) && *tag == message.from_tag);
                if let Some((_, _, last)) =
                    known.filter(|own| message.when().since(own.2.when()) > SECOND / 2)
                {
                    found.message(
                        message,
                        format!("{} after the subscription was ended", message.told()),
                    );
                    found.also(last.at());
                    return;
                }
                let state = message
                    .value(HeaderName::SubscriptionState)
                    .unwrap_or_default();
                if state.to_ascii_lowercase().starts_with(b"terminated") {
                    ended.push((event(message), message.from_tag, message));
                }
            }
            _ => {}
        }
    }
}
