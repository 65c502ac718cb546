//! A Date is not written as SIP has it.
//!
//! It is a day, a date and a time in GMT; any other zone or form is read wrongly, and a
//! signed caller identity that rests on it fails.
//!
//! Fix: write, say, Sat, 13 Nov 2010 23:29:00 GMT.

use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN034",
    name: "date-not-gmt",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "20.17",
    source: include_str!("syn034.rs"),
    flags: &["0 A>B INVITE header=Date:_Fri,_01_Jan_2010_16:00:00_EST"],
    accepts: &["0 A>B INVITE header=Date:_Fri,_01_Jan_2010_16:00:00_GMT"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let Some(date) = message.value(HeaderName::Date) else {
            continue;
        };
        let parts = words(date);
        let good = parts.len() == 6
            && parts
                .last()
                .is_some_and(|zone| zone.eq_ignore_ascii_case(b"GMT"));
        if !good {
            found.quote(
                message,
                date,
                format!("Date of {} is not in GMT", message.told()),
            );
        }
    }
}
