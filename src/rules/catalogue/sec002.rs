//! Somebody guesses the password of an account.
//!
//! At least ten attempts within a minute were refused from one address.
//!
//! Fix: block the address (fail2ban), and make sure that the password is long.

use crate::engine::registration::Registration;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "SEC002",
    name: "register-bruteforce",
    severity: Severity::Error,
    source: include_str!("sec002.rs"),
    flags: &[
        "x10/1000 0 A>B REGISTER cseq=1% branch=% header=Contact:_<sip:a@10.0.0.1>
         x10/1000 1 B>A 403 method=REGISTER cseq=1% branch=% to=t%",
    ],
    accepts: &[
        "x9/1000 0 A>B REGISTER cseq=1% branch=% header=Contact:_<sip:a@10.0.0.1>
         x9/1000 1 B>A 403 method=REGISTER cseq=1% branch=% to=t%",
    ],
    check: Check::Registration(check),
    ..Rule::BASE
};

fn check(registration: &Registration, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    let lasted = registration
        .last
        .since(registration.first.timestamp)
        .max(SECOND);
    let many = registration.failures >= 10;
    // By the minute, whatever they took in all.
    let rate = i64::try_from(registration.failures)
        .unwrap_or(i64::MAX)
        .saturating_mul(60 * SECOND)
        / lasted;
    if many && rate >= 10 {
        found.add(
            format!(
                "{} attempts to register {} from {} were refused",
                registration.failures, registration.address_of_record, registration.source.ip
            ),
            [registration.first],
        );
        found.by(registration.source.ip.to_string());
    }
}
