//! A line of the header section is no header field, or its list has nothing between two
//! separators.
//!
//! Strict receivers answer 400 or drop the message; others read the fields below it as a
//! body.
//!
//! Fix: look at what wrote that line: a template, a script, or an ALG.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;
use crate::sip::header::HeaderName;
use crate::sip::header::split_outside_quotes;

pub(super) const RULE: Rule = Rule {
    code: "SYN018",
    name: "header-syntax",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "7.3.1",
    source: include_str!("syn018.rs"),
    flags: &[
        "0 A>B INVITE swap=Max-Forwards:=>Max-Forwards",
        "0 A>B INVITE header=Contact:_<sip:a@10.0.0.1>;;,",
    ],
    accepts: &[
        "0 A>B INVITE header=X:_;;,,;",
        "0 A>B INVITE header=Contact:_\"a;;,\"_<sip:a;;@10.0.0.1>",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const LISTS: [HeaderName; 6] = [
        HeaderName::Via,
        HeaderName::Contact,
        HeaderName::From,
        HeaderName::To,
        HeaderName::Route,
        HeaderName::RecordRoute,
    ];
    // Vias are new with each request; the others come again.
    let is_fine = (context.parties).all(&LISTS.map(Some), |party| is_filled(party.field));
    let lists = if is_fine {
        &[HeaderName::Via][..]
    } else {
        &LISTS
    };
    for message in context.originals().filter(|own| own.is_entire()) {
        let odd = message
            .sip
            .anomalies()
            .iter()
            .any(|own| matches!(own, Anomaly::NoColon | Anomaly::FieldName));
        if odd {
            found.message(
                message,
                format!("{} has a line that is no header field", message.told()),
            );
            continue;
        }
        let mut fields = message.sip.header_fields().iter();
        let empty = fields.find(|field| lists.contains(&field.kind) && !is_filled(field.value));
        if let Some(field) = empty {
            let name = octets::text(field.name);
            found.quote(
                message,
                field.value,
                format!(
                    "{name} of {} has nothing between two separators",
                    message.told()
                ),
            );
        }
    }
}

/// Whether something stands between any two separators.
fn is_filled(value: &[u8]) -> bool {
    split_outside_quotes(value, b',')
        .all(|value| split_outside_quotes(value, b';').all(|part| !part.trim_ascii().is_empty()))
}
