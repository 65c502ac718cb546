//! A registration ran out and was not refreshed.
//!
//! From then on calls to the device fail. It is gone, or its REGISTER does not get through.
//!
//! Fix: see whether the device is up, and whether its REGISTER leaves it.

use crate::engine::registration::Registration;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "REG012",
    name: "binding-expired-no-refresh",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.2.4",
    symptom: Some("registration-lost"),
    source: include_str!("reg012.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         95000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         89000 C>D OPTIONS call=later tag=o branch=o"],
    check: Check::Registration(check),
    ..Rule::BASE
};

fn check(registration: &Registration, capture: CaptureFacts, found: &mut Findings) {
    let (Some(granted), Some(at)) = (registration.expires_granted, registration.granted_at) else {
        return;
    };
    let Ok(granted) = i64::try_from(granted) else {
        return;
    };
    let silent = registration.last.since(at) < SECOND;
    if !registration.is_removed
        && silent
        && capture.lasted(at, granted.saturating_add(30).saturating_mul(SECOND))
    {
        found.add(
            format!(
                "{} ran out {granted} s after it was granted, and nothing more came",
                registration.address_of_record
            ),
            [registration.first],
        );
        found.by(registration.source.ip.to_string());
    }
}
